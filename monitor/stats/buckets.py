"""Counts, sums and histograms by hour, version, role and segment, which merge into windows.

Everything in a bucket is an integer. So arrival in any order, merging in any order and taking back give equal buckets,
and what was taken back leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from monitor.stats import exact, packing
from monitor.stats.folding import fold
from monitor.stats.histogram import Histogram
from monitor.stats.layout import INVALID, INVALID_PREDICTIONS, OUTCOMES, PREDICTIONS, Layout
from scorer.batch import Int64s
from scorer.quality.requirement import Window
from scorer.quality.table import Table
from scorer.quality.windows import window_of

HOUR = 3_600_000_000
"""Microseconds."""


class Key(NamedTuple):
    """What a bucket is of: ``hours`` from ``hour`` on, counted from 1970, UTC.

    Of a window, ``hour`` is its number (``scorer.quality.windows``), and ``hours`` 0. ``segment`` is a field and its
    value; ``None``: all events.
    """

    hour: int
    version: str
    role: str
    segment: tuple[str, str] | None = None
    hours: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Bucket:
    """``counted`` int64 stands as ``monitor.stats.layout`` says; ``limbs`` int64 ``(sums, LIMBS)`` are those of
    ``Layout.sums`` (``exact.sums``). ``scores`` are of outcomes, by truth; ``all_scores`` of all predictions, with
    labels or without: "true" are those predicted to be of the class.
    """

    counted: Int64s
    limbs: Int64s
    scores: Histogram
    all_scores: Histogram

    @staticmethod
    def empty(layout: Layout) -> Bucket:
        """Without any rows."""
        limbs = np.zeros((len(layout.sums), exact.LIMBS), np.int64)
        return Bucket(np.zeros(layout.counts, np.int64), limbs, Histogram.empty(), Histogram.empty())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bucket) and (
            np.array_equal(self.counted, other.counted)
            and np.array_equal(self.limbs, other.limbs)
            and (self.scores, self.all_scores) == (other.scores, other.all_scores)
        )

    __hash__ = None  # type: ignore[assignment]  # it holds arrays

    def merge(self, other: Bucket) -> Bucket:
        """Both together."""
        return Bucket(
            self.counted + other.counted,
            exact.settled(self.limbs + other.limbs),
            self.scores.merge(other.scores),
            self.all_scores.merge(other.all_scores),
        )

    def copy(self) -> Bucket:
        """The same with arrays of its own: parts of larger ones would keep those alive."""
        return Bucket(self.counted.copy(), self.limbs.copy(), self.scores.copy(), self.all_scores.copy())

    def pack(self) -> bytes:
        """As few bytes, from which :meth:`unpack` makes it again."""
        parts = [self.counted, self.limbs.ravel()]
        for histogram in (self.scores, self.all_scores):
            parts.append(np.array([len(histogram.bins)]))
            if len(histogram.bins):
                parts += [histogram.bins[:1], np.diff(histogram.bins), *histogram.columns[1:]]
        return packing.pack(np.concatenate(parts))

    @staticmethod
    def unpack(content: bytes, layout: Layout) -> Bucket:
        """What :meth:`pack` gave, of the same layout. Raises ``ValueError`` for anything else."""
        numbers, sums = packing.unpack(content), len(layout.sums)
        counted, rest = numbers[: layout.counts], numbers[layout.counts :]
        limbs, rest = rest[: sums * exact.LIMBS], rest[sums * exact.LIMBS :]
        histograms = []
        for _ in range(2):
            if not len(rest) or len(rest) < 1 + 4 * int(rest[0]):
                raise ValueError("a bucket is cut off, or of another layout")
            bins, *columns = rest[1 : 1 + 4 * int(rest[0])].reshape(4, -1)
            histograms.append(Histogram(np.cumsum(bins), *columns))
            rest = rest[1 + 4 * int(rest[0]) :]
        if len(rest):
            raise ValueError("a bucket is of another layout")
        return Bucket(counted, limbs.reshape(sums, exact.LIMBS), *histograms)

    @property
    def counts(self) -> tuple[int, ...]:
        """The counts, where ``monitor.stats.layout`` says."""
        return tuple(self.counted.tolist())

    @property
    def sums(self) -> tuple[int, ...]:
        """The sums, as ``Layout.sums``, in units of 2**-64."""
        return tuple(exact.numbers(self.limbs))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left in it."""
        return not (self.counted.any() or self.limbs.any() or len(self.scores.bins) or len(self.all_scores.bins))

    @property
    def n(self) -> int:
        """How many labels can be judged: outcomes with a valid score."""
        return int(self.counted[OUTCOMES] - self.counted[INVALID])

    @property
    def predictions(self) -> int:
        """How many predictions there are, with labels or without."""
        return int(self.counted[PREDICTIONS])

    @property
    def invalid(self) -> int:
        """How many predictions have no valid score."""
        return int(self.counted[INVALID_PREDICTIONS])


@dataclass(slots=True)
class Buckets:
    """All buckets of one model, each by its key; those that are empty are not kept."""

    layout: Layout
    kept: dict[Key, Bucket] = field(default_factory=dict)

    def add(
        self,
        keys: Sequence[Key],
        of_row: Int64s,
        table: Table,
        sign: Int64s | None = None,
        binned: Sequence[bool] | None = None,
    ) -> None:
        """Add predictions, with labels or without, or take them back where ``sign`` int64 ``(n,)`` is -1 instead of 1.

        ``of_row`` int64 ``(groups, n)`` is the place in ``keys`` of each row's, -1 for none: a row is added once for
        each group. Groups that are not ``binned`` get no histograms. The table's weights are not looked at. Raises
        ``ValueError`` where the table is not such as the layout is for, or an outcome has no predicted class.
        """
        signs = np.ones(len(table), np.int64) if sign is None else sign
        wanted = [True] * len(of_row) if binned is None else binned
        folded = fold(self.layout, table, of_row, signs, len(keys), wanted)
        for key, parts in zip(keys, folded, strict=True):
            self.put(key, Bucket(*parts))

    def merge(self, other: Buckets) -> None:
        """Take in all that another one of the same layout holds."""
        if other.layout != self.layout:
            raise ValueError("buckets of different layouts cannot be merged")
        for key, bucket in other.kept.items():
            self.put(key, bucket)

    def windows(self, window: Window) -> dict[Key, Bucket]:
        """Merged by hour, day, week or month: the keys have the window's number instead of the hour."""
        hours = np.array(sorted({key.hour for key in self.kept}), np.int64)
        of_hour = dict(zip(hours.tolist(), window_of(hours * HOUR, window).tolist(), strict=True))
        found: dict[Key, list[Bucket]] = {}
        for key, bucket in self.kept.items():
            found.setdefault(key._replace(hour=of_hour[key.hour], hours=0), []).append(bucket)
        return {key: together(several, self.layout) for key, several in found.items()}

    def put(self, key: Key, bucket: Bucket) -> None:
        """Merge a bucket into that of its key."""
        old = self.kept.get(key)
        new = bucket.copy() if old is None else old.merge(bucket)
        if new.is_empty:
            self.kept.pop(key, None)
        else:
            self.kept[key] = new


def together(buckets: Iterable[Bucket], layout: Layout) -> Bucket:
    """All of them merged."""
    several = list(buckets)
    if not several:
        return Bucket.empty(layout)
    return Bucket(
        np.sum([one.counted for one in several], axis=0),
        exact.settled(np.sum([one.limbs for one in several], axis=0)),
        Histogram.merged([one.scores for one in several]),
        Histogram.merged([one.all_scores for one in several]),
    )
