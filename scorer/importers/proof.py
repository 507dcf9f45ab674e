"""The proof of an import: the version against the library, on raw rows.

Compared are the leaves that rows reach in trees, exactly; margins, probabilities and estimates, within tolerances that
are stated; classes; and which rows are refused. A row that the library raises for must not be scored, and the reverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scorer.batch import Bools, Floats, Int64s
from scorer.importers.parts import Draft, Grown, Source
from scorer.importers.probes import Probe
from scorer.model import golden, reference
from scorer.model.frame import columns, values
from scorer.model.kernels.forest import Forest
from scorer.model.kernels.scored import Scored
from scorer.model.model import Model
from scorer.model.preparation.prepared import Prepared

PIECE = 10_000
"""Rows that are compared at a time."""

NEAR = {"predict_proba": "probabilities", "decision_function": "margins", "predict": "estimates"}


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a version is from its library in one respect.

    ``rows`` were compared; ``absolute`` and ``relative`` are the largest differences; ``differing`` rows are beyond the
    tolerance ``atol + rtol * |expected|``, with the first of them described in ``example``.
    """

    what: str
    rows: int
    absolute: float
    relative: float
    atol: float
    rtol: float
    differing: int
    example: str | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is beyond the tolerance."""
        return self.differing == 0


@dataclass(slots=True)
class Meter:
    """Adds up the differences of one respect over several pieces."""

    what: str
    atol: float
    rtol: float
    rows: int = 0
    absolute: float = 0.0
    relative: float = 0.0
    differing: int = 0
    example: str | None = None

    def add(self, got: Floats, expected: Floats, names: Sequence[int] | Sequence[str]) -> None:
        """Compare ``(outputs, rows)``; ``names`` are the numbers of the rows, or what they are."""
        same = (got == expected) | (np.isnan(got) & np.isnan(expected))
        with np.errstate(all="ignore"):
            apart = np.where(same, 0.0, np.abs(got - expected))
            share = np.where(same, 0.0, apart / np.abs(expected))
        apart[np.isnan(apart)] = np.inf
        near = same | (apart <= self.atol + self.rtol * np.abs(expected))
        self.rows += got.shape[1]
        self.absolute = max(self.absolute, float(apart.max(initial=0.0)))
        finite = share[np.isfinite(share) & (np.abs(expected) > self.atol)]
        self.relative = max(self.relative, float(finite.max(initial=0.0)))
        wrong = np.flatnonzero(~near.all(axis=0))
        self.differing += len(wrong)
        if len(wrong) and self.example is None:
            row = int(wrong[0])
            name = names[row]
            which = f"row {name}" if isinstance(name, int) else name
            self.example = f"{which}: the library {expected[:, row].tolist()}, the version {got[:, row].tolist()}"

    def difference(self) -> Difference:
        """What was found."""
        return Difference(
            self.what, self.rows, self.absolute, self.relative, self.atol, self.rtol, self.differing, self.example
        )


@dataclass(frozen=True, slots=True, eq=False)
class Odd:
    """What odd rows showed: differences of scores and of refusals; those that both score, with the library's scores."""

    scores: Difference
    refusals: Difference
    scored: Sequence[tuple[Probe, Floats]]


def scored(model: Model, rows: pd.DataFrame) -> Floats:
    """The version's scores, ``(outputs, rows)``."""
    return golden.score(model, columns(model.inputs, rows)).scores


def scores(source: Source, model: Model, draft: Draft, method: str, rows: pd.DataFrame) -> Difference:
    """Compare the scores of all ``rows``, all of which the library takes."""
    meter = Meter(NEAR[method], draft.atol, draft.rtol)
    for start in range(0, len(rows), PIECE):
        piece = rows.iloc[start : start + PIECE]
        meter.add(scored(model, piece), source.answer(piece, method), range(start, start + len(piece)))
    return meter.difference()


def probed(source: Source, model: Model, draft: Draft, probes: Sequence[Probe]) -> Odd:
    """Compare odd rows: one by one, where the library may raise, for then it raises for all that are given with it."""
    method = source.methods[0]
    near = Meter(f"{NEAR[method]} of odd rows", draft.atol, draft.rtol)
    refused = Meter("refusals of odd rows", 0.0, 0.0)
    found: list[tuple[Probe, Floats]] = []
    together = [probe for probe in probes if probe.finite]
    if together and not _compared(source, model, together, near, refused, found):
        together = []
    for probe in probes:
        if not (probe.finite and together):
            _alone(source, model, probe, near, refused, found)
    return Odd(near.difference(), refused.difference(), sorted(found, key=lambda pair: pair[0].rank))


def _compared(
    source: Source,
    model: Model,
    probes: Sequence[Probe],
    near: Meter,
    refused: Meter,
    found: list[tuple[Probe, Floats]],
) -> bool:
    """Compare rows all at once; ``False`` and nothing done where the library does not take all of them."""
    rows = pd.concat([probe.row for probe in probes], ignore_index=True)
    try:
        expected = source.answer(rows, source.methods[0])
    except source.refusals:
        return False
    results = golden.score(model, columns(model.inputs, rows))
    ours = results.missing < 0
    names = [probe.what for probe in probes]
    refused.add(ours[None].astype(np.float64), np.ones((1, len(ours))), names)
    near.add(results.scores[:, ours], expected[:, ours], [name for name, good in zip(names, ours, strict=True) if good])
    found += [(probes[k], expected[:, [k]]) for k in np.flatnonzero(ours).tolist()]
    return True


def _alone(
    source: Source, model: Model, probe: Probe, near: Meter, refused: Meter, found: list[tuple[Probe, Floats]]
) -> None:
    results = golden.score(model, columns(model.inputs, probe.row))
    ours = bool(results.missing[0] < 0)
    try:
        expected: Floats | None = source.answer(probe.row, source.methods[0])
    except source.refusals:
        expected = None
        ours = ours and bool(np.isfinite(results.scores).all())  # what is not finite becomes a dead letter, too
    refused.add(np.array([[float(ours)]]), np.array([[float(expected is not None)]]), [probe.what])
    if ours and expected is not None:
        near.add(results.scores, expected, [probe.what])
        found.append((probe, expected))


def decided(source: Source, model: Model, draft: Draft, rows: pd.DataFrame) -> Difference:
    """Compare the classes of rows whose scores are not so near to the border that rounding decides."""
    meter = Meter("classes", 0.0, 0.0)
    for start in range(0, len(rows), PIECE):
        piece = rows.iloc[start : start + PIECE]
        got = scored(model, piece)
        clear = _clear(model, got, draft.atol, draft.rtol)
        mine = model.classify(got)[clear][None].astype(np.float64)
        theirs = source.answer(piece[clear], "predict") if clear.any() else mine
        meter.add(mine, theirs, (start + np.flatnonzero(clear)).tolist())
    return meter.difference()


def _clear(model: Model, found: Floats, atol: float, rtol: float) -> Bools:
    """Rows whose class does not hang on less than twice the tolerance."""
    if model.kind == "binary":
        bound = model.manifest.outputs.bound
        return np.asarray(np.abs(found[0] - bound) > 2 * (atol + rtol * abs(bound)))
    best = np.sort(found, axis=0)
    return np.asarray(best[-1] - best[-2] > 2 * (atol + rtol * np.abs(best[-1])))


def leaves(model: Model, draft: Draft, rows: pd.DataFrame) -> list[Difference]:
    """Compare the leaves of each kernel of trees, on the prepared columns and on the thresholds of its nodes."""
    found = []
    for grown in draft.grown:
        meter = Meter(f"leaves of {grown.kernel.name} ({_trees(grown)} trees)", 0.0, 0.0)
        for start in range(0, len(rows), PIECE):
            piece = rows.iloc[start : start + PIECE]
            prepared = reference.prepare(model, values(model.inputs, piece), len(piece))
            meter.add(*_walked(model, grown, prepared), range(start, start + len(piece)))
        piece = rows.iloc[:PIECE]
        prepared = _on_thresholds(grown, reference.prepare(model, values(model.inputs, piece), len(piece)))
        meter.add(*_walked(model, grown, prepared), range(len(piece)))
        found.append(meter.difference())
    return found


def _trees(grown: Grown) -> int:
    return len(grown.kernel.arrays["root"])


def _walked(model: Model, grown: Grown, prepared: Prepared) -> tuple[Floats, Floats]:
    """The leaves of each row, ours and the library's, both numbered by the first row that reaches them."""
    x = np.array([prepared.numbers[name] for name in grown.kernel.taken]).T
    mine = _kernel(model, grown).sums.leaves(prepared)
    return _renumbered(mine), _renumbered(grown.leaves(np.ascontiguousarray(x)))


def _renumbered(found: Int64s) -> Floats:
    """Leaves of ``(trees, rows)``, named by the first row that is in them: alike where rows are divided alike."""
    named = np.empty(found.shape)
    for tree, nodes in enumerate(found):
        _, first, which = np.unique(nodes, return_index=True, return_inverse=True)
        named[tree] = first[which]
    return named


def _kernel(model: Model, grown: Grown) -> Forest:
    """The compiled kernel that a drafted one became."""
    kernels = {
        part.outputs: step.kernel
        for step, part in zip(model.steps, model.manifest.pipeline, strict=True)
        if isinstance(step, Scored)
    }
    found = kernels.get(tuple(grown.kernel.made), model.kernel)
    if not isinstance(found, Forest):
        raise TypeError(f"{grown.kernel.name} is not forest@1, so its leaves cannot be compared")
    return found


def _on_thresholds(grown: Grown, prepared: Prepared) -> Prepared:
    """The prepared rows, with numbers on the thresholds of their column and next to them, in float64 and float32."""
    arrays, rng = grown.kernel.arrays, np.random.default_rng(0)
    inner = arrays["left"] != np.arange(len(arrays["left"]))
    numbers = dict(prepared.numbers)
    for place, name in enumerate(grown.kernel.taken):
        thresholds = arrays["threshold"][inner & (arrays["feature"] == place)]
        thresholds = thresholds[np.isfinite(thresholds)]
        if not len(thresholds):
            continue
        picked = rng.choice(thresholds, len(numbers[name]))
        narrow = picked.astype(np.float32)
        ways = np.array([
            picked, np.nextafter(picked, -np.inf), np.nextafter(picked, np.inf), narrow.astype(np.float64),
            np.nextafter(narrow, np.float32(-np.inf)).astype(np.float64),
            np.nextafter(narrow, np.float32(np.inf)).astype(np.float64), numbers[name],
        ])  # fmt: skip
        numbers[name] = ways[rng.integers(len(ways), size=len(picked)), np.arange(len(picked))]
    return Prepared(numbers, prepared.categories, prepared.flags, prepared.missing, prepared.refusals)
