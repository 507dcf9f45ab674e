"""How much memory a process has had."""

from __future__ import annotations

import resource
import sys


def peak_resident_bytes() -> float:
    """The most memory that this process has had, in bytes; macOS counts in bytes, Linux in kilobytes."""
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
