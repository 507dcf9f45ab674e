"""The thread that follows the pointers, next to the loop that scores."""

from __future__ import annotations

import logging
import random
import threading
import time as clocks
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from scorer.errors import RegistryUnavailable
from scorer.registry import instances
from scorer.registry.current import Current
from scorer.registry.events import EventQueue
from scorer.registry.following import Follower
from scorer.registry.instances import Json
from scorer.registry.keys import check_name
from scorer.registry.waking import Waking

T = TypeVar("T")

LOGGER = logging.getLogger(__name__)

_SHORTEST_PAUSE = 0.02
"""Seconds between two rounds at least, whoever publishes how often."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How this process shows that it is alive: ``report`` is stored under the instance's key every ``seconds``.

    The key expires ``expires`` seconds after the last renewal. ``report`` is called in the watcher's thread.
    """

    instance: str
    report: Callable[[], Mapping[str, Json]]
    seconds: float = 3.0
    expires: float = instances.EXPIRES_SECONDS

    def __post_init__(self) -> None:
        check_name(self.instance, "instance")


class Watcher(Generic[T]):
    """Runs ``follower.poll`` in a daemon thread, every ``poll_seconds`` (give or take 20 %) and when woken.

    The thread never ends silently: ``failure`` is the exception that ended it, for the service to raise. ``jitter``
    gives numbers from 0 to 1, so that a fleet does not poll in step.
    """

    def __init__(
        self,
        follower: Follower[T],
        *,
        poll_seconds: float = 0.5,
        heartbeat: Heartbeat | None = None,
        monotonic: Callable[[], float] = clocks.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.follower = follower
        self.polled = threading.Event()
        self._poll_seconds, self._heartbeat, self._monotonic, self._jitter = poll_seconds, heartbeat, monotonic, jitter
        self._awake, self._stopping = threading.Event(), threading.Event()
        self._waking = Waking(follower.client, follower.keys.wake, self._awake.set)
        self._thread = threading.Thread(target=self._run, name="registry-watcher", daemon=True)
        self._failure: BaseException | None = None
        self._renewed: float | None = None
        self._shown: Current[T] | None = None
        self._renewal_problem: str | None = None
        self._troubles: dict[str, str] = {}

    @property
    def current(self) -> Current[T]:
        """What to score with now. Reading it takes no lock and never waits."""
        return self.follower.current

    @property
    def events(self) -> EventQueue:
        """What happened to the pointers, for the audit topic."""
        return self.follower.events

    @property
    def failure(self) -> BaseException | None:
        """What ended the thread although nobody stopped it."""
        return self._failure or self._waking.failure

    def start(self) -> None:
        """Begin to follow. ``polled`` is set after the first round, whatever came of it."""
        self._thread.start()
        self._waking.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End the thread and remove the instance's key. Returns at the latest after ``seconds``."""
        end = self._monotonic() + seconds
        self._stopping.set()
        self._awake.set()
        self._waking.stop()
        self._thread.join(seconds)
        self._waking.join(max(0.0, end - self._monotonic()))

    def __enter__(self) -> Watcher[T]:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def pause(self) -> float:
        """Seconds until the next round, if nothing wakes the thread before."""
        return self._poll_seconds * (0.8 + 0.4 * self._jitter())

    def wake(self) -> None:
        """Look at the pointers now."""
        self._awake.set()

    def status(self) -> dict[str, Json]:
        """Everything about pointers, versions, refusals and Redis, as plain JSON values."""
        return self.follower.status() | {
            "wake": {"listening": self._waking.listening, "problem": self._waking.problem},
            "instance": {"problem": self._renewal_problem},
            "failure": None if self.failure is None else f"{type(self.failure).__name__}: {self.failure}",
        }

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self.follower.poll()
                self.polled.set()
                self._renew()
                self._tell()
                self._awake.wait(self.pause())
                self._stopping.wait(_SHORTEST_PAUSE)
                self._awake.clear()
            self._remove()
        except BaseException as error:  # noqa: BLE001  # kept for the service, which raises it in the main thread
            self._failure = error

    def _renew(self) -> None:
        """Renew the instance's key when it is time, and at once after a swap, because people wait to see that.

        Not when Redis just failed to answer: waiting for it twice would help nobody.
        """
        beat, now = self._heartbeat, self._monotonic()
        if beat is None or self.follower.away:
            return
        due = self._renewed is None or now - self._renewed >= beat.seconds
        if not due and self._shown is self.follower.current:
            return
        self._renewed, self._shown = now, self.follower.current
        try:
            instances.renew(self.follower.client, self.follower.keys, beat.instance, beat.report(), beat.expires)
            self._renewal_problem = None
        except RegistryUnavailable as error:
            self._renewal_problem = str(error)

    def _tell(self) -> None:
        """Log what is in the way: once when it begins, once when it is over."""
        found = self.follower.troubles()
        if not self.follower.away:  # else these two suffer from the same, and say it again
            found |= {"its key": self._renewal_problem} if self._renewal_problem else {}
            found |= {"wake-ups": self._waking.problem} if self._waking.problem else {}
        for what in sorted(found.keys() - self._troubles.keys()):
            LOGGER.warning("%s: %s", what, found[what])
        for what in sorted(self._troubles.keys() - found.keys()):
            LOGGER.info("%s: all right again", what)
        self._troubles = found

    def _remove(self) -> None:
        if self._heartbeat is None or self._renewed is None or self.follower.away:
            return
        try:
            instances.remove(self.follower.client, self.follower.keys, self._heartbeat.instance)
        except RegistryUnavailable as error:
            self._renewal_problem = str(error)  # the key expires by itself
