"""The pointers: read by one MGET, changed by one MULTI together with the audit entry and the wake-up.

``redis-cli SET scorer:M:champion V`` is a good way to flip, so whatever people may write there is read with care: a
value that makes no sense is ``Refused``, with the reason, and the other pointers stand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import redis
from redis.client import Pipeline

from scorer.errors import RegistryConflict, SettingsError
from scorer.registry import audit
from scorer.registry import trial as trials
from scorer.registry.audit import POINTER_NAMES, Entry, PointerName
from scorer.registry.client import address, answering
from scorer.registry.keys import Keys, check_name, is_name
from scorer.registry.transaction import transaction
from scorer.registry.trial import Trial


@dataclass(frozen=True, slots=True)
class Refused:
    """A pointer whose value makes no sense. ``reason`` is a short stable code, a colon and the explanation."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pointers:
    """The pointers at one moment. ``texts`` is what stands in Redis, for messages and comparisons; ``None``: absent."""

    champion: str | Refused | None
    challengers: tuple[str, ...] | Refused
    trial: Trial | Refused | None
    texts: Mapping[PointerName, str | None]


def read(client: redis.Redis, keys: Keys) -> Pointers:
    """All pointers at one moment. RegistryUnavailable where Redis does not answer."""
    with answering(client, "read the pointers"), client.pipeline() as pipe:
        queue_read(pipe, keys)
        answers = pipe.execute(raise_on_error=False)
    return understood(answers)


def queue_read(pipe: Pipeline, keys: Keys) -> None:
    """Queue what ``understood`` needs: one MGET, and the types, because MGET shows a list or hash as absent."""
    pipe.mget(keys.pointers)
    for key in keys.pointers:
        pipe.type(key)


def understood(answers: Sequence[object]) -> Pointers:
    """The pointers from the four answers to ``queue_read``."""
    values = cast("list[bytes | None]", answers[0])
    kinds = [cast("bytes", kind).decode() for kind in answers[1:4]]
    texts: dict[PointerName, str | None] = {}
    wrong: dict[PointerName, Refused] = {}
    for name, value, kind in zip(POINTER_NAMES, values, kinds, strict=True):
        texts[name] = None if value is None else value.decode("utf-8", "replace").strip()
        if value is None and kind not in ("none", "string"):
            texts[name] = f"<{kind}>"
            wrong[name] = Refused(f"type: the key holds a {kind}, not a string; delete it and SET it again")
    return Pointers(
        champion=wrong.get("champion") or _champion(texts["champion"]),
        challengers=wrong.get("challenger") or _challengers(texts["challenger"]),
        trial=wrong.get("trial") or _trial(texts["trial"]),
        texts=texts,
    )


def set_champion(
    client: redis.Redis, keys: Keys, version: str, *, actor: str, reason: str, expect: str | None = None
) -> Entry:
    """Let the predictions of ``version`` count. Returns the audit entry.

    With ``expect``, only if that is the champion now (``""``: only if there is none). Raises RegistryConflict where
    it is not or where the version is not in Redis, RegistryUnavailable, SettingsError for a bad name.
    """
    check_name(version, "version")
    check = _expected(keys, "champion", expect)
    fields = audit.checked(actor, reason)
    return _set(client, keys, "champion", version, versions=[version], fields=fields, check=check)


def set_challengers(
    client: redis.Redis, keys: Keys, versions: Sequence[str], *, actor: str, reason: str, expect: str | None = None
) -> Entry:
    """Let ``versions`` be scored in the shadow; none at all removes the pointer. Otherwise like ``set_champion``."""
    for version in versions:
        check_name(version, "version")
    check = _expected(keys, "challenger", expect)
    fields = audit.checked(actor, reason)
    return _set(client, keys, "challenger", ",".join(versions) or None, versions=versions, fields=fields, check=check)


def start_trial(client: redis.Redis, keys: Keys, trial: Trial, *, actor: str, reason: str, now: float) -> Entry:
    """Start ``trial``, or renew or change the one with its id. ``now`` is in seconds since the epoch.

    Raises RegistryConflict where another trial is on, where this one would be over at once, or where its version is
    not in Redis; RegistryUnavailable.
    """
    if not trial.live(now):
        raise RegistryConflict(f"trial {trial.id} would be over at once: its until is in the past")

    def check(old: Pointers) -> None:
        if isinstance(old.trial, Trial) and old.trial.id != trial.id and old.trial.live(now):
            raise RegistryConflict(f"trial {old.trial.id} of {keys.model} is on; stop it first: scorer trial stop")

    fields = audit.checked(actor, reason)
    return _set(client, keys, "trial", trial.to_json(), versions=[trial.version], fields=fields, check=check)


def stop_trial(client: redis.Redis, keys: Keys, *, actor: str, reason: str) -> Entry:
    """Remove the trial. Raises RegistryConflict where there is none, RegistryUnavailable."""

    def check(old: Pointers) -> None:
        if old.texts["trial"] is None:
            raise RegistryConflict(f"no trial of {keys.model} is on, so there is nothing to stop")

    return _set(client, keys, "trial", None, versions=[], fields=audit.checked(actor, reason), check=check)


def _set(
    client: redis.Redis,
    keys: Keys,
    pointer: PointerName,
    new: str | None,
    *,
    versions: Sequence[str],
    fields: Mapping[str, str],
    check: Callable[[Pointers], None],
) -> Entry:
    key = keys.pointers[POINTER_NAMES.index(pointer)]
    parts = [keys.version(version, part) for version in versions for part in ("manifest", "tensors")]

    def body(pipe: Pipeline) -> str | None:
        values, kinds = pipe.mget(keys.pointers), [pipe.type(each) for each in keys.pointers]
        old = understood([values, *kinds])
        check(old)
        audit.require_stream(pipe, keys)
        for version in versions:
            _require(client, pipe, keys, version)
        pipe.multi()
        pipe.delete(key) if new is None else pipe.set(key, new)
        audit.append(pipe, keys, "set", {"pointer": pointer, "old": old.texts[pointer], "new": new, **fields})
        pipe.publish(keys.wake, pointer)
        return old.texts[pointer]

    before, answers = transaction(client, f"set the {pointer} of {keys.model}", [*keys.pointers, *parts], body)
    entry = cast("bytes", answers[1]).decode()
    at = audit.id_order(entry)[0] / 1_000.0
    return Entry(entry, at, "set", pointer, before, new, fields["actor"], fields["reason"])


def _require(client: redis.Redis, pipe: Pipeline, keys: Keys, version: str) -> None:
    if pipe.exists(keys.version(version, "manifest"), keys.version(version, "tensors")) != 2:
        raise RegistryConflict(
            f"version {version} of {keys.model} is not in Redis at {address(client)}; "
            f"push it first: scorer models push coefficients/{keys.model}/{version}"
        )


def _expected(keys: Keys, pointer: PointerName, expect: str | None) -> Callable[[Pointers], None]:
    def check(old: Pointers) -> None:
        if expect is not None and (old.texts[pointer] or "") != expect:
            found = old.texts[pointer] or "absent"
            raise RegistryConflict(
                f"the {pointer} of {keys.model} is {found}, not {expect or 'absent'} as expected; nothing was changed"
            )

    return check


def _champion(text: str | None) -> str | Refused | None:
    if text is None or is_name(text):
        return text
    return Refused(f"name: {text[:100]!r} cannot be the name of a version")


def _challengers(text: str | None) -> tuple[str, ...] | Refused:
    if text is None:
        return ()
    versions = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    bad = [version for version in versions if not is_name(version)]
    return Refused(f"name: {bad[0][:100]!r} cannot be the name of a version") if bad else versions


def _trial(text: str | None) -> Trial | Refused | None:
    try:
        return None if text is None else trials.parse(text)
    except SettingsError as error:
        return Refused(f"trial: {error}")
