"""Events counted in the bins of a profile, input by input. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np

from monitor.intake.counting import counted
from monitor.rows import DAY, Int64s, Rows
from monitor.stats.drift import count_numbers, number_bins
from scorer.batch import Columns, Field, Floats, Kind, Layout
from scorer.model.evidence import CategoryProfile, NumberProfile, Profile
from scorer.model.inputs import Input
from scorer.quality.undefined import Undefined
from scorer.wire.distinct import distinct

MISSING: Final = -1
"""The bin of values that are missing."""


class Drift:
    """Counts the inputs of one version in the bins of its profile: of a number those of ``drift.number_bins``, of a
    category one for each that the profile names, in its order, and one behind them for all others."""

    def __init__(self, inputs: tuple[Input, ...], profile: Profile, layout: Layout) -> None:
        self.names = tuple(entry.name for entry in inputs)
        self._bins = [_bins_of(entry, profile, layout[entry.name]) for entry in inputs]

    def count(self, columns: Columns, rows: Int64s, time: Int64s) -> Rows:
        """How many of the events at ``rows`` ``(m,)`` of ``columns`` lie in each bin: ``day`` of their ``time``
        ``(m,)``, ``input`` as its place in ``names``, ``bin`` and ``n``."""
        found: list[Rows] = []
        of_day = time // DAY
        for day in np.unique(of_day).tolist():
            ours = rows[of_day == day]
            for place, bins in enumerate(self._bins):
                n = bins.count(columns, ours)
                some = np.flatnonzero(n)
                bin_ = np.where(some == len(n) - 1, MISSING, some)
                found.append(
                    {"day": np.full(len(some), day), "input": np.full(len(some), place), "bin": bin_, "n": n[some]}
                )
        columns_ = ("day", "input", "bin", "n")
        return {name: np.concatenate([np.empty(0, np.int64), *(part[name] for part in found)]) for name in columns_}


class _Numbers:
    """A number's bins; what the profile says nothing of has one."""

    def __init__(self, entry: Input, known: NumberProfile, profile: Profile, field: Field) -> None:
        self._field, self._sentinel = field, entry.missing_sentinel
        try:
            self._edges, _ = number_bins(known, profile.probabilities, profile.n)
        except Undefined:
            self._edges = np.empty(0)

    def count(self, columns: Columns, rows: Int64s) -> Int64s:
        return count_numbers(self._values(columns, rows), self._edges)

    def _values(self, columns: Columns, rows: Int64s) -> Floats:
        field = self._field
        if field.kind is Kind.NUMBER:
            values = columns.numbers[field.slot, rows]
        else:
            values = columns.integers[field.slot, rows].astype(np.float64)
        missing = columns.valid[field.index, rows] == 0
        if self._sentinel is not None:
            missing |= values == self._sentinel
        return np.where(missing, np.nan, values)


class _Categories:
    """A category's bins."""

    def __init__(self, known: CategoryProfile, field: Field) -> None:
        self._field = field
        self._places = {name.encode(): place for place, (name, _) in enumerate(known.counts)}

    def count(self, columns: Columns, rows: Int64s) -> Int64s:
        field, others = self._field, len(self._places)
        length = np.where(columns.valid[field.index, rows] != 0, columns.length[field.slot, rows], -1)
        texts, which = distinct(columns.address[field.slot, rows], length)
        bins = np.array([*(self._places.get(text, others) for text in texts), others + 1])
        return np.bincount(bins[which], minlength=others + 2)


def _bins_of(entry: Input, profile: Profile, field: Field) -> _Numbers | _Categories:
    known = profile.inputs[entry.name]
    if isinstance(known, CategoryProfile):
        return _Categories(known, field)
    return _Numbers(entry, known, profile, field)


def by_version(found: Rows, version: int, inputs: Int64s) -> Rows:
    """The same with the code of the version, and those of the inputs in place of their places."""
    keys = {"day": found["day"], "version": np.full(len(found["n"]), version), "input": inputs[found["input"]]}
    return counted({**keys, "bin": found["bin"]}, found["n"])
