"""Every error that the scorer raises, and what to do when it happens.

::

    ScorerError
    ├── SettingsError           the settings or the environment are wrong           stop
    ├── SchemaError             a schema cannot be read, or lacks what is needed    stop
    ├── VersionRefused          a version fails a check                             keep the last good one
    ├── NotImportable           a library's model cannot be represented exactly     do what the message says
    ├── RegressionFailed        a version does not pass its regression test         mend version or cases
    ├── RowsNotScored           rows of a file cannot be scored                     read why beside each
    ├── RegistryUnavailable     Redis cannot be reached or answers nonsense         retry
    ├── RegistryConflict        a pointer or version is not what was expected       tell the person
    └── StreamError
        ├── TransactionFailed   the transaction cannot commit                       abort, rewind, begin anew
        │   └── ProducerLost    and its producer is beyond repair                   the same, with a new producer
        ├── Fenced              another process runs under the same name            stop, never restart
        ├── OffsetsLost         committed offsets point at deleted events           stop, never restart
        ├── TooManyDeadLetters  most of the latest events cannot be scored          stop, never restart
        └── StreamBroken        anything else the client reports as final           stop, restart

A message says what was wrong, where, and what to do about it.
"""

from __future__ import annotations

STUCK = 11
"""The exit code of a process that did not leave in time."""

HUNG = 12
"""The exit code of a process whose Kafka client does not return from a call."""


class ScorerError(Exception):
    """The root of all errors of this project. ``exit_code`` is what a command ends with."""

    exit_code = 1


class SettingsError(ScorerError):
    """Raised at start when settings, environment or command-line values are wrong. Fix them; do not retry."""

    exit_code = 2


class SchemaError(ScorerError):
    """Raised at start when a schema is malformed, not supported, or lacks a field that is needed. Do not retry."""

    exit_code = 3


class VersionRefused(ScorerError):
    """Raised when a version fails a check: bytes, schema, shapes, numbers, golden rows. The last good one stays.

    ``reason`` is a short stable code (``"digest"``, ``"tensors"``, ``"golden"`` …) for metrics and audit. The message
    may quote what was refused, which is megabytes long at worst, and goes into the audit topic, whose records may not
    be: it is cut after ``LONGEST`` characters.
    """

    exit_code = 4
    LONGEST = 2_000

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message if len(message) <= self.LONGEST else f"{message[: self.LONGEST - 1]}…")
        self.reason = reason


class NotImportable(ScorerError):
    """Raised when a training library's model cannot become a version that scores to the same numbers.

    ``what`` is the part of it, ``why`` the exact reason, ``nearest`` the nearest way that works.
    """

    exit_code = 13

    def __init__(self, what: str, why: str, nearest: str) -> None:
        super().__init__(f"{what} cannot be imported: {why}; {nearest}")
        self.what, self.why, self.nearest = what, why, nearest


class RegressionFailed(ScorerError):
    """Raised when a version does not pass its regression test: cases are missing, malformed or differ, or a requirement
    is not met on the labelled sample. Mend the version, or the cases where the world has changed."""

    exit_code = 14


class RowsNotScored(ScorerError):
    """Raised when a file is scored and written, but some of its rows could not be: each has its reason beside it."""

    exit_code = 15


class RegistryUnavailable(ScorerError):
    """Raised when Redis cannot be reached in time or answers something impossible. Retry; scoring goes on."""

    exit_code = 5


class RegistryConflict(ScorerError):
    """Raised when a pointer or version in Redis is not what the caller expected. Nothing was changed."""

    exit_code = 6


class StreamError(ScorerError):
    """The root of what can go wrong between the scorer and Kafka. ``restart`` tells the supervisor what to do."""

    exit_code = 7
    restart = True


class TransactionFailed(StreamError):
    """Raised when the open transaction can only be aborted. Abort, rewind to the committed offsets, go on."""


class ProducerLost(TransactionFailed):
    """Raised when the producer is in a fatal state. It is replaced in the course of aborting and rewinding."""


class Fenced(StreamError):
    """Raised when another process uses the same ``instance`` and slot. Restarting would only fence that one."""

    exit_code = 8
    restart = False


class OffsetsLost(StreamError):
    """Raised when committed offsets lie outside what the topic still holds: events were deleted unscored."""

    exit_code = 9
    restart = False


class TooManyDeadLetters(StreamError):
    """Raised before a commit when dead letters exceed their allowed share. Nothing of that transaction counts."""

    exit_code = 10
    restart = False


class StreamBroken(StreamError):
    """Raised when the Kafka client reports an error that neither waiting nor a new producer can mend."""
