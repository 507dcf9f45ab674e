"""Whether each prediction was made by a version that the pointers named at that time, by the audit topic.

A scorer writes an ``applied`` record for each pointer that it follows: what the pointer said (``version``) and when
this process first read it (``seen``). The pointer is one register, so all processes together saw its history: in the
order of ``seen``, each new value is valid from then on, and the one before it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sandbox.judge import Schema, decoder, read

GRACE = 1_000_000
"""Microseconds for which a prediction may still bear the value that was replaced."""

_NEVER = 2**62

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Stamps:
    """What ``n`` predictions say of who made them: arrays of shape ``(n,)``; ``scored_time`` in microseconds.

    ``digest`` in hexadecimal.
    """

    role: npt.NDArray[np.str_]
    version: npt.NDArray[np.str_]
    digest: npt.NDArray[np.str_]
    scored_time: Int64s


@dataclass(frozen=True)
class Reign:
    """One value of a pointer: from when to when (microseconds) some process had seen it and none its successor."""

    version: str | None
    begin: int
    end: int


def audit(bootstrap: str, topic: str, schema: Schema) -> list[dict[str, Any]]:
    """All audit records."""
    decode = decoder(schema)
    found = (decode(message.value()) for messages in read(bootstrap, topic) for message in messages)
    return [record for record in found if record is not None]


def reigns(records: Iterable[Mapping[str, Any]], pointer: str) -> list[Reign]:
    """The history of a pointer. ``records`` are decoded audit records; their times are in microseconds."""
    seen = sorted(
        (int(record["seen"]), record["version"])
        for record in records
        if record["event"] == "applied" and record["pointer"] == pointer
    )
    changes = [entry for place, entry in enumerate(seen) if place == 0 or entry[1] != seen[place - 1][1]]
    ends = [begin for begin, _ in changes[1:]] + [_NEVER]
    return [Reign(version, begin, end) for (begin, version), end in zip(changes, ends, strict=False)]


def wrong(stamps: Stamps, history: Mapping[str, list[Reign]], digests: Mapping[str, str]) -> Bools:
    """Which predictions bear a version that their pointer did not name within the second before, or another digest.

    ``history`` has the reigns of the pointer that each role follows, ``digests`` each version's digest in hexadecimal.
    """
    fine = np.zeros(len(stamps.version), np.bool_)
    for role, followed in history.items():
        for reign in followed:
            mine = (stamps.role == role) & (stamps.version == (reign.version or ""))
            fine |= mine & (stamps.scored_time >= reign.begin) & (stamps.scored_time <= reign.end + GRACE)
    known = np.zeros(len(fine), np.bool_)
    for version, digest in digests.items():
        known |= (stamps.version == version) & (stamps.digest == digest)
    return ~(fine & known)
