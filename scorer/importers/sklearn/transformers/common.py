"""What the importers of several families of transformers need."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from scorer.importers.parts import Columns, Draft, Fitted
from scorer.importers.refusal import require
from scorer.model.build import Part


def numbers(fitted: Fitted, columns: Columns, draft: Draft) -> Columns:
    """``columns``, none of which may be text."""
    for name in columns:
        require(
            not draft.is_category(name),
            fitted,
            f"it takes column {name!r}, which is text, as numbers",
            "encode it before (OneHotEncoder, OrdinalEncoder), or turn it into numbers",
        )
    return columns


def each(columns: Columns, draft: Draft, suffix: str, part: Callable[[Sequence[str], Sequence[str]], Part]) -> Columns:
    """Add a step that makes a column of each of ``columns``, named after it."""
    if not columns:
        return columns
    return draft.add(part(columns, draft.fresh_all(f"{name} {suffix}" for name in columns)))
