"""Days, weeks and months of event time, in UTC: which one a report is about, and when one is due. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from monitor.judge.windows import bounds
from scorer.errors import SettingsError
from scorer.quality.requirement import Window
from scorer.quality.windows import name_of, window_of

Period: TypeAlias = Literal["day", "week", "month"]

PERIODS: Final[tuple[Period, ...]] = ("day", "week", "month")

PARTS: Final[dict[Window, Window]] = {"day": "hour", "week": "day", "month": "day"}
"""Into what a trend divides each period."""

MOST = 3
"""So many reports are made up for after a pause; who wants older ones asks for them."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A window by its number (``scorer.quality.windows``): from ``begin`` up to ``end``, microseconds since 1970."""

    window: Window
    number: int

    @property
    def begin(self) -> int:
        """Its first microsecond."""
        return bounds(self.number, self.window)[0]

    @property
    def end(self) -> int:
        """The first microsecond after it."""
        return bounds(self.number, self.window)[1]

    @property
    def name(self) -> str:
        """As in ``2013-06-03``, ``week of 2013-06-03`` or ``2013-06``."""
        return name_of(self.number, self.window)

    @property
    def key(self) -> str:
        """Its first day, or month: a name for files."""
        return self.name.removeprefix("week of ")

    @property
    def before(self) -> Span:
        """The one before."""
        return Span(self.window, self.number - 1)

    def parts(self, window: Window) -> Iterator[Span]:
        """The shorter windows that it consists of."""
        first, last = (_number(time, window) for time in (self.begin, self.end - 1))
        return (Span(window, number) for number in range(first, last + 1))


def at(time: int, window: Window) -> Span:
    """The window that a time lies in."""
    return Span(window, _number(time, window))


def latest(period: Period, closed_before: int) -> Span:
    """The latest period of which all cohorts are closed."""
    return at(closed_before, period).before


def due(period: Period, last: Span | None, closed_before: int, most: int = MOST) -> list[Span]:
    """The periods after ``last`` of which all cohorts are closed, oldest first; of many, the ``most`` latest.

    ``closed_before`` is what ``store.cohorts.closed_before`` says at a tick: so a report is due once its labels can be
    judged, whenever the process runs. Without a ``last`` the latest alone is due.
    """
    newest = latest(period, closed_before)
    first = newest.number if last is None else max(last.number + 1, newest.number - most + 1)
    return [Span(period, number) for number in range(first, newest.number + 1)]


def parse(period: Period, text: str) -> Span:
    """The period that a date lies in: ``2013-06-03``, or ``2013-06`` for a month. Raises SettingsError."""
    refused = SettingsError(f"{text!r} is no date; write 2013-06-03, or 2013-06 for a month")
    if not _DATE.fullmatch(text):  # numpy would take "now", too
        raise refused
    try:
        time = np.datetime64(text, "us")
    except ValueError:
        raise refused from None
    return at(int(time.astype(np.int64)), period)


def moment(time: int) -> str:
    """A time in microseconds, as in ``2013-06-03 11:00``, in UTC."""
    return str(np.datetime64(time, "us").astype("datetime64[m]")).replace("T", " ")


def _number(time: int, window: Window) -> int:
    return int(window_of(np.array([time], np.int64), window)[0])
