"""The labelled sample: a Parquet file of raw rows, scored by the production code and laid out to be judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api import types

from scorer.batch import Int64s
from scorer.errors import RegressionFailed, SchemaError, SettingsError
from scorer.model import frame as frames
from scorer.model import golden
from scorer.model.model import Model
from scorer.model.outputs import MARGIN
from scorer.quality.requirement import Requirement
from scorer.quality.table import Kind, Scale, Table, Words, label_numbers

LABEL = "label"
TIME = "event_time"


def read(file: Path) -> pd.DataFrame:
    """The rows of a sample. Raises ``RegressionFailed``, and ``SettingsError`` where pyarrow is not installed."""
    try:
        return pd.read_parquet(file)
    except ImportError:
        raise SettingsError(
            f"{file}: reading Parquet needs a package that is not installed: pip install 'scorer-monitor[parquet]'"
        ) from None
    except (OSError, ValueError) as error:  # the second is the root of what pyarrow raises for other bytes
        raise RegressionFailed(f"{file} cannot be read: {error}") from None


def score(model: Model, frame: pd.DataFrame, requirements: Sequence[Requirement], name: str) -> Table:
    """Score every row, and lay out what the requirements are about.

    ``frame`` has a column for each input, ``label`` (the true value; the name or place of the true class), where
    requirements have a season ``event_time``, and the fields that they name. Raises ``RegressionFailed`` where a column
    is missing or wrong, where there are no rows, and where a row has no label or cannot be scored.
    """
    try:
        results = golden.score(model, frames.columns(model.inputs, frame))
        labels = label_numbers(_words(_column(frame, LABEL), text=False), kind(model), model.classes)
    except SchemaError as error:
        raise RegressionFailed(f"{name}: {error}") from None
    if not len(frame):
        raise RegressionFailed(f"{name} has no rows")
    for what, wrong in (
        ("has no label", np.isnan(labels)),
        ("lacks an input that is not nullable", results.missing >= 0),
        ("has no finite score", ~np.isfinite(results.scores).all(axis=0)),
    ):
        if wrong.any():
            raise RegressionFailed(f"{name}: row {int(np.flatnonzero(wrong)[0])} {what}; take it out of the sample")
    wanted = {segments.field for one in requirements for segments in one.segments}
    wanted |= {one.parameters.group for one in requirements if one.parameters.group is not None}
    try:
        fields = {field: _words(_column(frame, field), text=True) for field in sorted(wanted)}
        time = _times(frame) if TIME in frame.columns else None
    except SchemaError as error:
        raise RegressionFailed(f"{name}: {error}, which the requirements speak of") from None
    return Table(
        kind(model),
        model.classes,
        results.scores,
        labels,
        model.classify(results.scores),
        time,
        fields,
        scale=scale(model),
    )


def kind(model: Model) -> Kind:
    """What the model's scores mean, as tables say it."""
    kinds: dict[str, Kind] = {"regression": "regression", "binary": "binary", "multiclass": "multiclass"}
    return kinds[model.kind]


def scale(model: Model) -> Scale:
    """Whether the scores of classes are probabilities or margins."""
    return "margin" if model.manifest.outputs.scale == MARGIN else "probability"


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    if name not in frame.columns:
        raise SchemaError(f"there is no column {name!r}")
    found = frame[name]
    if not isinstance(found, pd.Series):
        raise SchemaError(f"there is more than one column {name!r}")
    return found


def _words(column: pd.Series, *, text: bool) -> Words:
    """The values as Python objects, ``None`` where there is none; ``text``: as text, as segments are named."""
    values = column.astype(object).where(column.notna(), None)
    found = np.empty(len(values), object)
    found[:] = [value if value is None or not text else str(value) for value in values]
    return found


def _times(frame: pd.DataFrame) -> Int64s:
    column = _column(frame, TIME)
    if not types.is_datetime64_any_dtype(column.dtype) or column.isna().any():
        raise SchemaError(f"column {TIME!r} must hold a moment in every row")
    moments = column.dt.tz_convert(None) if isinstance(column.dtype, pd.DatetimeTZDtype) else column
    return moments.to_numpy("datetime64[us]").astype(np.int64)
