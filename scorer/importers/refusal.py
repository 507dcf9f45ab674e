"""What cannot be imported, said alike by all importers."""

from __future__ import annotations

from scorer.errors import NotImportable


def refused(fitted: object, why: str, nearest: str) -> NotImportable:
    """The error for an object of a library: its class, why it cannot be represented, the nearest way that works."""
    return NotImportable(type(fitted).__name__, why, nearest)


def require(condition: bool, fitted: object, why: str, nearest: str) -> None:
    """Raise :func:`refused` unless ``condition`` holds."""
    if not condition:
        raise refused(fitted, why, nearest)
