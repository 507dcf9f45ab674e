"""Which rows of a batch are taken, and why others are not. Pure.

A row that was read before, below its partition's next offset, is no news: it is left out without a word, because the
first reading has counted it. Every other row is taken or counted under one reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from monitor.rows import DAY, Bools, Int64s, Rows
from monitor.store.cohorts import Source

REASONS = (
    "", "unreadable", "wrong_type", "not_finite", "unknown_class", "no_time", "other_model", "other_outputs",
    "unknown_role", "too_many_names", "future", "expired",
)  # fmt: skip
"""By the number in the column ``refused``; 0 is taken. The last two are found here, the others by whoever decodes."""

UNREADABLE, WRONG_TYPE, NOT_FINITE, UNKNOWN_CLASS, NO_TIME, OTHER_MODEL, OTHER_OUTPUTS, UNKNOWN_ROLE, TOO_MANY_NAMES, \
    FUTURE, EXPIRED = range(1, len(REASONS))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Admitted:
    """``rows`` is a mask of those taken, ``refused`` counts the others by reason, ``sources`` are those that moved."""

    rows: Bools
    refused: Mapping[str, int]
    sources: Mapping[int, Source]


def admit(
    rows: Rows, refused: Int64s, sources: Mapping[int, Source], tick: int, ahead: int, first_day: int
) -> Admitted:
    """Look at a batch of one topic, ``rows`` with ``partition``, ``position`` and ``time``.

    ``refused`` are numbers of ``REASONS``, ``sources`` where each partition stands, ``tick`` the last one. A time
    beyond ``tick`` + ``ahead`` is refused and moves no watermark; so is one on a day before ``first_day``, which has
    been forgotten, and one before 1970, which no event has. A retraction moves no watermark either: its time is by the
    broker's clock, not by that of labels.
    Raises KeyError for a partition that is not among the sources.
    """
    partition, position, time = rows["partition"], rows["position"], rows["time"]
    news = np.zeros(len(partition), bool)
    found = np.unique(partition).tolist()
    for number in found:
        ours = np.flatnonzero((partition == number) & (position >= sources[number].next_offset))
        if np.any(np.diff(position[ours]) <= 0):  # the same rows twice in one batch
            ours = ours[np.unique(position[ours], return_index=True)[1]]
        news[ours] = True
    reasons = refused.copy()
    reasons[(reasons == 0) & (time > tick + ahead)] = FUTURE
    reasons[(reasons == 0) & (time < max(first_day, 0) * DAY)] = EXPIRED
    taken = news & (reasons == 0)
    telling = taken & ~rows["retracted"] if "retracted" in rows else taken
    moved = {}
    for number in found:
        ours = news & (partition == number)
        if ours.any():
            before = sources[number]
            latest = int(time[ours & telling].max(initial=before.time))
            moved[number] = replace(before, next_offset=int(position[ours].max()) + 1, time=latest, alive=tick)
    counts = np.bincount(reasons[news], minlength=len(REASONS)).tolist()
    return Admitted(taken, {REASONS[n]: counts[n] for n in range(1, len(REASONS)) if counts[n]}, moved)
