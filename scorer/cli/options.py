"""Options that several commands share, and how durations and times are written."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from scorer.errors import SettingsError

Actor = Annotated[str | None, typer.Option("--actor", help="Who gives the command, for the audit. Default: user@host.")]
Reason = Annotated[str, typer.Option(help="Why, for the audit.")]
Wait = Annotated[
    float,
    typer.Option(min=0.0, max=3600.0, help="Wait up to so many seconds until every running scorer has applied it."),
]

WAIT_SECONDS = 5.0
COEFFICIENTS = Path("coefficients")
"""Where versions lie as files: ``MODEL/VERSION`` below it."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)(ms|s|m|h|d|w)")


def duration(text: str, option: str) -> float:
    """Seconds, more than 0, from ``2h``, ``90s``, ``1d12h``. Raises SettingsError that names the option."""
    parts = _PART.findall(text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if not seconds or "".join(number + unit for number, unit in parts) != text:
        raise SettingsError(
            f"{option} {text!r} is no duration: write numbers with ms, s, m, h, d or w, as in 2h or 1d12h"
        )
    return seconds


def moment(text: str, option: str, now: float) -> float:
    """Seconds since the epoch from a duration before ``now``, or from an ISO 8601 time (UTC unless it says otherwise).

    Raises SettingsError that names the option.
    """
    if _PART.match(text) and not re.match(r"[0-9]{4}-", text):
        return now - duration(text, option)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(
            f"{option} {text!r} is no time: write how long ago, as in 2h, or a time, as in 2026-03-01T12:00:00Z"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
