"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scorer.errors import ScorerError

Status = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``scorer check``: what was looked at, what was found, and ``advice`` on what to do about it.

    A warning is something that works but that somebody should know. ``exit_code`` is that of the error that the
    scorer would end with; it counts where the check failed.
    """

    name: str
    status: Status
    text: str
    advice: str = ""
    exit_code: int = ScorerError.exit_code


def failed(name: str, error: ScorerError) -> Finding:
    """The finding that an error is. Its message says what to do."""
    return Finding(name, "failed", str(error), exit_code=error.exit_code)
