"""Dataclasses as what JSON has: the form in which reports and the status are handed on. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TypeAlias

import numpy as np

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

TIMES = frozenset(
    {"begin", "end", "tick", "closed_before", "time", "newest", "arrived", "opened", "reached", "watermark"}
)
"""Fields that hold microseconds since 1970; they are written in ISO 8601."""

_EARLIEST, _LATEST = -62_135_596_800_000_000, 253_402_300_800_000_000
"""The years 1 and 10,000."""


def plain(value: object, name: str = "") -> Json:
    """What ``json.dumps`` takes; numbers that are not finite, and times before all times, are ``None``."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return iso(value) if name in TIMES else value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name), one.name) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def iso(time: int) -> str | None:
    """``2013-06-03T11:00:00Z`` of microseconds; ``None`` for what lies outside the years 1 to 9999."""
    if not _EARLIEST <= time < _LATEST:
        return None
    text = str(np.datetime64(time, "us"))
    return text.removesuffix(".000000") + "Z"
