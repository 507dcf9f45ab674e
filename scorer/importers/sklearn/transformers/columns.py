"""ColumnTransformer, FeatureUnion and the selection of columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion
from sklearn.utils import get_tags

from scorer.importers.parts import Columns, Draft, Fitted
from scorer.importers.refusal import require
from scorer.importers.sklearn.transformers.common import each, numbers
from scorer.model import build_steps


def column_transformer(fitted: ColumnTransformer, columns: Columns, draft: Draft) -> Columns:
    """Each transformer on its columns; what they make, one after the other."""
    places = fitted._transformer_to_input_indices  # the public attributes hold what was asked for: names, masks, slices
    found: list[str] = []
    for name, transformer, _ in fitted.transformers_:
        taken = tuple(columns[place] for place in places[name])
        if isinstance(transformer, str) and transformer == "drop":
            continue
        made = _through(transformer, taken, draft)
        said = fitted.output_indices_.get(name, slice(0, 0))
        count = said.stop - said.start
        require(
            len(made) == count,
            fitted,
            f"{name!r} makes {count} columns, and its steps {len(made)}",
            "report this as a fault of the importer",
        )
        found += _weighted(fitted, name, made, draft)
    return tuple(found)


def feature_union(fitted: FeatureUnion, columns: Columns, draft: Draft) -> Columns:
    """Each transformer on all columns; what they make, one after the other."""
    found: list[str] = []
    for name, transformer in fitted.transformer_list:
        if isinstance(transformer, str) and transformer == "drop":
            continue
        found += _weighted(fitted, name, _through(transformer, columns, draft), draft)
    return tuple(found)


def selected(fitted: Fitted, columns: Columns, draft: Draft) -> Columns:
    """Whatever selects columns and leaves them as they are. Where it takes NaN, it takes infinities, too."""
    kept = fitted.get_support()
    if not get_tags(fitted).input_tags.allow_nan:
        dropped = tuple(columns[place] for place in np.flatnonzero(~kept))
        columns = draft.finite(columns, missing_too=True, dropped=dropped)
    return tuple(columns[place] for place in np.flatnonzero(kept))


def _through(transformer: Fitted, columns: Columns, draft: Draft) -> Columns:
    if not columns or (isinstance(transformer, str) and transformer == "passthrough"):
        return columns
    return draft.transform(transformer, columns)


def _weighted(fitted: Fitted, name: str, columns: Columns, draft: Draft) -> Columns:
    weights: Mapping[str, float] = fitted.transformer_weights or {}
    weight = weights.get(name)
    if weight is None:
        return columns
    factors, shifts = np.full(len(columns), float(weight)), np.zeros(len(columns))
    numbers(fitted, columns, draft)
    return each(columns, draft, "weighted", lambda taken, made: build_steps.scale(taken, made, factors, shifts))
