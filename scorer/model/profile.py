"""The profile of training data: what the monitor measures drift against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from scorer.batch import Bools, Floats
from scorer.model.evidence import CategoryProfile, NumberProfile, Profile
from scorer.model.inputs import Input
from scorer.model.table import Values

PROBABILITIES = (0.0, 0.01, 0.05, *(round(0.1 * tenth, 1) for tenth in range(1, 10)), 0.95, 0.99, 1.0)
"""The shares whose quantiles are kept: deciles, both tails, both ends."""

CATEGORIES = 1_000
"""How many categories of an input are counted one by one; the others are counted together."""


def profile(inputs: Sequence[Input], values: Sequence[Values], scores: Floats) -> Profile:
    """The profile of raw training rows, given as one run of values per input, and their ``scores`` ``(outputs, n)``.

    Missing is what the inputs call missing. Rows whose scores are NaN count for the inputs only.
    """
    rows = scores.shape[1]
    found: dict[str, NumberProfile | CategoryProfile] = {}
    for entry, column in zip(inputs, values, strict=True):
        if isinstance(column, list):
            found[entry.name] = _categories(column)
        else:
            numbers = column[0].astype(np.float64)
            present = column[1] & ~np.isnan(numbers)
            if entry.missing_sentinel is not None:
                present &= numbers != entry.missing_sentinel
            found[entry.name] = NumberProfile(rows - int(present.sum()), quantiles(numbers, present))
    runs = tuple(quantiles(run, ~np.isnan(run)) for run in scores)
    return Profile(rows, PROBABILITIES, found, runs)


def quantiles(numbers: Floats, present: Bools) -> tuple[float, ...]:
    """Values of ``numbers`` that exist, one per share: the smallest that so many do not exceed. Empty where none is."""
    if not present.any():
        return ()
    return tuple(np.quantile(numbers[present], PROBABILITIES, method="inverted_cdf").tolist())


def _categories(column: list[bytes | None]) -> CategoryProfile:
    words = Counter(word for word in column if word is not None)
    ranked = sorted(((word.decode(), count) for word, count in words.items()), key=lambda pair: (-pair[1], pair[0]))
    shown = tuple(ranked[:CATEGORIES])
    missing = len(column) - words.total()
    return CategoryProfile(missing, shown, words.total() - sum(count for _, count in shown))
