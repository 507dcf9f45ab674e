"""Windows of event time: hours, days, weeks from Monday and months, in UTC."""

from __future__ import annotations

import numpy as np

from scorer.batch import Int64s
from scorer.quality.requirement import Window

_UNITS = {"hour": "h", "day": "D", "month": "M"}
_MONDAY = 3
"""Days from a Monday to the first of January 1970, a Thursday."""


def window_of(time: Int64s, window: Window) -> Int64s:
    """The number of the window that each time, in microseconds since 1970, lies in; they count up without gaps."""
    moments = time.view("datetime64[us]")
    if window == "week":
        return (moments.astype("datetime64[D]").astype(np.int64) + _MONDAY) // 7
    return moments.astype(f"datetime64[{_UNITS[window]}]").astype(np.int64)


def name_of(number: int, window: Window) -> str:
    """How people call a window: by its start, as in ``2013-06`` or ``2013-06-03T11``."""
    if window == "week":
        return f"week of {np.datetime64(number * 7 - _MONDAY, 'D')}"
    return str(np.datetime64(number, _UNITS[window]))  # type: ignore[call-overload]  # a unit that is not written out
