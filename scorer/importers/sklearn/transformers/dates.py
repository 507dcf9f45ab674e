"""DateParts: parts of moments."""

from __future__ import annotations

from scorer.importers.parts import Columns, Draft
from scorer.importers.sklearn.dates import DateParts
from scorer.importers.sklearn.transformers.common import numbers
from scorer.model import build_steps


def date_parts(fitted: DateParts, columns: Columns, draft: Draft) -> Columns:
    """All parts of the first column, then those of the next."""
    numbers(fitted, columns, draft)
    found: list[str] = []
    for name in columns:
        for part, wave in fitted.ways():
            made = draft.fresh_all([f"{name} {part}" + (f" {wave}" if wave else "")])
            found += draft.add(build_steps.date([name], made, part, wave or None))
    return tuple(found)
