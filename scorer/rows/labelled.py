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
    wanted = [*(entry.name for entry in model.inputs), label, *([time] if time is not None else [])]
    for name in wanted:
        if reader.names is not None and name not in reader.names:
            raise SchemaError(f"there is no column {name!r}; there are {', '.join(reader.names)}")
    scores: list[Floats] = []
    labels: list[Floats] = []
    times: list[Int64s] = []
    kind = KINDS[model.kind]
    for piece in reader.pieces(PIECE):
        scores.append(_scores(model, piece))
        labels.append(label_numbers(_labels(piece.column(label), model.classes), kind, model.classes))
        if time is not None:
            times.append(_times(piece.column(time), time))
    if not scores:
        raise SchemaError("there are no rows")
    whole = np.concatenate(scores, axis=1)
    scale: Scale = "margin" if model.manifest.outputs.scale == MARGIN else "probability"
    moments = np.concatenate(times) if time is not None else None
    return Table(kind, model.classes, whole, np.concatenate(labels), model.classify(whole), moments, scale=scale)


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
