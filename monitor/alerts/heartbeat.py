"""A dead-man switch: an address that is fetched while the monitor works, so that its silence can be noticed."""

from __future__ import annotations

import logging
import threading
import urllib.error
import urllib.request
from http.client import HTTPException

from pydantic import SecretStr

LOGGER = logging.getLogger(__name__)

ANSWER_SECONDS = 10.0


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
        with urllib.request.urlopen(url.get_secret_value(), timeout=ANSWER_SECONDS):  # noqa: S310  # http(s) by the settings
            return ""
    except urllib.error.HTTPError as error:
        return f"it answers {error.code}"
    except (OSError, HTTPException, ValueError) as error:  # some quote the address; a redirection may lead to none
        return type(error.reason if isinstance(error, urllib.error.URLError) else error).__name__
