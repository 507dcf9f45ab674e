"""Parts of dates, for pipelines in a notebook: scikit-learn has no transformer for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from scorer.batch import Floats
from scorer.model.preparation.date import LENGTH, PARTS, WAVES, part_of

DEFAULT = ("month", "weekday", "hour")


class DateParts(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Columns of moments become numbers: their hour, weekday, month …, or where these stand in their cycle.

    ``parts``: of ``year``, ``month`` (1 to 12), ``day`` (1 to 31), ``day_of_year`` (1 to 366), ``weekday`` (Monday is
    0), ``hour`` and ``minute``. With ``cyclic`` each part but the year becomes two columns, the sine and cosine of ``2
    pi (part - first) / length``, so that 23 o'clock lies beside 0 o'clock.

    Takes a frame (or array) of datetimes, with a time zone or in UTC, or of integers: microseconds since 1970 in UTC,
    as events have them. The parts are those of UTC. Missing moments give NaN. Returns float64; all parts of the first
    column, then those of the next. Imported as date@1.

    >>> moments = pd.DataFrame({"at": pd.to_datetime(["2013-01-31 23:05", "2013-02-03 00:00"])})
    >>> DateParts(parts=["day", "hour"]).fit_transform(moments)
    array([[31., 23.],
           [ 3.,  0.]])
    """

    def __init__(self, parts: Sequence[str] = DEFAULT, *, cyclic: bool = False) -> None:
        self.parts = parts
        self.cyclic = cyclic

    def fit(self, X: Any, y: object = None) -> DateParts:  # noqa: ARG002, N803 - scikit-learn's names
        """Check the parts and remember the columns; there is nothing to learn."""
        unknown = [part for part in self.parts if part not in PARTS]
        if unknown or not len(self.parts):
            raise ValueError(f"parts must be one or more of {', '.join(PARTS)}, not {list(self.parts)}")
        frame = pd.DataFrame(X)
        self.n_features_in_ = frame.shape[1]
        if isinstance(X, pd.DataFrame):
            self.feature_names_in_ = np.array([str(name) for name in frame.columns], object)
        return self

    def ways(self) -> list[tuple[str, str]]:
        """What each moment becomes, in order: parts, each with ``sin``, ``cos`` or ``""`` for itself."""
        found: list[tuple[str, str]] = []
        for part in self.parts:
            found += [(part, wave) for wave in WAVES] if self.cyclic and LENGTH[PARTS[part]] else [(part, "")]
        return found

    def transform(self, X: Any) -> Floats:  # noqa: N803 - scikit-learn's name
        """Float64 ``(rows, columns * ways)``."""
        check_is_fitted(self, "n_features_in_")
        frame = pd.DataFrame(X)
        if frame.shape[1] != self.n_features_in_:
            raise ValueError(f"there are {frame.shape[1]} columns, and it was fitted on {self.n_features_in_}")
        made = [part_of(_microseconds(frame.iloc[:, k]), *way) for k in range(frame.shape[1]) for way in self.ways()]
        return np.array(made, np.float64).reshape(len(made), len(frame)).T

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> npt.NDArray[np.object_]:
        """``column_part``, or ``column_part_sin`` and ``column_part_cos``."""
        names = getattr(self, "feature_names_in_", None) if input_features is None else input_features
        if names is None:
            names = [f"x{k}" for k in range(self.n_features_in_)]
        return np.array(
            [f"{name}_{part}" + (f"_{wave}" if wave else "") for name in names for part, wave in self.ways()], object
        )


def _microseconds(column: pd.Series) -> Floats:
    """Microseconds since 1970, UTC, NaN for what is missing. Raises ``ValueError`` for what is no moment."""
    if column.dtype == object:
        column = column.infer_objects()
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        column = column.dt.tz_convert(None)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        known = column.notna().to_numpy()
        whole = column.to_numpy("datetime64[us]").astype(np.int64).astype(np.float64)
        found = np.where(known, whole, np.nan)
    elif pd.api.types.is_numeric_dtype(column.dtype):
        found = column.to_numpy(np.float64, na_value=np.nan)
    else:
        raise ValueError(f"column {column.name!r} has dtype {column.dtype}: it must hold datetimes or microseconds")
    if (np.abs(found) > 2.0**53).any():
        raise ValueError(f"column {column.name!r} holds a moment before 1684 or after 2255")
    return found
