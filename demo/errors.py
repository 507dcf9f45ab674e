"""What ends the demo before its end."""

from __future__ import annotations


class DemoError(Exception):
    """Raised when the demo cannot go on: what failed, and where to look."""
