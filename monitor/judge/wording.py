"""Windows, spans, numbers and requirements in words, for those who are woken by them."""

from __future__ import annotations

import math

import numpy as np

from monitor.judge.verdicts import Segment, Verdict
from scorer.quality.requirement import Window

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_SPANS = ((86_400_000_000, "day"), (3_600_000_000, "hour"), (60_000_000, "minute"), (1_000_000, "second"))


def number(value: float) -> str:
    """Four significant digits; ``…`` for what has no bound."""
    return f"{value:.4g}" if math.isfinite(value) else "…"


def interval(low: float, high: float) -> str:
    """``0.605 to 0.619``."""
    return f"{number(low)} to {number(high)}"


def moment(time: int) -> str:
    """``30 June 2013, 14:05 UTC`` of microseconds since 1970."""
    return f"{_day(time)}, {_clock(time)} UTC"


def span(micros: int) -> str:
    """``3 days``, ``90 minutes``: the largest unit of which there are two, rounded down; at least ``0 seconds``."""
    unit, name = next(((unit, name) for unit, name in _SPANS if micros >= 2 * unit), _SPANS[-1])
    count = max(0, micros // unit)
    return f"{count} {name}{'' if count == 1 else 's'}"


def window(kind: Window, begin: int) -> str:
    """``in June 2013``, ``in the week of 3 June 2013``, ``on 3 June 2013``, ``on 3 June 2013 at 14:00 UTC``."""
    if kind == "month":
        return f"in {_day(begin).partition(' ')[2]}"
    if kind == "week":
        return f"in the week of {_day(begin)}"
    return f"on {_day(begin)}" + (f" at {_clock(begin)} UTC" if kind == "hour" else "")


def short(kind: Window, begin: int) -> str:
    """A window as the label of an axis: ``Jun 2013``, ``3 Jun``, ``3 Jun 14:00``."""
    day, month, year = _day(begin).split()
    if kind == "month":
        return f"{month[:3]} {year}"
    return f"{day} {month[:3]}" + (f" {_clock(begin)}" if kind == "hour" else "")


def report(kind: Window, begin: int) -> str:
    """The command for the report of a window; of an hour that of its day."""
    period = "day" if kind == "hour" else kind
    day = str(np.datetime64(begin, "us").astype("datetime64[D]"))
    return f"monitor report --period {period} --of {day[:7] if period == 'month' else day} --html report.html"


def subject(name: str, segment: Segment | None) -> str:
    """``accuracy``, or ``accuracy of origin JFK``."""
    return name if segment is None else f"{name} of {segment[0]} {segment[1]}"


def broken(verdict: Verdict) -> str:
    """``below 0.68`` or ``above 0.2``: the bound beyond which the interval lies, or whatever bound there is."""
    low, high = verdict.minimum, verdict.maximum
    if low is not None and (high is None or verdict.high < low):
        return f"below {number(low)}"
    return "outside of what is required" if high is None else f"above {number(high)}"


def bounds(verdict: Verdict) -> str:
    """``at least 0.68``, ``at most 0.2``, or both."""
    parts = (("at least", verdict.minimum), ("at most", verdict.maximum))
    return " and ".join(f"{words} {number(bound)}" for words, bound in parts if bound is not None)


def _day(time: int) -> str:
    year, month, day = str(np.datetime64(time, "us").astype("datetime64[D]")).split("-")
    return f"{int(day)} {MONTHS[int(month) - 1]} {year}"


def _clock(time: int) -> str:
    return str(np.datetime64(time, "us").astype("datetime64[m]"))[11:]
