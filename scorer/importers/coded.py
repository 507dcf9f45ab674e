"""Columns of categories that a boosting library turns into codes by itself, with a list that its model holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scorer.importers.parts import Draft, Fitted
from scorer.importers.refusal import require
from scorer.model import build_steps


def coded(fitted: Fitted, draft: Draft, name: str, known: Sequence[object], unknown: str) -> str:
    """A new column with the position of each value in ``known``, NaN where there is none; returns its name.

    ``unknown`` says what any other value is, ``"missing"`` or ``"refuse"``. Raises ``NotImportable`` where the rows
    hold no such values.
    """
    text = all(isinstance(value, str) for value in known)
    require(
        text or all(isinstance(value, int | float) for value in known),
        fitted,
        f"the categories of column {name!r} are neither all text nor all numbers",
        "turn them into text before you train",
    )
    require(
        text == draft.is_category(name),
        fitted,
        f"column {name!r} has {'text' if text else 'numbers'} for categories, and the rows hold something else there",
        "give rows with the dtypes that the model was trained on",
    )
    made = draft.fresh(f"{name}, code")
    if text:
        part = build_steps.encode(
            name, [made], [str(value) for value in known], np.arange(len(known)), unknown=unknown, missing="missing"
        )
    else:
        numbers = np.array(known, np.float64)
        order = np.argsort(numbers)
        part = build_steps.encode(name, [made], numbers[order], order, unknown=unknown, missing="missing")
    return draft.add(part)[0]


def as_categories(rows: pd.DataFrame, name: str, known: Sequence[object]) -> pd.DataFrame:
    """``rows`` with a column as the library takes it: of the dtype ``category``, with the list of the model.

    What is not in the list is missing.
    """
    values = rows[name].astype(object)
    return rows.assign(**{name: pd.Categorical(values.where(values.isin(known)), categories=list(known))})
