"""Verdicts and facts for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from monitor.judge.facts import Facts
from monitor.judge.verdicts import Verdict

HOUR = 3_600_000_000
DAY = 24 * HOUR


def at(text: str) -> int:
    """Microseconds since 1970."""
    return int(np.datetime64(text, "us").astype(np.int64))


def verdict(month: str = "2013-06", says: str = "FAIL", **other: Any) -> Verdict:
    """A verdict on accuracy in a month."""
    start = np.datetime64(month, "M")
    values: dict[str, Any] = {
        "requirement": "accuracy//month/once",
        "metric": "accuracy",
        "name": "accuracy",
        "window": "month",
        "number": int(start.astype(np.int64)),
        "begin": at(str(start)),
        "end": at(str(start + 1)),
        "role": "champion",
        "version": "v1",
        "segment": None,
        "judged": "once per closed window",
        "verdict": says,
        "value": 0.612,
        "error": 0.0,
        "low": 0.605,
        "high": 0.619,
        "n": 21_000,
        "predictions": 24_000,
        "minimum": 0.68,
        "maximum": None,
        "guarded": True,
        "provisional": False,
        "revision": 0,
        "reason": "",
        "time": at("2013-07-04"),
    }
    return Verdict(**values | other)


def facts(time: str = "2013-07-04", **other: Any) -> Facts:
    """Facts of the model flights."""
    values: dict[str, Any] = {"time": at(time), "model": "flights", "champion": "v1"}
    return Facts(**values | other)
