"""Delivers letters one at a time in processes of their own, which end in time, whatever a channel does."""

from __future__ import annotations

import subprocess
import sys
import threading

from monitor.alerts.channels import Channel
from monitor.alerts.deliver import order

_LONGEST = 500


class Courier:
    """Runs deliveries to one channel. ``deliver`` and ``close`` may be called from different threads."""

    def __init__(self, channel: Channel, seconds: float) -> None:
        self._channel, self._seconds = channel, seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def deliver(self, payload: bytes) -> str:
        """Send a letter, and wait; why it did not work, without secrets, and "" where it did."""
        with self._lock:
            if self._closed:
                return "closed"
            try:
                self._process = process = subprocess.Popen(
                    [sys.executable, "-m", "monitor.alerts.deliver"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            except OSError as error:  # no memory, no file descriptor
                return f"its process does not start: {error.strerror}"
        try:
            out, err = process.communicate(order(self._channel, payload, self._seconds), self._seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return f"no answer within {self._seconds:g} s"
        if process.returncode == 0:
            return self._short(out)
        return self._short(err.strip().rpartition(b"\n")[2] or b"its process ended with %d" % process.returncode)

    def close(self) -> None:
        """End what is under way; from now on nothing is delivered."""
        with self._lock:
            self._closed = True
            if self._process is not None and self._process.poll() is None:
                self._process.kill()

    def _short(self, text: bytes) -> str:
        return self._channel.masked(text.decode("utf-8", "replace"))[:_LONGEST]
