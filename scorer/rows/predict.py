"""Scoring a file: piece by piece through the same compiled code as the stream, so the bits are the same.

A row is never dropped. One that cannot be scored is written too, without a score and with what is wrong in the column
``problem``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from scorer.batch import Bools
from scorer.errors import SchemaError
from scorer.model import frame, golden
from scorer.model.model import Model
from scorer.model.table import Results, table
from scorer.rows.piece import INTEGER, NUMBER, TEXT, Made, Piece, Reader, Writer
from scorer.scoring.score import FLAGS, MISSING_INPUT, NOT_FINITE, REFUSED_VALUE

UNREADABLE = "unreadable"
WRONG_TYPE = "wrong_type"
PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row cannot be scored: a code for machines, the column that it is about, in words."""

    code: str
    column: str | None
    text: str


@dataclass(slots=True)
class Problems:
    """How many rows have the same code and column, and the first of them, from 1, with its text."""

    rows: int
    first: int
    text: str


@dataclass(slots=True)
class Summary:
    """What became of the rows; ``flags`` counts the scored ones."""

    rows: int = 0
    scored: int = 0
    flags: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FLAGS.values(), 0))
    problems: dict[tuple[str, str | None], Problems] = field(default_factory=dict)

    def add(self, row: int, problem: Problem) -> None:
        """Count row ``row`` (from 0), which cannot be scored."""
        self.problems.setdefault((problem.code, problem.column), Problems(0, row + 1, problem.text)).rows += 1


def made_columns(model: Model, prefix: str) -> dict[str, str]:
    """The columns that predictions have in a file, with their types."""
    names = {"score": NUMBER}
    if model.classes:
        names["class"] = TEXT
    if model.kind == "multiclass":
        names |= {f"score {name}": NUMBER for name in model.classes}
    names |= {"flags": INTEGER, "version": TEXT, "digest": TEXT, PROBLEM: TEXT}
    return {prefix + name: kind for name, kind in names.items()}


def predict(
    model: Model, reader: Reader, writer: Writer, *, rows: int, prefix: str, told: Callable[[], object]
) -> Summary:
    """Score all rows of ``reader``, so many at a time, and write them; ``told`` is called after every piece.

    Raises ``SchemaError`` where the file lacks a column that the model needs.
    """
    require_columns(model, reader)
    summary = Summary()
    for piece in reader.pieces(rows):
        writer.write(piece, _scored(model, piece, summary, prefix))
        told()
    writer.close()
    return summary


def require_columns(model: Model, reader: Reader) -> None:
    """Raise ``SchemaError`` where a file lacks a column that the model needs."""
    for entry in model.inputs:
        if reader.names is not None and entry.name not in reader.names:
            raise SchemaError(f"there is no column {entry.name!r}, which the model needs")


def score(model: Model, piece: Piece) -> tuple[Results, dict[int, Problem]]:
    """What the model says about the rows of a piece, and why some of them count as not scored, by row."""
    typed = [piece.values(entry) for entry in model.inputs]
    results = golden.score(model, table(model.inputs, [one.values for one in typed], len(piece)))
    problems = {row: Problem(UNREADABLE, None, text) for row, text in piece.unreadable.items()}
    for entry, one in zip(model.inputs, typed, strict=True):
        for row, text in one.wrong.items():
            problems.setdefault(row, Problem(WRONG_TYPE, entry.name, text))
    results.scores[:, list(problems)] = np.nan
    for row in np.flatnonzero((results.missing >= 0) | ~np.isfinite(results.scores).all(axis=0)).tolist():
        if row not in problems:
            problems[row] = _unscored(model, results, row)
    return results, problems


def _scored(model: Model, piece: Piece, summary: Summary, prefix: str) -> Made:
    """The new columns of a piece; what became of its rows is counted."""
    results, problems = score(model, piece)
    unscored: Bools = np.zeros(len(piece), np.bool_)
    texts = np.full(len(piece), None, object)
    for row in sorted(problems):
        unscored[row], texts[row] = True, problems[row].text
        summary.add(summary.rows + row, problems[row])
    summary.rows += len(piece)
    summary.scored += len(piece) - len(problems)
    for bit, name in FLAGS.items():
        summary.flags[name] += int(np.count_nonzero(results.flags[~unscored] & bit))
    return _made(model, results, unscored, texts, prefix)


def _unscored(model: Model, results: Results, row: int) -> Problem:
    number = int(results.missing[row])
    if number >= 0:
        refusal = model.unscored(number)
        code = MISSING_INPUT if number < len(model.inputs) else REFUSED_VALUE
        return Problem(code, refusal.column, f"{refusal.column}: {refusal.why}")
    scores = ", ".join(map(str, results.scores[:, row].tolist()))
    return Problem(NOT_FINITE, None, f"the score is {scores}: an input is infinite, or too large")


def _made(model: Model, results: Results, unscored: Bools, texts: npt.NDArray[np.object_], prefix: str) -> Made:
    found = frame.outcome(model, results)
    for name, run in found.items():
        if name != "flags":
            nothing = np.array(None if run.dtype == object else np.nan)
            found[name] = np.where(unscored, nothing, run)
    size = len(unscored)
    found["version"] = np.full(size, model.manifest.version, object)
    found["digest"] = np.full(size, model.digest.hex(), object)
    found[PROBLEM] = texts
    return {prefix + name: run for name, run in found.items()}
