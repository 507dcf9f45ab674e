"""Starts one service and sees to it that the service never outlives the process that asked for it.

Runs as a small process of its own, between that parent and the service; it needs only the standard library::

    python -I -S keeper.py PARENT GRACE LOG HOME HOLD COMMAND...

Standard input and output are one line to the parent. Each byte that comes in is a signal number for the service's
process group, answered by a line of text; the first line that goes out is the service's process id. When the line is
closed or the parent is gone, the service is told to end and after GRACE seconds is killed, and the directory HOME
(if not empty) is removed. When the service ends, the keeper ends with its exit code, or 128 + the number of the
signal that ended it. HOLD are file descriptors (locks) that stay open as long as the keeper runs.

A closed line alone would do, were it not that a parent may fork: its child then holds the line open after the
parent's death. So the keeper also looks every second whether it still has the same parent.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import time

_LOOK = 1.0
_WAKES = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main() -> int:
    """Keep one service; returns what the keeper should exit with."""
    parent, grace, log, home, hold, *command = sys.argv[1:]
    wake, wake_end = os.pipe()
    for end in (wake, wake_end):
        os.set_blocking(end, False)
    for number in _WAKES:
        signal.signal(number, _noted)
    signal.set_wakeup_fd(wake_end)
    for lock in hold.split():
        os.set_inheritable(int(lock), False)  # it is the keeper's, not the service's

    service = _start(command, log)
    _tell(b"%d\n" % service)
    code = _watch(service, int(parent), wake)
    abandoned = code is None
    if code is None:
        code = _end(service, float(grace), wake)
    _signal(service, signal.SIGKILL)  # what it started may still be there
    if abandoned and home:
        shutil.rmtree(home, ignore_errors=True)
    return code


def _noted(_number: int, _frame: object) -> None:
    """Signals only wake the loop, through the wake-up pipe."""


def _start(command: list[str], log: str) -> int:
    """Run the service in a process group of its own, its output appended to the log; returns its process id.

    It returns when the service's program runs: a signal sent before that would meet the handlers of this one.
    """
    libc = None
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415  # slow to import

        libc = ctypes.CDLL(None)
    keeper = os.getpid()
    running, running_end = os.pipe()  # closes by itself when the other program takes over
    service = os.fork()
    if service:
        os.close(running_end)
        os.read(running, 1)
        os.close(running)
        return service
    try:
        signal.set_wakeup_fd(-1)
        os.setpgid(0, 0)
        if libc is not None:
            libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: should the keeper itself be killed
            if os.getppid() != keeper:
                os._exit(1)
        for number in (*_WAKES, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.execvp(command[0], command)  # noqa: S606  # started from a list, as everywhere
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error}\n".encode())
    finally:
        os._exit(127)


def _watch(service: int, parent: int, wake: int) -> int | None:
    """Pass signals on until the service ends (its exit code) or the parent is gone (``None``)."""
    while True:
        ready, _, _ = select.select([0, wake], [], [], _LOOK)
        if (code := _ended(service)) is not None:
            return code
        if wake in ready and any(number != signal.SIGCHLD for number in os.read(wake, 64)):
            return None
        if 0 in ready:
            numbers = os.read(0, 64)
            if not numbers:
                return None
            for number in numbers:
                _signal(service, number)
                _tell(b"sent\n")
        if os.getppid() != parent:
            return None


def _end(service: int, grace: float, wake: int) -> int:
    """Stop the service: politely, and after ``grace`` seconds by force."""
    deadline = time.monotonic() + grace
    if grace:
        _signal(service, signal.SIGTERM)
        _signal(service, signal.SIGCONT)
    while (left := deadline - time.monotonic()) > 0:
        select.select([wake], [], [], left)
        with contextlib.suppress(BlockingIOError):
            os.read(wake, 64)
        if (code := _ended(service)) is not None:
            return code
    _signal(service, signal.SIGKILL)
    return _code(os.waitpid(service, 0)[1])


def _ended(service: int) -> int | None:
    done, status = os.waitpid(service, os.WNOHANG)
    return _code(status) if done else None


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _tell(line: bytes) -> None:
    """To the parent. Should it be gone, the closed pipe on the other side says so next."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, line)


def _signal(service: int, number: int) -> None:
    """To the whole process group. That it no longer exists, or consists of the dead only (macOS), is no matter."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(service, number)


if __name__ == "__main__":
    sys.exit(main())
