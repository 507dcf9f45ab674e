"""What a dead letter looks like: the original bytes as its value, everything else in headers.

So that nothing must be decoded to replay it: the value, the key and the event's own headers are as they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from confluent_kafka import Message

if TYPE_CHECKING:  # commands read dead letters, too, and need not wait for compiled code
    from scorer.scoring.score import DeadLetter, Scored

Header = tuple[str, str | bytes | None]
Headers = dict[str, str | bytes | None] | list[Header]
"""As the client types them; what it reads are lists of (name, bytes or None)."""

PREFIX = "scorer."
ATTEMPT = PREFIX + "attempt"
"""How often this event has been tried; a replayed event bears it, too."""
ORIGIN = PREFIX + "origin"
"""topic-partition-offset of the event's first appearance."""
CUT = PREFIX + "value.cut"
"""Present where the value is only the beginning of the original, because the topic takes no larger ones."""

# What a record costs beyond its key, value and headers: record and batch framing, generously.
RECORD_BYTES = 200
HEADER_BYTES = 16


def make(
    letter: DeadLetter, event: Message, instance: str, scored: Scored, limit: int
) -> tuple[bytes | None, bytes | None, list[Header]]:
    """Key, value and headers of the dead letter for an event, of at most ``limit`` bytes."""
    original = listed(event.headers())
    coordinates = f"{event.topic()}-{event.partition()}-{event.offset()}".encode()
    facts: dict[str, object] = {
        "source.topic": event.topic(),
        "source.partition": event.partition(),
        "source.offset": event.offset(),
        "source.time": event.timestamp()[1],
        "code": letter.code,
        "reason": letter.text,
        "field": letter.field,
        "position": letter.position,
        "failed.time": scored.at // 1000,
        "instance": instance,
        "version": letter.version,
    }
    ours: list[Header] = [(PREFIX + name, str(fact).encode()) for name, fact in facts.items() if fact is not None]
    attempt = str(attempts(original) + 1).encode()
    origin = dict(original).get(ORIGIN) or coordinates
    headers = [*own(original), *ours, (ATTEMPT, attempt), (ORIGIN, origin)]
    return fit(event.key(), event.value(), headers, limit)


def listed(headers: Headers | None) -> list[Header]:
    """A message's headers as a list, empty where there are none."""
    return [] if headers is None else list(headers.items()) if isinstance(headers, dict) else headers


def own(original: Iterable[Header]) -> list[Header]:
    """The headers that the producer of the event gave it."""
    return [header for header in original if not header[0].startswith(PREFIX)]


def attempts(original: Iterable[Header]) -> int:
    """How often the event has been tried before; 0 where it was never replayed, or the header makes no sense."""
    text = dict(original).get(ATTEMPT)
    return int(text) if text is not None and text.isdigit() and len(text) < 6 else 0


def size(key: bytes | None, value: bytes | None, headers: Iterable[Header]) -> int:
    """An upper bound of what a record counts against max.message.bytes."""
    carried = sum(len(name.encode()) + len(value or b"") + HEADER_BYTES for name, value in headers)
    return RECORD_BYTES + len(key or b"") + len(value or b"") + carried


def fit(
    key: bytes | None, value: bytes | None, headers: list[Header], limit: int
) -> tuple[bytes | None, bytes | None, list[Header]]:
    """Key, value and headers of a dead letter that the topic takes.

    Above ``limit`` bytes the value is cut and its length and sha256 are kept; where the event's own headers or its
    key leave no room at all, they go too, and are named.
    """
    if size(key, value, headers) <= limit:
        return key, value, headers
    full = value or b""
    kept = [*headers, (PREFIX + "value.sha256", hashlib.sha256(full).hexdigest().encode())]
    kept += [(PREFIX + "value.length", str(len(full)).encode()), (CUT, b"true")]
    if size(key, b"", kept) > limit:
        kept = [header for header in kept if header[0].startswith(PREFIX)] + [(PREFIX + "headers.dropped", b"true")]
    if size(key, b"", kept) > limit:
        kept += [(PREFIX + "key.sha256", hashlib.sha256(key or b"").hexdigest().encode())]
        key = None
    room = max(0, limit - size(key, b"", kept))
    return key, full[:room], kept
