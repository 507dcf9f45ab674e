"""Whether the monitor lives, and whether it does its work: what /health and /ready say."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Literal

from scorer.registry.instances import Json

Obstacle = Literal["lease", "topics", "champion", "reading", "sending", "snapshot", "requirements"]
"""What may keep it from its work: another monitor is at work; topics are missing; there is no champion; it has not yet
read what was there when it started; what is to go out does not; what others are to see is not written."""

SILENT_SECONDS = 30.0
"""A loop that has made no step for so long hangs."""


class Condition:
    """Written by the loop, read by the thread that answers. ``clock`` is a steady one, in seconds.

    A monitor that stands by is healthy and not ready: it must not be restarted, and nobody should rely on it.
    """

    def __init__(self, silent_seconds: float = SILENT_SECONDS, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._silent_seconds, self._clock = silent_seconds, clock
        self._moved = clock()
        self._obstacles: dict[Obstacle, str] = {
            "lease": "the lease was not asked for yet",
            "topics": "the topics were not looked for yet",
            "champion": "the pointers were not read yet",
            "reading": "it has not yet read what was there when it started",
        }
        self._facts: Mapping[str, Json] = {}

    def moved(self) -> None:
        """The loop has gone round once more, be it that it only stands by."""
        self._moved = self._clock()

    def obstacle(self, name: Obstacle, why: str) -> None:
        """Note what keeps the monitor from its work; empty: nothing of that kind does."""
        others = {other: text for other, text in self._obstacles.items() if other != name}
        self._obstacles = others | ({name: why} if why else {})

    def tell(self, facts: Mapping[str, Json]) -> None:
        """Show these facts beside, too."""
        self._facts = facts

    @property
    def obstacles(self) -> Mapping[Obstacle, str]:
        """What is in the way now."""
        return self._obstacles

    def health(self) -> tuple[bool, dict[str, object]]:
        """Whether the loop goes round; restart the process where it does not."""
        seconds = max(0.0, self._clock() - self._moved)
        return seconds <= self._silent_seconds, {"seconds_without_step": round(seconds, 3)}

    def ready(self) -> tuple[bool, dict[str, object]]:
        """Whether nothing keeps the monitor from its work, and what does."""
        obstacles = self._obstacles
        return not obstacles, {"not_ready": list(obstacles.values()), **self._facts}
