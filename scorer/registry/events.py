"""What a process did about the pointers, waiting to be written to the audit topic."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["applied", "refused", "superseded"]

CAPACITY = 10_000
"""Events that wait at most. See ``EventQueue``."""


@dataclass(frozen=True, slots=True)
class PointerEvent:
    """One thing that happened to a pointer in this process. Times are in seconds since the epoch.

    ``event`` is ``applied``, ``refused``, or ``superseded``: commanded, but changed again before it took effect.
    ``version`` is what the pointer says; ``None`` where a trial ended. ``digest`` is ``None`` until the manifest was
    read. ``previous`` is the version that was applied before. ``seen`` is when this process first read the pointer.
    ``reason`` is a stable code, a colon and the explanation: why it was refused, or where it came from if not from
    Redis. ``command``, ``actor`` and ``actor_reason`` belong to the command in the audit stream, and are ``None``
    after a bare SET. ``trial`` is the trial's JSON, for trials.
    """

    at: float
    event: Outcome
    pointer: Literal["champion", "trial"]
    version: str | None
    digest: bytes | None
    previous: str | None
    seen: float
    reason: str | None = None
    command: str | None = None
    actor: str | None = None
    actor_reason: str | None = None
    trial: str | None = None


class EventQueue:
    """Events in their order, from the thread that follows the pointers to the loop that writes them.

    It is bounded. While nothing is written (Kafka is away) and more than ``capacity`` events come, the oldest
    superseded or refused ones are dropped first; an applied one is dropped only when nothing else is left. An
    operator would have to flip thousands of times during one outage. ``dropped`` counts, so that it shows.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._events: deque[PointerEvent] = deque()
        self._lock = threading.Lock()
        self.dropped = 0

    def put(self, event: PointerEvent) -> None:
        """Add an event."""
        with self._lock:
            self._events.append(event)
            self._shrink()

    def take(self) -> list[PointerEvent]:
        """All events that wait, oldest first; they wait no longer."""
        with self._lock:
            events = list(self._events)
            self._events.clear()
        return events

    def __len__(self) -> int:
        return len(self._events)

    def _shrink(self) -> None:
        while len(self._events) > self._capacity:
            lesser = next((i for i, event in enumerate(self._events) if event.event != "applied"), 0)
            del self._events[lesser]
            self.dropped += 1
