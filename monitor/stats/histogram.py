"""Scores counted in bins that are the same for ever and everywhere, so that histograms merge.

A bin is what floating-point numbers share in their first bits: sign, exponent and ``DETAIL`` bits of the mantissa.
Probabilities above one half are binned by their distance to 1. So bins are narrow where scores are small, at most
2**-DETAIL of the score or of its distance to 1, and no range has to be known beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

import numpy as np
from numba import types
from scipy import special

from scorer.batch import Bools, Floats, Int64s
from scorer.compiled import entry
from scorer.quality.table import Scale
from scorer.quality.undefined import Undefined
from scorer.wire.arrays import INT64S, TABLE

DETAIL = 6
"""64 bins for each power of two."""

BIN_BITS = 20
SCORE_BITS = 32
"""Sums of probabilities in a bin are in units of 2**-32."""

_SHIFT = 52 - DETAIL
_HALF = int(np.float64(0.5).view(np.int64)) >> _SHIFT
_CENTRE = 1 << (BIN_BITS - 1)
_CELL_BITS = 40
"""Below them the bin, and above its bits the number of the output."""


def bins(score: Floats, scale: Scale) -> Int64s:
    """The bin of each finite score ``(n,)``, int64 from 0 to 2**20, rising with the score."""
    if scale == "probability":
        upper = score > 0.5
        near = (np.where(upper, 1.0 - score, score) + 0.0).view(np.int64) >> _SHIFT
        return np.where(upper, 2 * _HALF + 1 - near, near)
    bits = (score + 0.0).view(np.int64)
    ordered = np.where(bits >= 0, bits, -(bits & np.int64(2**63 - 1)))
    return (ordered >> _SHIFT) + _CENTRE


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """``bins`` int64 ``(b,)``, rising; ``true`` and ``false`` int64 ``(b,)``: rows of the class in question, others.

    ``score`` int64 ``(b,)``: the sum of the probabilities in each bin, in units of 2**-32; 0 for margins.
    """

    bins: Int64s
    true: Int64s
    false: Int64s
    score: Int64s

    @staticmethod
    def empty() -> Histogram:
        """Without any rows."""
        return _EMPTY

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and all(
            np.array_equal(one, same) for one, same in zip(self.columns, other.columns, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # it holds arrays

    @property
    def columns(self) -> tuple[Int64s, Int64s, Int64s, Int64s]:
        """Bins, true, false, score."""
        return self.bins, self.true, self.false, self.score

    def merge(self, other: Histogram) -> Histogram:
        """Both together. A bin in which nothing is left disappears."""
        if not len(self.bins) or not len(other.bins):
            return self if len(self.bins) else other.copy()
        out = np.empty((4, len(self.bins) + len(other.bins)), np.int64)
        kept = _merge(*self.columns, *other.columns, out)
        return Histogram(*out[:, :kept].copy())

    def copy(self) -> Histogram:
        """The same with arrays of its own."""
        return Histogram(*(column.copy() for column in self.columns)) if len(self.bins) else _EMPTY

    @staticmethod
    def merged(several: Sequence[Histogram]) -> Histogram:
        """All of them together."""
        if len(several) < 3:
            return reduce(Histogram.merge, several, Histogram.empty())
        columns = [np.concatenate(column) for column in zip(*(one.columns for one in several), strict=True)]
        order = np.argsort(columns[0], kind="stable")
        once = [column[order] for column in columns]
        begins = np.flatnonzero(np.r_[True, once[0][1:] != once[0][:-1]])[: len(order)]
        sums = [np.add.reduceat(column, begins) if len(begins) else column for column in once[1:]]
        kept = np.any(sums, axis=0)
        return Histogram(once[0][begins][kept], *(column[kept] for column in sums))

    def part(self, output: int) -> Histogram:
        """The bins of one of several outputs, whose number stands above the bits of the bin."""
        kept = self.bins >> BIN_BITS == output
        return Histogram(self.bins[kept] & ((1 << BIN_BITS) - 1), *(one[kept] for one in self.columns[1:]))

    def turned(self) -> Histogram:
        """The same rows asked about the other one of two classes: the order of the bins is reversed."""
        last = 1 << BIN_BITS
        units = ((self.true + self.false) << SCORE_BITS) - self.score
        return Histogram(last - self.bins[::-1], self.false[::-1].copy(), self.true[::-1].copy(), units[::-1].copy())

    @property
    def mean_scores(self) -> Floats:
        """The mean probability in each bin."""
        return self.score / ((self.true + self.false) * float(1 << SCORE_BITS))

    def auc_error(self) -> float:
        """How far the AUC of the bins can be from that of the scores: ``Σ p_b n_b / (2 P N)``."""
        positives, negatives = float(self.true.sum()), float(self.false.sum())
        if not positives or not negatives:
            raise Undefined("all labels are of one class")
        return float((self.true.astype(np.float64) * self.false).sum() / (2.0 * positives * negatives))

    def average_precision_bounds(self) -> tuple[float, float]:
        """The least and the greatest average precision of any order of the rows inside the bins.

        In a bin with p rows of the class and n others, below tp and fp: positives last or first. The sum over its p
        positives of ``(tp + j) / (tp + j + fp)`` is ``p - fp (digamma(tp + fp + p + 1) - digamma(tp + fp + 1))``.
        """
        true, false = self.true[::-1].astype(np.float64), self.false[::-1].astype(np.float64)
        if not true.sum() or not false.sum():
            raise Undefined("all labels are of one class")
        tp, fp = np.cumsum(true) - true, np.cumsum(false) - false
        found = []
        for wrong in (fp + false, fp):
            lost = special.digamma(tp + wrong + true + 1.0) - special.digamma(tp + wrong + 1.0)
            found.append(float((true - wrong * lost).sum() / true.sum()))
        return found[0], found[1]

    def calibration_error(self, groups: int) -> tuple[float, float]:
        """The calibration error over ``groups`` groups of equal mass, and how far it can be from that of the scores.

        Only rows of bins in which a group ends can be in another group than their scores say, and each moves the sum by
        at most ``2 / n``. Sums of probabilities are off by at most 2**-33 a row.
        """
        mass = self.true + self.false
        n = int(mass.sum())
        if not n:
            raise Undefined("there are no labels")
        below = np.cumsum(mass) - mass
        first, last = (np.minimum(groups * one // n, groups - 1) for one in (below, below + mass - 1))
        apart = np.zeros(groups, np.int64)
        np.add.at(apart, first, self.score - (self.true << SCORE_BITS))
        straddling = 2.0 * float(mass[first != last].sum()) / n
        return float(np.abs(apart / float(1 << SCORE_BITS)).sum() / n), straddling + 2.0 ** -(SCORE_BITS + 1)


_EMPTY = Histogram(*(np.zeros(0, np.int64) for _ in range(4)))


@entry(types.int64(*[INT64S] * 8, TABLE))
def _merge(
    bins: Int64s, true: Int64s, false: Int64s, score: Int64s,
    bins_2: Int64s, true_2: Int64s, false_2: Int64s, score_2: Int64s, out: Int64s,
) -> int:  # fmt: skip
    """Returns how many bins were written to ``out``."""
    a, b, found = 0, 0, 0
    while a < bins.shape[0] or b < bins_2.shape[0]:
        first = b == bins_2.shape[0] or (a < bins.shape[0] and bins[a] <= bins_2[b])
        second = a == bins.shape[0] or (b < bins_2.shape[0] and bins_2[b] <= bins[a])
        one, two, three = 0, 0, 0
        if first:
            out[0, found] = bins[a]
            one, two, three = true[a], false[a], score[a]
            a += 1
        if second:
            out[0, found] = bins_2[b]
            one, two, three = one + true_2[b], two + false_2[b], three + score_2[b]
            b += 1
        if one != 0 or two != 0 or three != 0:
            out[1, found], out[2, found], out[3, found] = one, two, three
            found += 1
    return found


@entry(types.void(INT64S, types.boolean[::1], types.boolean[::1], INT64S, INT64S, TABLE))
def _count(place: Int64s, of_class: Bools, counted: Bools, units: Int64s, sign: Int64s, out: Int64s) -> None:
    for row in range(place.shape[0]):
        if counted[row]:
            out[0 if of_class[row] else 1, place[row]] += sign[row]
            out[2, place[row]] += sign[row] * units[row]


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """In which bin of which cell rows lie: worked out once, counted as often as one likes.

    ``at`` int64 ``(b,)``: cells and bins that occur, rising; ``place`` int64 ``(n,)``: the one of each row.
    """

    at: Int64s
    place: Int64s

    @staticmethod
    def of(cell: Int64s, bin_of: Int64s) -> Places:
        """Of rows ``(n,)``; ``bin_of`` may have the number of an output above its bits."""
        keys = (cell << np.int64(_CELL_BITS)) | bin_of
        order = np.argsort(keys)
        ranked = keys[order]
        new = np.ones(len(keys), np.bool_)
        new[1:] = ranked[1:] != ranked[:-1]
        place = np.empty(len(keys), np.int64)
        place[order] = np.cumsum(new) - 1
        return Places(ranked[new], place)

    def histograms(self, of_class: Bools, score: Floats, sign: Int64s, counted: Bools, cells: int) -> list[Histogram]:
        """A histogram for each cell, of the rows ``(n,)`` that are ``counted``.

        ``of_class``: whether a row is; ``score`` is a probability, or 0 for margins; ``sign`` is -1 to take back.
        """
        columns = np.zeros((3, len(self.at)), np.int64)
        units = np.rint(score * float(1 << SCORE_BITS)).astype(np.int64)
        _count(self.place, of_class, counted, units, np.ascontiguousarray(sign), columns)
        kept = columns.any(axis=0)
        at, columns = self.at[kept], np.ascontiguousarray(columns[:, kept])
        ends = np.searchsorted(at, np.arange(cells + 1, dtype=np.int64) << np.int64(_CELL_BITS)).tolist()
        bare = at & np.int64(2**_CELL_BITS - 1)
        return [Histogram(bare[a:b], *columns[:, a:b]) for a, b in pairwise(ends)]
