"""The trial pointer: which share of the live traffic another version gets, and until when.

As JSON, in Redis and in the audit::

    {"id": "more-trees", "version": "v2", "percent": 5, "by": "carrier", "until": "2026-03-01T12:00:00+00:00"}
    {"id": "at-jfk", "version": "v2", "field": "origin", "values": ["JFK"], "until": "2026-03-01T12:00:00Z"}

``until`` is an ISO 8601 time with its offset from UTC. From then on the trial counts as absent.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime

from scorer.errors import SettingsError
from scorer.registry.keys import check_name

_LONGEST_JSON = 65_536
_MOST_VALUES = 1_000
_FIELDS = frozenset({"id", "version", "percent", "field", "values", "by", "until"})


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial. Either ``percent`` (0 < percent <= 100) is set, or ``field`` and ``values``.

    By percent, an event takes part by the hash of (``id``, its value of the field ``by``; the event's key where
    ``by`` is ``None``). By field, it takes part where its ``field`` is one of ``values``. ``until`` is in seconds
    since the epoch. Raises SettingsError where something is missing or contradicts itself.
    """

    id: str
    version: str
    until: float
    percent: float | None = None
    field: str | None = None
    values: tuple[str | int, ...] = ()
    by: str | None = None

    def __post_init__(self) -> None:
        check_name(self.id, "trial")
        check_name(self.version, "version")
        if not math.isfinite(self.until) or not 0 <= self.until < 253_402_300_800:
            raise SettingsError("a trial's until must be a time between 1970 and 9999")
        by_percent, by_field = self.percent is not None, self.field is not None or self.values != ()
        if by_percent == by_field:
            raise SettingsError("a trial needs either percent, or field and values")
        if self.percent is not None and not 0.0 < self.percent <= 100.0:
            raise SettingsError(f"a trial's percent must be above 0 and at most 100, not {self.percent}")
        if by_field and not (self.field and 0 < len(self.values) <= _MOST_VALUES):
            raise SettingsError(f"a trial by field needs the field's name and 1 to {_MOST_VALUES} values")
        if self.by is not None and (by_field or not self.by):
            raise SettingsError("by names the field that is hashed, so it goes with percent only")

    def live(self, now: float) -> bool:
        """Whether the trial is on at ``now``, seconds since the epoch."""
        return now < self.until

    def to_json(self) -> str:
        """The trial as it is stored. ``parse`` reads it back."""
        until = datetime.fromtimestamp(self.until, UTC).isoformat()
        share: dict[str, object] = {"field": self.field, "values": self.values}
        if self.percent is not None:
            share = {"percent": int(self.percent) if self.percent == int(self.percent) else self.percent}
        by = {} if self.by is None else {"by": self.by}
        return json.dumps({"id": self.id, "version": self.version, **share, **by, "until": until}, ensure_ascii=False)


def parse(text: str) -> Trial:
    """Read a trial from JSON. SettingsError says what is wrong with it."""
    if len(text) > _LONGEST_JSON:
        raise SettingsError(f"a trial of {len(text)} characters is too long; {_LONGEST_JSON} are allowed")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise SettingsError("a trial must be JSON") from None
    if not isinstance(fields, dict):
        raise SettingsError("a trial must be a JSON object")
    unknown = sorted(set(fields) - _FIELDS)
    if unknown:
        raise SettingsError(f"a trial has no {', '.join(unknown)[:200]}; it has {', '.join(sorted(_FIELDS))}")
    return Trial(
        id=_text(fields, "id") or "",
        version=_text(fields, "version") or "",
        until=_time(_text(fields, "until")),
        percent=_number(fields.get("percent")),
        field=_text(fields, "field"),
        values=_values(fields.get("values", [])),
        by=_text(fields, "by"),
    )


def _text(fields: dict[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not (isinstance(value, str) and _is_unicode(value)):
        raise SettingsError(f"a trial's {name} must be text")
    return value


def _is_unicode(text: str) -> bool:
    """JSON can escape halves of surrogate pairs, which no UTF-8 has."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingsError("a trial's percent must be a number")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _values(values: object) -> tuple[str | int, ...]:
    if not isinstance(values, list) or not all(map(_is_value, values)):
        raise SettingsError("a trial's values must be a list of texts or whole numbers of 64 bits")
    return tuple(values)


def _is_value(value: object) -> bool:
    if isinstance(value, str):
        return _is_unicode(value)
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _time(text: str | None) -> float:
    problem = "a trial's until must be an ISO 8601 time with its offset from UTC, as in 2026-03-01T12:00:00Z"
    try:
        until = datetime.fromisoformat(text or "")
        if until.tzinfo is None:
            raise SettingsError(problem)
        return until.timestamp()
    except (ValueError, OverflowError):
        raise SettingsError(problem) from None
