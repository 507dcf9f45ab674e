"""Counts, sums and histograms by hour, version, role and segment, which merge into windows.

Everything in a bucket is an integer. So arrival in any order, merging in any order and taking back give equal buckets,
and what was taken back leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from monitor.stats import exact, histogram
from monitor.stats.histogram import BIN_BITS, Histogram
from monitor.stats.layout import (
    FIRST,
    INVALID,
    INVALID_PREDICTIONS,
    LARGE,
    NOT_GAMMA,
    NOT_POISSON,
    OUTCOMES,
    PREDICTIONS,
    UNCLASSED,
    Layout,
    confusion,
    deviance_defined,
)
from scorer.batch import Floats, Int64s
from scorer.quality.requirement import Window
from scorer.quality.table import Table
from scorer.quality.windows import window_of

HOUR = 3_600_000_000
"""Microseconds."""


class Key(NamedTuple):
    """What a bucket is of. ``hour`` counts from 1970, UTC; of a window, its number (``scorer.quality.windows``).

    ``segment`` is a field and its value; ``None``: all events.
    """

    hour: int
    version: str
    role: str
    segment: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """``counts`` stand as ``monitor.stats.layout`` says, ``sums`` as ``Layout.sums``, in units of 2**-64."""

    counts: tuple[int, ...]
    sums: tuple[int, ...]
    scores: Histogram

    @staticmethod
    def empty(layout: Layout) -> Bucket:
        """Without any rows."""
        return Bucket((0,) * layout.counts, (0,) * len(layout.sums), Histogram.empty())

    def merge(self, other: Bucket) -> Bucket:
        """Both together."""
        return Bucket(
            tuple(one + same for one, same in zip(self.counts, other.counts, strict=True)),
            tuple(one + same for one, same in zip(self.sums, other.sums, strict=True)),
            self.scores.merge(other.scores),
        )

    def plain(self) -> list[list[int]]:
        """As whole numbers of any size: counts, sums, and the columns of the histogram."""
        return [list(self.counts), list(self.sums), *(column.tolist() for column in self.scores.columns)]

    @staticmethod
    def of(numbers: list[list[int]]) -> Bucket:
        """What :meth:`plain` gave."""
        counts, sums, *columns = numbers
        bins, true, false, score = (np.array(column, np.int64) for column in columns)
        return Bucket(tuple(counts), tuple(sums), Histogram(bins, true, false, score))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left in it."""
        return not any(self.counts) and not any(self.sums) and not len(self.scores.bins)

    @property
    def n(self) -> int:
        """How many labels can be judged: outcomes with a valid score."""
        return self.counts[OUTCOMES] - self.counts[INVALID]

    @property
    def predictions(self) -> int:
        """How many predictions there are, with labels or without."""
        return self.counts[PREDICTIONS]


@dataclass(slots=True)
class Buckets:
    """All buckets of one model, each by its key; those that are empty are not kept."""

    layout: Layout
    kept: dict[Key, Bucket] = field(default_factory=dict)

    def add_predictions(self, keys: Sequence[Key], of_row: Int64s, scores: Floats, sign: int = 1) -> None:
        """Count predictions, with labels or without.

        ``of_row`` int64 ``(n,)`` is the place in ``keys`` of each row's; ``scores`` float64 ``(outputs, n)``; ``sign``
        is -1 to take back what was added.
        """
        counts = np.zeros((len(keys), self.layout.counts), np.int64)
        counts[:, PREDICTIONS] = np.bincount(of_row, minlength=len(keys))
        invalid = ~self.layout.valid(scores)
        counts[:, INVALID_PREDICTIONS] = np.bincount(of_row[invalid], minlength=len(keys))
        nothing = Bucket.empty(self.layout)
        for key, row in zip(keys, (sign * counts).tolist(), strict=True):
            self._put(key, Bucket(tuple(row), nothing.sums, nothing.scores))

    def add_outcomes(self, keys: Sequence[Key], of_row: Int64s, table: Table, sign: Int64s | None = None) -> None:
        """Add outcomes, or take them back where ``sign`` int64 ``(n,)`` is -1 instead of 1.

        ``of_row`` int64 ``(n,)`` is the place in ``keys`` of each row's; an event with segments is added once for each.
        The table's weights are not looked at. Raises ``ValueError`` where a row has no label or no predicted class,
        or the table is not such as the layout is for.
        """
        layout, cells = self.layout, len(keys)
        if (table.kind, table.classes, table.scale) != (layout.kind, layout.classes, layout.scale):
            raise ValueError(f"a table of {table.kind} {table.classes} outputs; the layout is for {layout.kind}")
        if not table.labelled.all():
            raise ValueError("an outcome has no label")
        if layout.kind != "regression" and not ((table.predicted >= 0) & (table.predicted < layout.size)).all():
            raise ValueError("an outcome was predicted to be of no class that there is")
        signs = np.ones(len(table), np.int64) if sign is None else sign
        valid, large = layout.usable(table)
        counts = np.zeros((cells, layout.counts), np.int64)
        for place, rows in ((OUTCOMES, valid | ~valid), (INVALID, ~valid), (LARGE, large)):
            np.add.at(counts[:, place], of_row[rows], signs[rows])
        summed = valid & ~large
        used, used_rows, used_signs = table.take(summed), of_row[summed], signs[summed]
        sums = exact.sums(layout.values(used), used_rows, used_signs, cells)
        for name, place in (("poisson_deviance", NOT_POISSON), ("gamma_deviance", NOT_GAMMA)):
            if name in layout.deviances:
                bad = ~deviance_defined(name, used.labels, used.scores[0])
                np.add.at(counts[:, place], used_rows[bad], used_signs[bad])
        scores = self._classes(counts, of_row[valid], table.take(valid), signs[valid])
        for key, row, some, one in zip(keys, counts.tolist(), sums, scores, strict=True):
            self._put(key, Bucket(tuple(row), tuple(some), one))

    def _classes(self, counts: Int64s, of_row: Int64s, table: Table, signs: Int64s) -> list[Histogram]:
        """Count decisions into ``counts``, and scores into histograms: both for rows that have a class."""
        layout = self.layout
        if layout.kind == "regression":
            classed = np.isin(table.labels, (0.0, 1.0))
            np.add.at(counts[:, UNCLASSED], of_row[~classed], signs[~classed])
            of_row, table, signs = of_row[classed], table.take(classed), signs[classed]
        decided = [table.predicted] if layout.kind != "regression" else []
        decided += [(table.scores[0] > threshold).astype(np.int64) for threshold in layout.thresholds]
        for number, predicted in enumerate(decided):
            first = FIRST + number * layout.size**2
            np.add.at(counts, (of_row, first + confusion(table.labels, predicted, layout.size)), signs)
        wanted = range(len(layout.classes)) if layout.kind == "multiclass" else (1,)
        scale = "margin" if layout.kind == "regression" else layout.scale
        parts = []
        for output, klass in enumerate(wanted):
            score = table.scores[output]
            bin_of = histogram.bins(score, scale) + (output << BIN_BITS)
            kept = score if scale == "probability" else np.zeros(len(score))
            parts.append((of_row, bin_of, table.labels == klass, kept, signs))
        rows, bin_of, truth, kept, sign = (np.concatenate(column) for column in zip(*parts, strict=True))
        return histogram.counted(rows, bin_of, truth, kept, sign, len(counts))

    def merge(self, other: Buckets) -> None:
        """Take in all that another one of the same layout holds."""
        if other.layout != self.layout:
            raise ValueError("buckets of different layouts cannot be merged")
        for key, bucket in other.kept.items():
            self._put(key, bucket)

    def windows(self, window: Window) -> dict[Key, Bucket]:
        """Merged by hour, day, week or month: the keys have the window's number instead of the hour."""
        hours = np.array(sorted({key.hour for key in self.kept}), np.int64)
        of_hour = dict(zip(hours.tolist(), window_of(hours * HOUR, window).tolist(), strict=True))
        found = Buckets(self.layout)
        for key, bucket in self.kept.items():
            found._put(key._replace(hour=of_hour[key.hour]), bucket)
        return found.kept

    def _put(self, key: Key, bucket: Bucket) -> None:
        old = self.kept.get(key)
        new = bucket if old is None else old.merge(bucket)
        if new.is_empty:
            self.kept.pop(key, None)
        else:
            self.kept[key] = new


def together(buckets: Iterable[Bucket], layout: Layout) -> Bucket:
    """All of them merged."""
    whole = Bucket.empty(layout)
    for one in buckets:
        whole = whole.merge(one)
    return whole
