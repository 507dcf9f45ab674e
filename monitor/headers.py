"""What the monitor takes from the headers of records, of what the client read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from confluent_kafka import Message

from monitor.records import Letter
from scorer.batch import Batch
from scorer.stream import dead_letters

REVISION: Final = "label.revision"
"""The header of a retraction with its revision, a decimal number; without it the revision is 0."""

LATEST: Final = (1 << 63) // 1000 - 1
"""Milliseconds that can be counted in microseconds, too; a producer may write what it likes."""

_DECIMAL: Final = re.compile(r"-?[0-9]{1,19}")


def letter(message: Message) -> Letter:
    """What is counted of a dead letter. The event's own time of arrival, where the headers have it."""
    headers = dict(dead_letters.listed(message.headers()))
    code, time_of_event = (_text(headers.get(dead_letters.PREFIX + name)) for name in ("code", "source.time"))
    known = time_of_event.isdecimal() and len(time_of_event) < 16
    arrived = int(time_of_event) if known else message.timestamp()[1]
    return Letter(code, min(arrived, LATEST))


def revisions(messages: Sequence[Message], batch: Batch) -> dict[int, int | None]:
    """The revisions that records without a value bear, by row; ``None`` where what a record bears is no revision.

    ``batch`` is that of the messages, which are labels. A header that is there twice counts as it was last.
    """
    found: dict[int, int | None] = {}
    for row in np.flatnonzero((batch.payload_length < 0) & batch.has_headers).tolist():
        headers = dict(dead_letters.listed(messages[row].headers()))
        if REVISION in headers:
            found[row] = _number(_text(headers[REVISION]))
    return found


def _number(text: str) -> int | None:
    number = int(text) if _DECIMAL.fullmatch(text) else None
    return number if number is not None and -(1 << 63) <= number < 1 << 63 else None


def _text(value: str | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
