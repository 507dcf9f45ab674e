"""PolynomialFeatures."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.preprocessing import PolynomialFeatures

from scorer.importers.parts import Columns, Draft
from scorer.importers.refusal import require
from scorer.importers.sklearn.transformers.common import numbers
from scorer.model import build_steps
from scorer.model.preparation.polynomial import HIGHEST


def polynomial(fitted: PolynomialFeatures, columns: Columns, draft: Draft) -> Columns:
    """Products of powers of the columns."""
    numbers(fitted, columns, draft)
    powers = fitted.powers_
    require(
        int(powers.sum(axis=1).max(initial=0)) <= HIGHEST,
        fitted,
        f"its degree is above {HIGHEST}",
        "use a lower degree",
    )
    made = draft.fresh_all(_title(columns, row) for row in powers.tolist())
    return draft.add(build_steps.polynomial(columns, made, powers))


def _title(columns: Columns, powers: Sequence[int]) -> str:
    factors = [name if power == 1 else f"{name}^{power}" for name, power in zip(columns, powers, strict=True) if power]
    return " ".join(factors) or "1"
