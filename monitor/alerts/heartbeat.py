"""A dead-man switch: an address that is fetched while the monitor works, so that its silence can be noticed."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading

from pydantic import SecretStr

from monitor.alerts import fetching

LOGGER = logging.getLogger(__name__)


class Heartbeat:
    """Fetches ``url`` every ``seconds``, if ``beat`` was called since. In a thread of its own; nothing waits for it."""

    def __init__(self, url: SecretStr, seconds: float) -> None:
        self._url, self._seconds = url, seconds
        self._beaten, self._closed = threading.Event(), threading.Event()
        self._failing = False
        threading.Thread(target=self._run, name="alerts-heartbeat", daemon=True).start()

    def beat(self) -> None:
        """The monitor makes progress."""
        self._beaten.set()

    def close(self) -> None:
        """Fetch no more."""
        self._closed.set()
        self._beaten.set()

    def _run(self) -> None:
        while True:
            self._beaten.wait()
            if self._closed.is_set():
                return
            self._beaten.clear()
            self._note(fetch(self._url))
            if self._closed.wait(self._seconds):
                return

    def _note(self, error: str) -> None:
        if error and not self._failing:
            LOGGER.warning("the heartbeat's address does not answer as it should: %s", error)
        elif self._failing and not error:
            LOGGER.info("the heartbeat's address answers again")
        self._failing = bool(error)


def fetch(url: SecretStr) -> str:
    """Fetch the address; why it did not work, without the address, which is a secret, and "" where it did."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "monitor.alerts.fetching"],
            input=url.get_secret_value().encode(),
            capture_output=True,
            timeout=fetching.ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {fetching.ANSWER_SECONDS:g} s"
    except OSError as error:  # no memory, no file descriptor
        return f"its process does not start: {error.strerror}"
    return done.stdout.decode() if done.returncode == 0 else f"its process ended with {done.returncode}"
