"""A corpus: a file of raw rows with labels, scored piece by piece and laid out to be judged."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.errors import SchemaError
from scorer.model import golden
from scorer.model.inputs import Input
from scorer.model.model import Model
from scorer.model.outputs import MARGIN
from scorer.model.table import table
from scorer.quality.table import Kind, Scale, Table, Words, label_numbers
from scorer.rows.piece import PIECE, Piece, Reader
from scorer.rows.values import from_objects

_TRUTH = {"true": True, "false": False}
_WHOLE = re.compile(r"-?\d{1,19}", re.ASCII)

KINDS: dict[str, Kind] = {"regression": "regression", "binary": "binary", "multiclass": "multiclass"}


def scored(model: Model, reader: Reader, label: str, time: str | None) -> Table:
    """Score every row of ``reader`` by the code that scores the stream.

    ``label`` and ``time`` name the columns of labels and event times; an empty cell is no label. A row that lacks an
    input which it cannot do without, or holds a value of another type, has no valid score. Raises ``SchemaError`` where
    a column is missing, a label means nothing, or a row has no event time.
    """
    need(reader, [*(entry.name for entry in model.inputs), label, *([time] if time is not None else [])])
    tables = [of_piece(model, piece, label, time) for piece in reader.pieces(PIECE)]
    if not tables:
        raise SchemaError("there are no rows")
    first = tables[0]
    return Table(
        first.kind,
        first.classes,
        np.concatenate([one.scores for one in tables], axis=1),
        np.concatenate([one.labels for one in tables]),
        np.concatenate([one.predicted for one in tables]),
        None if time is None else np.concatenate([one.time for one in tables if one.time is not None]),
        scale=first.scale,
    )


def need(reader: Reader, names: Sequence[str]) -> None:
    """Raise ``SchemaError`` where a column is missing."""
    for name in names:
        if reader.names is not None and name not in reader.names:
            raise SchemaError(f"there is no column {name!r}; there are {', '.join(reader.names)}")


def of_piece(model: Model, piece: Piece, label: str, time: str | None) -> Table:
    """The same of one piece, whose columns are there."""
    kind, scores = KINDS[model.kind], _scores(model, piece)
    labels = label_numbers(_labels(piece.column(label), model.classes), kind, model.classes)
    moments = None if time is None else _times(piece.column(time), time)
    return Table(kind, model.classes, scores, labels, model.classify(scores), moments, scale=scale_of(model))


def scale_of(model: Model) -> Scale:
    """Whether the scores of a model's classes are probabilities or margins."""
    return "margin" if model.manifest.outputs.scale == MARGIN else "probability"


def _scores(model: Model, piece: Piece) -> Floats:
    typed = [piece.values(entry) for entry in model.inputs]
    scores = golden.score(model, table(model.inputs, [one.values for one in typed], len(piece))).scores
    for row in (*piece.unreadable, *(row for one in typed for row in one.wrong)):
        scores[:, row] = np.nan
    return scores


def _labels(cells: Sequence[object], classes: Sequence[str]) -> Words:
    """Labels as they were meant: a text file spells its numbers, true and false."""
    found = np.empty(len(cells), object)
    found[:] = [_spelt(cell, classes) if isinstance(cell, str) else cell for cell in cells]
    return found


def _spelt(cell: str, classes: Sequence[str]) -> object:
    if not cell:
        return None
    if cell in classes:
        return cell
    if cell.lower() in _TRUTH:
        return _TRUTH[cell.lower()]
    try:
        number = float(cell)
    except ValueError:
        return cell
    return number if math.isfinite(number) else cell


def _times(cells: Sequence[object], name: str) -> Int64s:
    """Microseconds since 1970: what is read as an input of whole numbers is, from moments and ISO 8601."""
    values, wrong = from_objects(Input(name, "int64", nullable=True), map(_moment, cells))
    assert isinstance(values, tuple)  # noqa: S101  # as whole numbers are held
    moments, present = values
    if wrong or not present.all():
        why = next(iter(wrong.values()), "one is empty")
        raise SchemaError(f"column {name!r} must hold an event time in every row: {why}")
    return moments.astype(np.int64, copy=False)


def _moment(cell: object) -> object:
    return None if cell == "" else int(cell) if isinstance(cell, str) and _WHOLE.fullmatch(cell) else cell
