"""Imputers: SimpleImputer and MissingIndicator."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.utils import get_tags

from scorer.importers.parts import Columns, Draft, Fitted
from scorer.importers.refusal import refused, require
from scorer.importers.sklearn.transformers.common import each
from scorer.model import build, build_steps


def simple(fitted: SimpleImputer, columns: Columns, draft: Draft) -> Columns:
    """A value for what is missing; columns that had no value are dropped; indicators follow the columns."""
    known = _with_gaps(fitted, columns, draft)
    kept = [k for k, value in enumerate(fitted.statistics_) if fitted.keep_empty_features or not _is_nothing(value)]
    filled: dict[int, str] = {}
    for text in (False, True):
        places = [k for k in kept if draft.is_category(known[k]) == text]
        values = [fitted.statistics_[k] for k in places]
        for place, value in zip(places, values, strict=True):
            _check_fill(fitted, columns[place], value, text=text)
        taken = [known[k] for k in places]
        made = draft.fresh_all(f"{columns[k]} imputed" for k in places)
        if text and places:
            draft.add(build.impute_categories(taken, made, values), category=True)
        elif places:
            draft.add(build.impute(taken, made, [float(value) for value in values]))
        filled |= dict(zip(places, made, strict=True))
    indicated = _indicated(known, fitted.indicator_.features_, draft, columns) if fitted.add_indicator else ()
    return (*(filled[k] for k in kept), *indicated)


def indicator(fitted: MissingIndicator, columns: Columns, draft: Draft) -> Columns:
    """1 where a value is missing; what had none when it was fitted must have none missing where it says so."""
    known = _with_gaps(fitted, columns, draft)
    if fitted.features == "missing-only" and fitted.error_on_new:
        others = [known[k] for k in range(len(known)) if k not in fitted.features_ and not draft.is_category(known[k])]
        each(tuple(others), draft, "present", lambda taken, made: build_steps.require(taken, made, missing_too=True))
    return _indicated(known, fitted.features_, draft, columns)


def _indicated(known: Columns, features: Sequence[int], draft: Draft, columns: Columns) -> Columns:
    if not len(features):
        return ()
    made = draft.fresh_all(f"{columns[k]} is missing" for k in features)
    return draft.add(build_steps.is_missing([known[k] for k in features], made))


def _with_gaps(fitted: Fitted, columns: Columns, draft: Draft) -> Columns:
    """The columns with no value where there is the one that stands for a missing one."""
    value = fitted.missing_values
    if not any(
        draft.is_category(name) for name in columns
    ):  # with text, they are checked as Python objects: not at all
        columns = draft.finite(columns, missing_too=not get_tags(fitted).input_tags.allow_nan)
    if _is_nothing(value):
        return columns
    text = isinstance(value, str)
    for name in columns:
        require(
            draft.is_category(name) == text,
            fitted,
            f"column {name!r} cannot hold missing_values={value!r}",
            "fit it on columns that can, and on the others by a ColumnTransformer",
        )
    names = draft.fresh_all(f"{name} with gaps" for name in columns)
    return draft.add(build_steps.missing_if(columns, names, value if text else float(value)), category=text)


def _is_nothing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and bool(np.isnan(value)))


def _check_fill(fitted: Fitted, name: str, value: object, *, text: bool) -> None:
    if not isinstance(value, str if text else numbers.Real):
        holds, wanted = ("text", "a text") if text else ("numbers", "a number")
        raise refused(
            fitted,
            f"it fills {name!r}, which holds {holds}, with {value!r}",
            f"give {wanted} as fill_value, or split the columns by a ColumnTransformer",
        )
