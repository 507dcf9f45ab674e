"""One thing that cannot be imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that cannot be imported: ``attempt`` raises ``NotImportable``.

    ``group`` is a table of the page; ``why`` a pattern that the reason matches; ``nearest`` part of what works.
    """

    group: str
    why: str
    nearest: str
    attempt: Callable[[], object]
