"""Raw rows that a wrong version would score otherwise: gaps, unseen categories, infinities, values on thresholds.

A probe is one row of those given with one value changed. Where the library itself raises for a probe, the version must
refuse it, too; everything else it must score alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from pandas.api import types

from scorer.importers import rows as raw
from scorer.importers.parts import Draft, Source
from scorer.model.inputs import Input

NEVER_SEEN = "never seen before"

SAMPLES = 32
"""How many of the given rows are probed and become golden rows."""

THRESHOLDS = 3
"""How many thresholds of each input are tried, on both sides."""


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """One raw row, and what is odd about it; where there is no room for all, those of the lowest rank are kept.

    ``finite``: it differs in a finite number only, so a library that takes the given rows takes it, too, as a rule.
    """

    row: pd.DataFrame
    what: str
    rank: int = 0
    finite: bool = False


def sample(rows: pd.DataFrame) -> pd.DataFrame:
    """Some of the rows, evenly spread."""
    return rows.iloc[np.unique(np.linspace(0, len(rows) - 1, SAMPLES).astype(int))]


def of_inputs(rows: pd.DataFrame, inputs: Sequence[Input], source: Source) -> Iterator[Probe]:
    """For each input a row without a value; of categories one never seen; of numbers zeros, tiny ones, infinities."""
    base = sample(rows)
    for place, entry in enumerate(inputs):
        row = base.iloc[[place % len(base)]]
        name = entry.name
        gap = raw.without(row, name, rows[name])
        if entry.nullable or not answers(
            source, gap
        ):  # else it was said to be required, which the library does not mind
            yield Probe(gap, f"{name} missing")
        if entry.dtype == "category":
            yield Probe(raw.unseen(row, name, _never_seen(rows[name])), f"{name} never seen")
        elif not types.is_datetime64_any_dtype(rows[name].dtype):
            if name in source.sentinels:
                yield Probe(raw.put(row, name, source.sentinels[name]), f"{name} is the sentinel")
            yield Probe(raw.put(row, name, 0.0), f"{name} 0", 2, finite=True)
            if entry.dtype == "float64":
                for value in (-0.0, 5e-324, -1e-36, np.inf, -np.inf):
                    yield Probe(raw.put(row, name, value), f"{name} {value}", 2, finite=bool(np.isfinite(value)))
    every = base.iloc[[0]]
    for entry in inputs:
        every = raw.without(every, entry.name, rows[entry.name]) if entry.nullable else every
    yield Probe(every, "everything missing that may be")


def _never_seen(column: pd.Series) -> str:
    """A word that sorts after those of the column: for one before some of them XGBoost takes the next, unasked."""
    words = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column.dropna().unique()
    return NEVER_SEEN if all(word < NEVER_SEEN for word in words) else f"~ {NEVER_SEEN}"


def on_thresholds(rows: pd.DataFrame, inputs: Sequence[Input], draft: Draft) -> Iterator[Probe]:
    """Numbers on thresholds of trees that take a raw input as it is, and the next ones to both sides."""
    base, turn = sample(rows), 0
    entries = {entry.name: entry for entry in inputs if entry.dtype != "category"}
    for grown in draft.grown:
        arrays = grown.kernel.arrays
        inner = arrays["left"] != np.arange(len(arrays["left"]))
        for place, name in enumerate(map(draft.raw, grown.kernel.taken)):
            entry = entries.get(name)
            if entry is None or types.is_datetime64_any_dtype(rows[name].dtype):
                continue
            thresholds = np.unique(arrays["threshold"][inner & (arrays["feature"] == place)])
            for threshold in _some(thresholds[np.isfinite(thresholds)], entry):
                for value in _around(threshold, entry):
                    turn += 1
                    row = raw.put(base.iloc[[turn % len(base)]], name, value)
                    yield Probe(row, f"{name} on a threshold", 1, finite=True)


def _some(thresholds: np.ndarray, entry: Input) -> list[float]:
    if entry.dtype == "int64":
        thresholds = np.unique(np.floor(thresholds[np.abs(thresholds) < 2**53]))
    if not len(thresholds):
        return []
    places = np.unique(np.linspace(0, len(thresholds) - 1, THRESHOLDS).astype(int))
    return [float(value) for value in thresholds[places]]


def _around(threshold: float, entry: Input) -> list[float]:
    if entry.dtype == "int64":
        return [threshold, threshold + 1]
    below, above = np.nextafter(threshold, -np.inf), np.nextafter(threshold, np.inf)
    narrow, far = np.float32(threshold), np.float32(np.inf)
    found = [threshold, below, above, narrow, np.nextafter(narrow, -far), np.nextafter(narrow, far)]
    return [float(value) for value in found if np.isfinite(value)]


def nullable(rows: pd.DataFrame, inputs: Sequence[Input], source: Source) -> tuple[Input, ...]:
    """The inputs, nullable where the library itself scores a row that has no value there, and with its sentinels."""
    base = sample(rows)
    found = []
    for place, entry in enumerate(inputs):
        row = base.iloc[[place % len(base)]]
        sentinel = source.sentinels.get(entry.name)
        if sentinel is not None and entry.dtype == "int64":
            sentinel = int(sentinel)
        gap = raw.without(row, entry.name, rows[entry.name])
        found.append(replace(entry, nullable=answers(source, gap), missing_sentinel=sentinel))
    return tuple(found)


def answers(source: Source, rows: pd.DataFrame) -> bool:
    """Whether the library scores these rows, and does not raise."""
    try:
        source.answer(rows, source.methods[0])
    except source.refusals:
        return False
    return True
