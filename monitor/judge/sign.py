"""A sign: one reason to alarm somebody, at one tick, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "requirement",
    "falling",
    "challenger",
    "unscored",
    "no labels",
    "no predictions",
    "stale stream",
    "coverage",
    "behind",
    "flip",
    "test",
]
Severity = Literal["WARNING", "ALARM", "FAIL"]
SEVERITIES: tuple[Severity, ...] = ("WARNING", "ALARM", "FAIL")
"""In rising order. ALARM: a fast detector, which is wrong now and then. FAIL: a verdict."""

SHOWN = 24
"""Most windows in a trend."""

LEAST = 100
"""Of fewer predictions or events a share says nothing."""


@dataclass(frozen=True, slots=True)
class Point:
    """One window of a trend; ``label`` names it. Infinite bounds are ``None``."""

    label: str
    value: float
    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Trend:
    """A metric over the last windows, the oldest first, and what is required of it."""

    name: str
    points: tuple[Point, ...]
    minimum: float | None
    maximum: float | None


@dataclass(frozen=True, slots=True)
class Sign:
    """One reason. ``kind`` and ``subject`` say what it is about; there is one for each at a tick.

    ``headline`` is one line, ``text`` says in a few sentences what it means, ``numbers`` are names and values,
    ``advice`` what to do and the command for it (empty where there is none).

    - ``holding``: neither a reason to alarm nor to call it over, as evidence in the middle is.
    - ``over``: no reason; the words are those for the end of an incident.
    - ``opens``: false for what lies so long back, or is told otherwise, that nobody is to be woken for it.
    - ``window``: the number of the window it rests on, 0 for others.
    - ``detector``, ``alarms``: of a fast detector, its name and how often it has alarmed. Such a sign counts at the
      tick at which the number has risen, and at no other.
    """

    kind: Kind
    subject: str
    severity: Severity
    headline: str
    text: str = ""
    numbers: tuple[tuple[str, str], ...] = ()
    advice: tuple[tuple[str, str], ...] = ()
    trend: Trend | None = None
    holding: bool = False
    over: bool = False
    opens: bool = True
    window: int = 0
    alarms: int = 0
    detector: str = ""

    @property
    def key(self) -> str:
        """Kind and subject."""
        return f"{self.kind}/{self.subject}" if self.subject else self.kind
