"""Takes letters from the outbox to the channels, each in a thread of its own, and says which are through.

Nothing here waits for a channel: the loop offers what is in the outbox and strikes out what is done. What is not done
stays in the outbox, so a restart goes on with it. A letter that was delivered just before a kill goes out again, with
the same Message-ID.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from monitor.alerts.channels import Channel, channels
from monitor.alerts.heartbeat import Heartbeat
from monitor.alerts.post import Courier
from monitor.judge.incident import Letter
from monitor.settings import Alerts
from monitor.store import outbox

LOGGER = logging.getLogger(__name__)

WAITING = 1_000
"""Most letters of a channel in memory; the others wait in the outbox."""

PAUSE = 5.0
LONGEST_PAUSE = 900.0
"""Seconds from a failure to the next attempt: the first, doubled with each failure in a row, and the longest."""

_DAY = 86_400.0
_LEAVE = 2.0
_ASK = 0.1


@dataclass(frozen=True, slots=True)
class Standing:
    """How a channel does since the start. ``error`` is what it said last, "" once a letter has gone through."""

    name: str
    label: str
    waiting: int
    sent: int
    failures: int
    given_up: int
    error: str


class Dispatcher:
    """For one thread, which no method holds up. Starts a thread for each channel; ``close`` ends them.

    ``pause`` is the first pause after a failure, in seconds. ``allowed`` is asked before every delivery: what was
    offered by a process that was frozen meanwhile may be another one's to send. While it says no, letters wait.
    """

    def __init__(self, alerts: Alerts, pause: float = PAUSE, *, allowed: Callable[[], bool] = lambda: True) -> None:
        self.channels = channels(alerts)
        self._lines = {
            channel.name: _Line(channel, alerts.timeout_seconds, alerts.give_up_days * _DAY, pause, allowed)
            for channel in self.channels
        }
        self._unknown: set[str] = set()
        self._heartbeat = (
            None if alerts.heartbeat_url is None else Heartbeat(alerts.heartbeat_url, alerts.heartbeat_seconds)
        )

    def offer(self, letters: Iterable[outbox.Letter]) -> None:
        """All that the outbox holds of kind ``mail``, named as by ``channels.addressed``; call it again and again."""
        by_channel: dict[str, list[outbox.Letter]] = {name: [] for name in self._lines}
        self._unknown.clear()
        for letter in letters:
            name = letter.id.rpartition("@")[2]
            if name in by_channel:
                by_channel[name].append(letter)
            else:
                LOGGER.warning("an alarm to %s is dropped: the settings name no such channel any more", name)
                self._unknown.add(letter.id)
        for name, some in by_channel.items():
            self._lines[name].offer(some)

    def done(self) -> list[str]:
        """The ids to be struck out: delivered, given up, or to a channel that is gone. Until they are struck out, and
        so no longer offered, they are told again."""
        return sorted(self._unknown.union(*(line.done() for line in self._lines.values())))

    def beat(self) -> None:
        """The loop makes progress: now and then the heartbeat's address may be fetched."""
        if self._heartbeat is not None:
            self._heartbeat.beat()

    def standings(self) -> list[Standing]:
        """How the channels do."""
        return [line.standing() for line in self._lines.values()]

    def close(self) -> None:
        """End threads and what is under way; within 2 seconds, whatever the channels do."""
        if self._heartbeat is not None:
            self._heartbeat.close()
        for line in self._lines.values():
            line.close()
        deadline = time.monotonic() + _LEAVE
        for line in self._lines.values():
            line.join(max(0.0, deadline - time.monotonic()))


class _Line:
    """One channel, its letters, and the thread that takes them there."""

    def __init__(
        self, channel: Channel, seconds: float, give_up: float, pause: float, allowed: Callable[[], bool]
    ) -> None:
        self._channel, self._give_up, self._pause, self._allowed = channel, give_up, pause, allowed
        self._courier = Courier(channel, seconds)
        self._changed = threading.Condition()
        self._waiting: OrderedDict[str, bytes] = OrderedDict()
        self._done: set[str] = set()
        self._closed = False
        self._sent = self._failures = self._in_a_row = self._dropped = 0
        self._error = ""
        self._thread = threading.Thread(target=self._run, name=f"alerts-{channel.name}", daemon=True)
        self._thread.start()

    def offer(self, letters: list[outbox.Letter]) -> None:
        with self._changed:
            self._done &= {letter.id for letter in letters}
            for letter in letters:
                if len(self._waiting) >= WAITING:
                    break
                if letter.id not in self._done:
                    self._waiting.setdefault(letter.id, letter.payload)
            self._changed.notify()

    def done(self) -> set[str]:
        with self._changed:
            return set(self._done)

    def standing(self) -> Standing:
        with self._changed:
            counts = (len(self._waiting), self._sent, self._failures, self._dropped)
            return Standing(self._channel.name, self._channel.label, *counts, self._error)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._courier.close()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        while (letter := self._next()) is not None:
            name, payload = letter
            if not self._allowed():
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, _ASK)
                continue
            error = self._courier.deliver(payload)
            with self._changed:
                if self._closed:
                    return
                self._note(name, payload, error)
                if error:
                    self._changed.wait_for(lambda: self._closed, self._next_pause())

    def _next(self) -> tuple[str, bytes] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._waiting))
            return None if self._closed else next(iter(self._waiting.items()))

    def _next_pause(self) -> float:
        return min(self._pause * 2.0 ** min(self._in_a_row - 1, 30), LONGEST_PAUSE)

    def _note(self, name: str, payload: bytes, error: str) -> None:
        """What became of an attempt."""
        self._error = error
        if not error:
            self._sent += 1
            self._in_a_row = 0
            self._finish(name)
            return
        self._failures += 1
        self._in_a_row += 1
        label = self._channel.label
        if time.time() - Letter.of_json(payload).time / 1e6 > self._give_up:
            self._dropped += 1
            LOGGER.error("%s: alarm %s is given up: %s", label, name, error)
            self._finish(name)
        else:
            LOGGER.warning("%s: alarm %s did not go through, and will be tried again: %s", label, name, error)
            self._waiting.move_to_end(name)  # the next attempt is for the next one: the fault may lie in this one

    def _finish(self, name: str) -> None:
        del self._waiting[name]
        self._done.add(name)
