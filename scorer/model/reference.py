"""The same scores in plain numpy: what the compiled path is held against, step by step and kernel by kernel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scorer.model.model import Model
from scorer.model.ops import MISSING, OUTSIDE
from scorer.model.preparation.prepared import Prepared
from scorer.model.table import Results, Values


def score(model: Model, values: Sequence[Values], rows: int) -> Results:
    """Score ``rows`` raw rows, given as one run of values per input.

    Margins, flags and missing inputs are those of the compiled path bit for bit; probabilities are within two units
    in the last place, because the two take ``exp`` from different libraries.
    """
    prepared = prepare(model, values, rows)
    with np.errstate(all="ignore"):
        scores = model.kernel.reference(prepared)
    scores[:, prepared.missing >= 0] = np.nan
    return Results(scores, prepared.flags, prepared.missing)


def prepare(model: Model, values: Sequence[Values], rows: int) -> Prepared:
    """All columns of ``rows`` raw rows before the kernel, by name: those of the inputs and of every step."""
    missing = np.full(rows, -1, np.int32)
    prepared = Prepared({}, {}, np.zeros(rows, np.uint8), missing, len(model.inputs))
    for position, (entry, column) in enumerate(zip(model.inputs, values, strict=True)):
        if isinstance(column, list):
            prepared.categories[entry.name] = column
            gaps = np.array([word is None for word in column], np.bool_)
            outside = np.zeros(rows, np.bool_)
        else:
            numbers = column[0].astype(np.float64)
            gaps = ~column[1] | np.isnan(numbers)
            if entry.missing_sentinel is not None:
                gaps |= numbers == entry.missing_sentinel
            prepared.numbers[entry.name] = np.where(gaps, np.nan, numbers)
            low, high = model.range_of(entry)
            outside = ~gaps & ((numbers < low) | (numbers > high))
        prepared.flags |= MISSING * gaps.astype(np.uint8) + OUTSIDE * outside.astype(np.uint8)
        if not entry.nullable:
            missing[gaps & (missing < 0)] = position
    with np.errstate(all="ignore"):
        for step in model.steps:
            step.reference(prepared)
    return prepared
