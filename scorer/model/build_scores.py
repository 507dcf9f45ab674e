"""Writing the steps that combine scores: parts as :mod:`scorer.model.build` takes them, from plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from scorer.model.build import Part, linear


def loglinear(taken: Sequence[str], coef: npt.ArrayLike, intercept: npt.ArrayLike) -> Part:
    """The kernel loglinear@1; ``coef`` ``(1, columns)`` or ``(columns,)``."""
    return replace(linear(taken, coef, intercept), name="loglinear@1")


def columns(taken: Sequence[str]) -> Part:
    """The kernel columns@1."""
    return Part("columns@1", taken)


def average(taken: Sequence[str], made: Sequence[str], weights: npt.ArrayLike) -> Part:
    """The step average@1; ``weights`` ``(estimators,)``."""
    return Part("average@1", taken, made, {}, {"weights": np.array(weights, np.float64)})


def calibrate_sigmoid(taken: Sequence[str], made: Sequence[str], slope: npt.ArrayLike, offset: npt.ArrayLike) -> Part:
    """The step calibrate_sigmoid@1; ``slope`` and ``offset`` ``(columns,)``."""
    arrays = {"slope": np.array(slope, np.float64), "offset": np.array(offset, np.float64)}
    return Part("calibrate_sigmoid@1", taken, made, {}, arrays)


def calibrate_isotonic(
    taken: str, made: str, x: npt.ArrayLike, y: npt.ArrayLike, *, outside: str = "clip", dtype: str = "float64"
) -> Part:
    """The step calibrate_isotonic@1; ``x`` and ``y`` ``(points,)``."""
    arrays = {"x": np.array(x, np.float64), "y": np.array(y, np.float64)}
    return Part("calibrate_isotonic@1", [taken], [made], {"outside": outside, "dtype": dtype}, arrays)


def shares(taken: Sequence[str], made: Sequence[str], *, when_zero: str = "uniform") -> Part:
    """The step shares@1."""
    return Part("shares@1", taken, made, {"when_zero": when_zero})


def choose(taken: Sequence[str], made: Sequence[str], threshold: float | None = None) -> Part:
    """The step choose@1; ``threshold`` for one column, none for several."""
    return Part("choose@1", taken, made, {"threshold": threshold})


def log_odds(taken: Sequence[str], made: Sequence[str], edge: float) -> Part:
    """The step log_odds@1."""
    return Part("log_odds@1", taken, made, {}, {"edge": np.array([edge])})
