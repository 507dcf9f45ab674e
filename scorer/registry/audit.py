"""The audit stream in Redis: every command on a pointer and every push, with actor and reason.

It is written in the same MULTI as the change. It is bounded (about 10,000 entries), and gone after FLUSHALL; the topic
``M.audit`` keeps for ever what the scorers read from here. An entry that somebody else added is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast

import redis
from redis.client import Pipeline
from redis.typing import EncodableT, FieldT

from scorer.errors import RegistryConflict, SettingsError
from scorer.registry.client import answering
from scorer.registry.keys import Keys

START = "0-0"
"""Before the first entry."""

_KEPT = 10_000
_AT_ONCE = 500
_LONGEST = 2_000

Kind = Literal["set", "push"]
PointerName = Literal["champion", "challenger", "trial"]
POINTER_NAMES: tuple[PointerName, ...] = ("champion", "challenger", "trial")


@dataclass(frozen=True, slots=True)
class Entry:
    """One command. ``at`` is when the server executed it, in seconds since the epoch by its clock.

    ``kind`` is ``set`` (``pointer`` was changed from ``old`` to ``new``; ``None``: absent) or ``push`` (the version
    ``new`` was stored, with its digest in hexadecimal and the commit it was made from).
    """

    id: str
    at: float
    kind: Kind
    pointer: PointerName | None
    old: str | None
    new: str | None
    actor: str
    reason: str
    digest: str | None = None
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Entries in their order, and the id to go on from, which may belong to an entry that was passed over."""

    entries: tuple[Entry, ...]
    last: str


def checked(actor: str, reason: str) -> dict[str, str]:
    """``actor`` and ``reason`` as fields. SettingsError where there is no actor or one of them is very long."""
    for what, text in (("actor", actor), ("reason", reason)):
        if len(text) > _LONGEST:
            raise SettingsError(f"the {what} has {len(text)} characters; say it in at most {_LONGEST}")
    if not actor.strip():
        raise SettingsError("a command needs an actor: say who gives it")
    return {"actor": actor, "reason": reason}


def require_stream(pipe: Pipeline, keys: Keys) -> None:
    """RegistryConflict where the key of the stream holds something else, so that XADD would fail.

    For a pipeline before its MULTI: a command that fails in a MULTI does not undo the others.
    """
    kind = cast("bytes", pipe.type(keys.audit)).decode()
    if kind not in ("stream", "none"):
        raise RegistryConflict(
            f"{keys.audit} is a {kind}, not a stream, so nothing can be audited: rename or delete it"
        )


def append(pipe: Pipeline, keys: Keys, kind: Kind, fields: Mapping[str, str | None]) -> None:
    """Queue an entry; its answer is its id. A field that is ``None`` is left out."""
    present: dict[FieldT, EncodableT] = {name: text for name, text in fields.items() if text is not None}
    pipe.xadd(keys.audit, {"kind": kind} | present, maxlen=_KEPT, approximate=True)


def read(client: redis.Redis, keys: Keys, since: str = START, count: int = 1_000) -> Page:
    """At most ``count`` entries after the one with the id ``since``, oldest first. RegistryUnavailable."""
    with answering(client, "read the audit stream"):
        return page(client.xrange(keys.audit, min=f"({since}", count=count), since)


def newest_first(client: redis.Redis, keys: Keys) -> Iterator[Entry]:
    """All entries, the newest first; no more is read than is asked for. RegistryUnavailable."""
    end = "+"
    while True:
        with answering(client, "read the audit stream"):
            found = page(client.xrevrange(keys.audit, max=end, count=_AT_ONCE), START)
        yield from found.entries
        if found.last == START:
            return
        end = f"({found.last}"


def page(answer: object, since: str) -> Page:
    """What XRANGE or XREVRANGE answered. ``last`` is the id of the last one listed, else ``since``."""
    entries: list[Entry] = []
    for key, fields in cast("list[tuple[bytes | None, dict[bytes, bytes] | None]]", answer or []):
        if key is None or fields is None:
            continue
        since = key.decode()
        entry = parse(since, fields)
        if entry is not None:
            entries.append(entry)
    return Page(tuple(entries), since)


def parse(key: str, fields: Mapping[bytes, bytes]) -> Entry | None:
    """One entry of the stream; ``None`` where it was not written by ``append``."""
    try:
        text = {name.decode(): value.decode() for name, value in fields.items()}
    except UnicodeDecodeError:
        return None
    kind, pointer = text.get("kind"), text.get("pointer")
    if (kind, pointer) not in {("push", None), *(("set", name) for name in POINTER_NAMES)}:
        return None
    return Entry(
        id=key,
        at=id_order(key)[0] / 1_000.0,
        kind=cast("Kind", kind),
        pointer=cast("PointerName | None", pointer),
        old=text.get("old"),
        new=text.get("new"),
        actor=text.get("actor", ""),
        reason=text.get("reason", ""),
        digest=text.get("digest"),
        commit=text.get("commit"),
    )


def id_order(key: str) -> tuple[int, int]:
    """What ids are ordered by: milliseconds of the server's clock, and a counter within them."""
    milliseconds, _, counter = key.partition("-")
    return int(milliseconds), int(counter or 0)
