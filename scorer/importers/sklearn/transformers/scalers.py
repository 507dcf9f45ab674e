"""Scalers: StandardScaler, RobustScaler, MaxAbsScaler, MinMaxScaler, Normalizer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler

from scorer.importers.parts import Columns, Draft
from scorer.importers.sklearn.transformers.common import each, numbers
from scorer.model import build, build_steps


def standard(fitted: StandardScaler, columns: Columns, draft: Draft) -> Columns:
    """``(x - mean_) / scale_``."""
    numbers(fitted, columns, draft)
    return _divided(columns, draft, fitted.mean_ if fitted.with_mean else None, fitted.scale_)


def robust(fitted: RobustScaler, columns: Columns, draft: Draft) -> Columns:
    """``(x - center_) / scale_``."""
    numbers(fitted, columns, draft)
    center = fitted.center_ if fitted.with_centering else None
    return _divided(columns, draft, center, fitted.scale_ if fitted.with_scaling else None)


def max_abs(fitted: MaxAbsScaler, columns: Columns, draft: Draft) -> Columns:
    """``x / scale_``, clipped to -1 and 1 where it says so."""
    numbers(fitted, columns, draft)
    made = _divided(columns, draft, None, fitted.scale_)
    return _clipped(made, draft, (-1.0, 1.0)) if getattr(fitted, "clip", False) else made  # new in 1.8


def min_max(fitted: MinMaxScaler, columns: Columns, draft: Draft) -> Columns:
    """``x * scale_ + min_``, clipped to the range where it says so."""
    numbers(fitted, columns, draft)
    made = each(columns, draft, "scaled", lambda taken, new: build_steps.scale(taken, new, fitted.scale_, fitted.min_))
    return _clipped(made, draft, fitted.feature_range) if fitted.clip else made


def normalizer(fitted: Normalizer, columns: Columns, draft: Draft) -> Columns:
    """Rows of norm 1."""
    numbers(fitted, columns, draft)
    return each(columns, draft, "normalised", lambda taken, new: build_steps.normalise(taken, new, fitted.norm))


def _divided(columns: Columns, draft: Draft, mean: npt.ArrayLike | None, scale: npt.ArrayLike | None) -> Columns:
    if mean is None and scale is None:
        return columns
    centers = np.zeros(len(columns)) if mean is None else mean
    scales = np.ones(len(columns)) if scale is None else scale
    return each(columns, draft, "scaled", lambda taken, made: build.standardise(taken, made, centers, scales))


def _clipped(columns: Columns, draft: Draft, bounds: tuple[float, float]) -> Columns:
    low, high = map(float, bounds)
    return each(columns, draft, "clipped", lambda taken, made: build_steps.clip(taken, made, low, high))
