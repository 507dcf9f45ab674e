"""FunctionTransformer of the numpy functions that a version knows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.preprocessing import FunctionTransformer

from scorer.importers.parts import Columns, Draft
from scorer.importers.refusal import refused, require
from scorer.importers.sklearn.transformers.common import each, numbers
from scorer.model import build_steps
from scorer.model.preparation.function import FUNCTIONS

_NAMES: Mapping[object, str] = {**{function: name for name, function in FUNCTIONS.items()}, np.fabs: "abs"}
_LOW, _HIGH = ("a_min", "min"), ("a_max", "max")


def function(fitted: FunctionTransformer, columns: Columns, draft: Draft) -> Columns:
    """The identity, an elementary function, or ``numpy.clip`` with bounds that are numbers."""
    if fitted.validate:
        columns = draft.finite(columns, missing_too=True)
    if fitted.func is None:
        return columns
    known = f"numpy's {', '.join(FUNCTIONS)}, and clip with numbers as bounds"
    nearest = f"use one of {known}; parts of dates by scorer.importers.sklearn.dates.DateParts; or prepare it before"
    if fitted.func is np.clip:
        return _clip(fitted, columns, draft, nearest)
    try:
        name = _NAMES.get(fitted.func)
    except TypeError:  # a function that has no hash
        name = None
    if name is None:
        raise refused(fitted, f"{_called(fitted.func)} is code, and a version holds data only", nearest)
    require(not fitted.kw_args, fitted, f"numpy.{name} is called with {fitted.kw_args}", "call it without arguments")
    numbers(fitted, columns, draft)
    return each(columns, draft, name, lambda taken, made: build_steps.function(taken, made, name))


def _clip(fitted: FunctionTransformer, columns: Columns, draft: Draft, nearest: str) -> Columns:
    arguments = dict(fitted.kw_args or {})
    low = next((arguments.pop(name) for name in _LOW if name in arguments), None)
    high = next((arguments.pop(name) for name in _HIGH if name in arguments), None)
    for bound in (low, high):
        require(
            bound is None or (np.ndim(bound) == 0 and bool(np.isfinite(bound))),
            fitted,
            f"numpy.clip has the bound {bound!r}",
            "give numbers as bounds, or None; several columns with bounds of their own by a ColumnTransformer",
        )
    require(not arguments, fitted, f"numpy.clip is called with {arguments}", nearest)
    numbers(fitted, columns, draft)
    bounds = [None if bound is None else float(bound) for bound in (low, high)]
    return each(columns, draft, "clipped", lambda taken, made: build_steps.clip(taken, made, *bounds))


def _called(func: object) -> str:
    return f"{getattr(func, '__module__', '')}.{getattr(func, '__qualname__', repr(func))}".lstrip(".")
