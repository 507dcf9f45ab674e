"""What can go wrong in the sandbox, and what to do about it.

::

    SandboxError
    ├── Unavailable      this machine cannot run the services, or cannot get them      read the message
    ├── Corrupt          a file is not the one that was pinned; it has been deleted     fetch again
    ├── InUse            another sandbox keeps its data in the same directory           stop that one
    ├── NotRunning       a service that should be stopped, frozen … has already ended   the caller's mistake
    └── StartFailed      a service did not answer in time, or ended                     read the end of its log
        └── PortTaken    … because another program took its port first                  try other ports
"""

from __future__ import annotations


class SandboxError(Exception):
    """The root of all errors of the sandbox."""


class Unavailable(SandboxError):
    """Raised when this machine has no Java, Kafka or Valkey to run and cannot get them. Nothing else is wrong."""


class Corrupt(SandboxError):
    """Raised when a file differs from its pinned sha256. The file is already deleted."""


class InUse(SandboxError):
    """Raised when a data directory belongs to a sandbox that still runs."""


class NotRunning(SandboxError):
    """Raised when a signal is meant for a service that has ended."""


class StartFailed(SandboxError):
    """Raised when a service ends before it answers, or does not answer in time. Shows the end of its log."""


class PortTaken(StartFailed):
    """Raised when a service could not have its port."""
