"""What can be wrong with the state file, and what to do about it."""

from __future__ import annotations

from scorer.errors import ScorerError


class StateRefused(ScorerError):
    """Raised at start when the state file cannot be used: a format or layout that is not ours, or a damaged file.
    Nothing was changed. Do what the message says; do not retry."""

    exit_code = 16


class StateHeld(ScorerError):
    """Raised at start when another process has the state file open. Stand by, and try again."""

    exit_code = 17


class SnapshotMissing(ScorerError):
    """Raised when there is no snapshot to read: no monitor has run with these settings. Start one; do not retry."""

    exit_code = 20


class StateLost(ScorerError):
    """Raised while the monitor runs when its state file cannot be read or written any more: the disk is full, or the
    file was moved away. The step under way never happened. Do what the message says, and start again."""

    exit_code = 21
