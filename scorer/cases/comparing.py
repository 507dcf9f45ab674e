"""Cases against what the production code makes of them, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats
from scorer.cases.form import Bounds, Case, Scores, Unscored
from scorer.model import golden
from scorer.model.inputs import Raw
from scorer.model.model import Model
from scorer.model.table import from_rows
from scorer.scoring.score import FLAGS, MISSING_INPUT, NOT_FINITE, REFUSED_VALUE


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the version makes of a row: its scores and flags, or the dead letter that it becomes."""

    scores: tuple[float, ...]
    flags: tuple[str, ...]
    letter: Unscored | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one case that is not as expected. ``difference`` is given where both are finite numbers:
    got - expected, or how far outside the bounds."""

    case: Case
    field: str
    expected: str
    got: str
    difference: float | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs, and the largest difference from an expected score, allowed or not; ``None`` where none is given."""

    differences: tuple[Difference, ...]
    largest: float | None


def golden_cases(model: Model) -> list[Case]:
    """The golden rows as cases."""
    told = model.manifest.golden
    return [
        Case(f"golden row {place}", "what the training library gave", row, Scores(scores, told.atol, told.rtol))
        for place, (row, scores) in enumerate(zip(told.inputs, told.expected, strict=True))
    ]


def outcomes(model: Model, rows: Sequence[Sequence[Raw]]) -> list[Outcome]:
    """What the version makes of raw rows, by the compiled code that scores the stream."""
    table = from_rows(model.inputs, rows)
    results = golden.score(model, table)
    found = []
    for place in range(len(rows)):
        scores = results.scores[:, place]
        flags = tuple(name for bit, name in FLAGS.items() if results.flags[place] & bit)
        found.append(Outcome(tuple(scores.tolist()), flags, _letter(model, scores, int(results.missing[place]))))
    return found


def compare(model: Model, cases: Sequence[Case]) -> Compared:
    """Run the cases."""
    found = outcomes(model, [case.row for case in cases])
    apart = [
        abs(got - expected)
        for case, outcome in zip(cases, found, strict=True)
        if isinstance(case.expected, Scores)
        for got, expected in zip(outcome.scores, case.expected.values, strict=True)
    ]
    differences = [one for case, outcome in zip(cases, found, strict=True) for one in _differing(model, case, outcome)]
    return Compared(tuple(differences), max((one for one in apart if np.isfinite(one)), default=None))


def _letter(model: Model, scores: Floats, missing: int) -> Unscored | None:
    if missing >= 0:
        code = MISSING_INPUT if missing < len(model.inputs) else REFUSED_VALUE
        return Unscored(code, model.unscored(missing).column)
    return None if np.isfinite(scores).all() else Unscored(NOT_FINITE, None)


def _differing(model: Model, case: Case, outcome: Outcome) -> Iterator[Difference]:
    expected, letter = case.expected, outcome.letter
    if isinstance(expected, Unscored):
        if letter != expected:
            got = f"scores {_listed(outcome.scores)}" if letter is None else _spelt(letter)
            yield Difference(case, "outcome", _spelt(expected), got)
        return
    if letter is not None and not (isinstance(expected, Scores) and not np.isfinite(expected.values).all()):
        yield Difference(case, "outcome", "a prediction", _spelt(letter))
        return
    names = [f"score {name}" for name in model.classes] if model.n_outputs > 1 else ["score"]
    yield from _scores(case, expected, names, outcome.scores)
    if case.flags is not None and set(case.flags) != set(outcome.flags):
        yield Difference(case, "flags", ", ".join(case.flags) or "none", ", ".join(outcome.flags) or "none")


def _scores(
    case: Case, expected: Scores | Bounds, names: Sequence[str], scores: Sequence[float]
) -> Iterator[Difference]:
    if isinstance(expected, Scores):
        for name, want, got in zip(names, expected.values, scores, strict=True):
            if not np.isclose(got, want, expected.rtol, expected.atol, equal_nan=True):
                told = f"{want!r} (atol {expected.atol:g}, rtol {expected.rtol:g})"
                yield Difference(case, name, told, repr(got), _apart(got, want))
        return
    for name, (low, high), got in zip(names, expected.ranges, scores, strict=True):
        if not low <= got <= high:
            yield Difference(
                case, name, f"from {low!r} to {high!r}", repr(got), _apart(got, low if got < low else high)
            )


def _apart(got: float, wanted: float) -> float | None:
    return got - wanted if np.isfinite(got) and np.isfinite(wanted) else None


def _spelt(letter: Unscored) -> str:
    return f"dead letter {letter.code}" + (f", field {letter.field}" if letter.field is not None else "")


def _listed(scores: Sequence[float]) -> str:
    return ", ".join(map(repr, scores))
