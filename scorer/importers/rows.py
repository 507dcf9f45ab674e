"""The raw rows that an import is proven on: where they come from, and what inputs they show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api import types

from scorer.errors import SchemaError, SettingsError
from scorer.importers.parts import Columns
from scorer.model.inputs import Input

_LARGEST = 2**63 - 1


def read(rows: pd.DataFrame | str | Path) -> pd.DataFrame:
    """A frame, whose columns get text for names as fields of events have it; or a Parquet or CSV file.

    Raises ``SchemaError``, and ``SettingsError`` where Parquet needs a package that is not installed.
    """
    if isinstance(rows, pd.DataFrame):
        return rows.set_axis(rows.columns.map(str), axis="columns")
    path = Path(rows)
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(path)
        if path.suffix.lower() == ".csv":
            return pd.read_csv(path)
    except ImportError:
        raise SettingsError(
            f"{path}: reading Parquet needs a package that is not installed: pip install 'scorer-monitor[parquet]'"
        ) from None
    except (OSError, ValueError) as error:
        raise SchemaError(f"{path} cannot be read: {error}") from None
    raise SchemaError(f"{path} is neither .parquet nor .csv")


def chosen(rows: pd.DataFrame, columns: Columns | None) -> pd.DataFrame:
    """Only these columns, in this order, for a model that was fitted without names. Raises ``SchemaError``."""
    if columns is None:
        return rows
    missing = [name for name in columns if name not in rows.columns]
    if missing:
        raise SchemaError(f"the rows lack {', '.join(map(repr, missing))}, which the columns (--columns) name")
    return rows[list(columns)]


def taken(rows: pd.DataFrame, names: Columns) -> pd.DataFrame:
    """The columns ``names`` of at least one row, as events hold them: numbers in 64 bits. Raises ``SchemaError``."""
    missing = [name for name in names if name not in rows.columns]
    if missing:
        raise SchemaError(f"the rows lack {', '.join(map(repr, missing))}, which the model takes")
    if len(set(rows.columns)) != len(rows.columns):
        raise SchemaError("the rows have two columns of the same name")
    if rows.empty:
        raise SchemaError("there are no rows: give some that the model was trained on, or like them")
    found = rows[list(names)].reset_index(drop=True)
    return found.assign(**{name: _wide(found[name]) for name in names})


def _wide(column: pd.Series) -> pd.Series:
    """Numbers in 64 bits: in fewer a library may calculate otherwise, and squares of int8 wrap round."""
    if types.is_bool_dtype(column.dtype):
        return column
    extension = isinstance(column.dtype, pd.api.extensions.ExtensionDtype)
    if types.is_integer_dtype(column.dtype):
        if types.is_unsigned_integer_dtype(column.dtype) and (column > _LARGEST).any():
            raise SchemaError(f"column {column.name!r} holds {column.max()}, and events hold integers up to {_LARGEST}")
        return column.astype("Int64" if extension else np.int64)
    if types.is_float_dtype(column.dtype):
        return column.astype("Float64" if extension else np.float64)
    return column


def underscored(known: Columns, rows: pd.DataFrame) -> Columns | None:
    """The columns of ``rows`` that ``known`` names as LightGBM does: with underscores for blanks; or ``None``.

    Raises ``SchemaError`` where it may be one or another.
    """
    found: dict[str, str] = {}
    for name in map(str, rows.columns):
        word = name.replace(" ", "_")
        if word in known and word in found:
            raise SchemaError(
                f"the model writes blanks in names as underscores, so its column {word!r} may be {found[word]!r} "
                f"or {name!r} of the rows: leave out the one that it was not trained on"
            )
        found[word] = name
    return tuple(found[name] for name in known) if set(known) <= set(found) else None


def inputs(rows: pd.DataFrame) -> tuple[Input, ...]:
    """The inputs that the columns show, all nullable: numbers, whole numbers (also moments), text."""
    return tuple(Input(name, _dtype(rows[name]), nullable=True) for name in map(str, rows.columns))


def _dtype(column: pd.Series) -> str:
    if isinstance(column.dtype, pd.CategoricalDtype):
        words = types.is_string_dtype(column.cat.categories.dtype) or column.cat.categories.dtype == object
        return "category" if words else _dtype(column.cat.categories.to_series())
    if types.is_datetime64_any_dtype(column.dtype) or types.is_bool_dtype(column.dtype):
        return "int64"
    if types.is_integer_dtype(column.dtype):
        return "int64"
    if types.is_float_dtype(column.dtype):
        return "float64"
    present = column[column.notna()]
    if not len(present):
        raise SchemaError(
            f"column {column.name!r} has no value in any row, so its type is not known: give rows where it has some, "
            "or its dtype (float64, string)"
        )
    if not all(isinstance(value, str) for value in present):
        raise SchemaError(
            f"column {column.name!r} has dtype {column.dtype}, which is neither numbers nor text: give it one of them"
        )
    if len({type(value) for value in column[column.isna()]}) > 1:
        raise SchemaError(
            f"column {column.name!r} holds both None and NaN, which the library tells apart and events cannot: use one"
        )
    return "category"


def without(rows: pd.DataFrame, name: str, like: pd.Series) -> pd.DataFrame:
    """``rows`` with no value in a column, as ``like`` says that there is none."""
    column = rows[name]
    gaps = like[like.isna()]
    if column.dtype == object:
        nothing = gaps.iloc[0] if len(gaps) else np.nan
        return rows.assign(**{name: pd.Series([nothing] * len(rows), rows.index, object)})
    if types.is_integer_dtype(column.dtype) or types.is_bool_dtype(column.dtype):
        extension = isinstance(column.dtype, pd.api.extensions.ExtensionDtype)
        empty = pd.Series([pd.NA if extension else np.nan] * len(rows), rows.index)
        return rows.assign(**{name: empty.astype(column.dtype if extension else np.float64)})
    return rows.assign(**{name: pd.Series([None] * len(rows), rows.index, dtype=column.dtype)})


def unseen(rows: pd.DataFrame, name: str, word: str) -> pd.DataFrame:
    """``rows`` with a category that was never seen."""
    column = rows[name]
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = pd.CategoricalDtype([*dtype.categories, word], ordered=dtype.ordered)
    return rows.assign(**{name: pd.Series([word] * len(rows), rows.index, dtype)})


def put(rows: pd.DataFrame, name: str, value: float) -> pd.DataFrame:
    """``rows`` with a number; as float64 where the column does not hold it. What is no category of it is missing."""
    column = rows[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        known = next((one for one in column.cat.categories if one == value), None)
        return rows.assign(**{name: pd.Series([known] * len(rows), rows.index, column.dtype)})
    keeps = not types.is_float_dtype(column.dtype) and float(value).is_integer() and abs(value) < 2**53
    dtype = column.dtype if keeps else np.dtype(np.float64)
    return rows.assign(**{name: pd.Series([value] * len(rows), rows.index).astype(dtype)})
