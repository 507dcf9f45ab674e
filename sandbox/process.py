"""One service process: started, signalled, stopped, and never left behind (``keeper.py`` says how)."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sandbox.errors import NotRunning, PortTaken, StartFailed

_KEEPER = Path(__file__).with_name("keeper.py")
_LINES = 12
_ERROR = re.compile(r"ERROR|FATAL|Exception|Error\b")


class Process:
    """A service under a keeper.

    Its output is appended to ``log``. ``grace`` is how many seconds it gets to end by itself should the parent die;
    0 means none. ``home``, where given, is removed after such a death. ``hold`` are file descriptors (locks) that
    stay open until the service has ended.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        directory: Path,
        environment: Mapping[str, str],
        grace: float = 0.0,
        home: Path | None = None,
        hold: Sequence[int] = (),
    ) -> None:
        self._log = log
        self._log_from = log.stat().st_size if log.exists() else 0
        self._turn = threading.Lock()
        self._line, keepers_end = socket.socketpair()
        keeper = [sys.executable, "-I", "-S", str(_KEEPER)]
        with keepers_end:
            self._keeper = subprocess.Popen(
                [*keeper, str(os.getpid()), str(grace), str(log), str(home or ""), " ".join(map(str, hold)), *command],
                stdin=keepers_end.fileno(),
                stdout=keepers_end.fileno(),
                cwd=directory,
                env=dict(environment),
                pass_fds=tuple(hold),
                start_new_session=True,  # Ctrl-C in a terminal is for the parent alone, which stops in good order
            )
        self._answers = self._line.makefile("rb")
        self.pid = int(self._answers.readline())

    @property
    def running(self) -> bool:
        """Whether the service has not ended. A frozen one still runs."""
        return self._keeper.poll() is None

    @property
    def returncode(self) -> int | None:
        """The exit code, 128 + the signal's number after a signal, ``None`` while it runs."""
        return self._keeper.poll()

    def signal(self, number: int) -> None:
        """Send a signal to the service and all that it started; returns when it is sent. ``NotRunning`` if ended."""
        with self._turn:
            try:
                self._line.sendall(bytes([number]))
                if self._answers.readline():
                    return
            except (OSError, ValueError):  # closed by the keeper, or by us
                pass
        raise NotRunning(f"process {self.pid} has already ended")

    def stop(self, timeout: float) -> None:
        """Ask it to end (also when it is frozen); kill it after ``timeout`` seconds. Ended already: nothing to do."""
        try:
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGCONT)
            self._keeper.wait(timeout)
        except NotRunning:
            pass
        except subprocess.TimeoutExpired:
            self.kill()
        self._close()

    def kill(self) -> None:
        """SIGKILL. Ended already: nothing to do."""
        with contextlib.suppress(NotRunning):
            self.signal(signal.SIGKILL)
        self._close()

    def freeze(self) -> None:
        """SIGSTOP: it keeps its memory, ports and connections but does nothing."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on where it was frozen."""
        self.signal(signal.SIGCONT)

    def check(self, what: str) -> None:
        """Raise ``StartFailed``, or ``PortTaken`` if that was why, when the service has ended."""
        if self.running:
            return
        kind = PortTaken if any("Address already in use" in line for line in self._lines()) else StartFailed
        raise kind(f"{what} ended with exit code {self.returncode}. {self.log_end()}")

    def log_end(self) -> str:
        """The last lines that this process wrote, and before them the last errors; with the name of the file."""
        lines = list(self._lines())
        errors = [line for line in lines[:-_LINES] if _ERROR.search(line)][-_LINES:]
        shown = [*errors, "...", *lines[-_LINES:]] if errors else lines[-_LINES:]
        return "\n".join([f"The end of its log, {self._log}:", *(f"    {line}" for line in shown)])

    def _lines(self) -> Iterator[str]:
        with self._log.open("rb") as file:
            file.seek(self._log_from)
            yield from (line.decode(errors="replace").rstrip() for line in file)

    def _close(self) -> None:
        self._keeper.wait()
        self._answers.close()
        self._line.close()
