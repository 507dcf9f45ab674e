"""A version as an importer drafts it, without the proof: for tests that hold it against the library themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import numpy as np
import pandas as pd

from scorer.batch import Floats, Int64s
from scorer.importers import rows as raw
from scorer.importers.parts import Draft, Estimate, Source
from scorer.model import build, golden
from scorer.model.build import Design, Proof
from scorer.model.frame import columns
from scorer.model.inputs import Input
from scorer.model.model import Model
from scorer.model.preparation.prepared import Prepared
from scorer.model.version import load


def _nested(*_: object) -> NoReturn:
    raise AssertionError("nothing is nested here")


def version_of(source: Source, rows: pd.DataFrame, method: str) -> tuple[Model, Estimate]:
    """The version that a source drafts for rows like these; all inputs may be missing."""
    taken = raw.taken(rows, source.names(rows))
    entries = [_marked(entry, source) for entry in raw.inputs(taken)]
    draft = Draft({entry.name: entry.dtype for entry in entries}, _nested, _nested)
    estimate = source.estimate(tuple(entry.name for entry in entries), draft, method)
    outputs = estimate.outputs
    design = Design(
        "m", "v", 0, source.library, entries, draft.steps, estimate.kernel, outputs.kind, outputs.classes,
        scale=outputs.scale, threshold=outputs.threshold,
    )  # fmt: skip
    nothing = Proof([[None] * len(entries)], np.zeros((outputs.count, 1)))
    return Model(load(build.draft(design, nothing))), estimate


def _marked(entry: Input, source: Source) -> Input:
    return replace(entry, nullable=True, missing_sentinel=source.sentinels.get(entry.name))


def scores(model: Model, rows: pd.DataFrame) -> Floats:
    """The version's scores, ``(outputs, rows)``; those of single rows must be the same."""
    found: Floats = golden.score(model, columns(model.inputs, rows)).scores
    for row in range(0, len(rows), max(1, len(rows) // 7)):
        alone = golden.score(model, columns(model.inputs, rows.iloc[[row]])).scores
        np.testing.assert_array_equal(alone[:, 0], found[:, row])
    return found


def assert_same_leaves(model: Model, estimate: Estimate, x: Floats) -> None:
    """Prepared columns ``(rows, columns)`` fall into the same leaves in the version as in the library."""
    assert estimate.leaves is not None
    numbers = {name: np.ascontiguousarray(column) for name, column in zip(estimate.kernel.taken, x.T, strict=True)}
    prepared = Prepared(numbers, {}, np.zeros(len(x), np.uint8), np.full(len(x), -1, np.int32), 0)
    mine: Int64s = model.kernel.leaves(prepared)  # type: ignore[attr-defined]
    theirs = estimate.leaves(x)
    assert mine.shape == theirs.shape
    for ours, library in zip(mine, theirs, strict=True):
        pairs = len(np.unique(np.stack([ours, library]), axis=1).T)
        assert pairs == len(np.unique(ours)) == len(np.unique(library))


def thresholds(estimate: Estimate, column: int) -> Floats:
    """The thresholds of a column of the kernel."""
    arrays = estimate.kernel.arrays
    inner = arrays["left"] != np.arange(len(arrays["left"]))
    found = np.unique(arrays["threshold"][inner & (arrays["feature"] == column)])
    return np.asarray(found[np.isfinite(found)], np.float64)


def around(values: Floats) -> Floats:
    """Numbers and their neighbours in float64 and float32."""
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    steps = [
        values,
        np.nextafter(values, -np.inf),
        np.nextafter(values, np.inf),
        narrow,
        np.nextafter(narrow, np.float32(-np.inf)),
        np.nextafter(narrow, np.float32(np.inf)),
    ]
    return np.concatenate([np.asarray(step, np.float64) for step in steps])


def hard(rng: np.random.Generator, x: Floats, estimate: Estimate, extra: Floats) -> Floats:
    """Rows of ``x`` with every threshold of every column and ``extra`` numbers put into it, one at a time."""
    found = [x]
    for column in range(x.shape[1]):
        values = np.concatenate([around(thresholds(estimate, column)), extra])
        rows = x[rng.integers(len(x), size=len(values))].copy()
        rows[:, column] = values
        found.append(rows)
    scattered = x[rng.integers(len(x), size=400)].copy()
    picks = np.concatenate([extra, around(thresholds(estimate, 0))])
    where = rng.random(scattered.shape) < 0.4
    scattered[where] = rng.choice(picks, int(where.sum()))
    return np.concatenate([*found, scattered])
