"""Data frames: the same raw rows, compiled code and bits as in the stream, for notebooks and tests."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

from scorer.batch import Bools, Floats, Int64s
from scorer.errors import SchemaError
from scorer.model import golden
from scorer.model.inputs import Input, Raw
from scorer.model.model import Model
from scorer.model.table import Results, Table, Values, table

_TOO_LARGE = np.float64(2.0**63)  # not a plain float, which would become a float16 beside float16s
_SURROGATE = re.compile("[\ud800-\udfff]")
_MOMENTS = np.array([-(2**63) + 1, 2**63 - 1]).view("datetime64[us]")


class Predictor:
    """A model that scores data frames; what ``scorer.load`` returns."""

    def __init__(self, model: Model) -> None:
        """Wrap an admitted model."""
        self.model = model

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Score each row of ``frame``; see :func:`predict`."""
        return predict(self.model, frame)


def predict(model: Model, frame: pd.DataFrame) -> pd.DataFrame:
    """Score each row of ``frame``, which must have a column for each input of the model.

    The result has the frame's index and the columns ``score`` (float64: the estimate, the probability of the second
    of two classes, or that of the predicted one of several), ``class`` (where the model has classes), ``score CLASS``
    for each of more than two classes, ``flags`` (bits: 1 imputed, 2 clipped, 4 unseen category, 8 missing, 16 outside
    of the training data) and ``missing``: the first input that is not nullable and has no value, or the column whose
    value the version refuses, else ``None``. Such a row has NaN for scores and no class; in the stream it would become
    a dead letter.

    Raises ``SchemaError`` where a column is missing or of the wrong dtype.
    """
    results = golden.score(model, columns(model.inputs, frame))
    decisive = np.array([*model.decisive, None], object)
    found = {**outcome(model, results), "missing": decisive[results.missing]}
    return pd.DataFrame({name: pd.Series(run, frame.index, run.dtype) for name, run in found.items()}, frame.index)


def outcome(model: Model, results: Results) -> dict[str, npt.NDArray[Any]]:
    """What a model says about some rows, by the names that :func:`predict` gives; text and ``None`` are objects."""
    scores, unscored = results.scores, results.missing >= 0
    found: dict[str, npt.NDArray[Any]] = {"score": scores[0]}
    if model.classes:
        chosen = model.classify(scores)
        names = np.array([*model.classes, None], object)
        if model.kind == "multiclass":
            found["score"] = scores[chosen, np.arange(scores.shape[1])]
        found["class"] = names[np.where(unscored, -1, chosen)]
        if model.kind == "multiclass":
            found |= {f"score {name}": run for name, run in zip(model.classes, scores, strict=True)}
    found["flags"] = results.flags
    return found


def columns(inputs: tuple[Input, ...], frame: pd.DataFrame) -> Table:
    """The frame's raw values as columns. Raises ``SchemaError``."""
    return table(inputs, values(inputs, frame), len(frame))


def values(inputs: tuple[Input, ...], frame: pd.DataFrame) -> list[Values]:
    """The raw values of each input. ``None``, NaN, ``pd.NA`` and ``NaT`` are no value. Raises ``SchemaError``."""
    found: list[Values] = []
    for entry in inputs:
        if entry.name not in frame.columns:
            raise SchemaError(f"the frame has no column {entry.name!r}, which the model needs")
        column = frame[entry.name]
        if not isinstance(column, pd.Series):
            raise SchemaError(f"the frame has more than one column {entry.name!r}")
        if isinstance(column.dtype, pd.CategoricalDtype) and entry.dtype != "category":
            column = _decoded(column)
        if entry.dtype == "category":
            found.append(_categories(column))
        elif entry.dtype == "float64":
            found.append(_floats(column))
        else:
            found.append(_integers(column))
    return found


def rows(inputs: tuple[Input, ...], frame: pd.DataFrame) -> list[list[Raw]]:
    """The frame's raw values row by row, as golden rows are. Raises ``SchemaError``."""
    taken: list[list[Raw]] = []
    for column in values(inputs, frame):
        if isinstance(column, list):
            taken.append([None if word is None else word.decode() for word in column])
        else:
            present = zip(column[0].tolist(), column[1].tolist(), strict=True)
            taken.append([value if valid else None for value, valid in present])
    return [list(row) for row in zip(*taken, strict=True)]


def _decoded(column: pd.Series) -> pd.Series:
    """Categories that are no text, as what they are; integers beside gaps would become float64 by themselves."""
    if types.is_integer_dtype(column.cat.categories.dtype):
        known = pd.array(column.cat.categories.to_numpy(), dtype="Int64")
        return pd.Series(known.take(column.cat.codes.to_numpy(), allow_fill=True), column.index, name=column.name)
    return pd.Series(np.asarray(column), column.index, name=column.name)


def _floats(column: pd.Series) -> tuple[Floats, Bools]:
    if not types.is_numeric_dtype(column.dtype) or types.is_complex_dtype(column.dtype):
        raise _wrong(column, "numbers")
    return column.to_numpy(np.float64, na_value=np.nan), ~column.isna().to_numpy(np.bool_)


def _integers(column: pd.Series) -> tuple[Int64s, Bools]:
    """Integers, booleans, moments (microseconds since 1970, UTC), and floats that are whole numbers."""
    valid = ~column.isna().to_numpy(np.bool_)
    if types.is_datetime64_any_dtype(column.dtype):
        moments = column.dt.tz_convert(None) if isinstance(column.dtype, pd.DatetimeTZDtype) else column
        if not moments.between(*_MOMENTS)[valid].all():  # numpy would wrap them round without a word
            raise _wrong(column, "moments whose microseconds since 1970 have 64 bits")
        return moments.to_numpy("datetime64[us]").astype(np.int64), valid
    if not types.is_numeric_dtype(column.dtype) or types.is_complex_dtype(column.dtype):
        raise _wrong(column, "integers")
    found = np.zeros(len(column), np.int64)
    present = column[valid].to_numpy()
    found[valid] = _whole(column, present)
    return found, valid


def _whole(column: pd.Series, present: npt.NDArray[Any]) -> Int64s:
    """``present`` as int64, or ``SchemaError`` where that would change a value."""
    if present.dtype.kind == "f" and not (np.abs(present) < _TOO_LARGE).all():
        raise _wrong(column, "integers of 64 bits")
    found = present.astype(np.int64)
    if not (found == present).all() or (present.dtype.kind == "u" and (found < 0).any()):
        raise _wrong(column, "integers of 64 bits")
    return found


def _categories(column: pd.Series) -> list[bytes | None]:
    """Strings: an object, string or category column."""
    found: list[bytes | None] = []
    for value, gap in zip(column.to_numpy(object), column.isna().to_numpy(np.bool_), strict=True):
        if gap:
            found.append(None)
        elif isinstance(value, str) and not _SURROGATE.search(value):
            found.append(value.encode())
        else:
            raise _wrong(column, f"strings of Unicode; it holds {value!r}")
    return found


def _wrong(column: pd.Series, wanted: str) -> SchemaError:
    return SchemaError(f"column {column.name!r} has dtype {column.dtype}, but the model takes {wanted}")
