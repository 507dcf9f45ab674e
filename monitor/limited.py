"""Runs a command that may take so much memory, is in nobody's way, and ends with whoever has begun it.

``python -m monitor.limited BYTES PARENT command …``: for what a running monitor has examined beside its own work.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_NICE = 10


def main(arguments: list[str]) -> None:
    """Become the command."""
    size, parent, *command = arguments
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_AS, (int(size), int(size)))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit("the monitor is gone")
    os.execv(command[0], command)  # noqa: S606  # as the monitor has said it


if __name__ == "__main__":
    main(sys.argv[1:])
