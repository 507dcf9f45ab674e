"""What goes wrong in a benchmark; apart from ``stage.py``, so that a measured process need not load Kafka for it."""

from __future__ import annotations


class BenchError(Exception):
    """Raised when a benchmark cannot go on, or what it measured is void: what was wrong, and where to look."""
