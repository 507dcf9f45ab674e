"""Verdicts as they are kept, published and read by others, and the names by which requirements are known for good."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from scorer.quality.judge import Judgement
from scorer.quality.metrics import Mode
from scorer.quality.requirement import Requirement, Window

Segment = tuple[str, str]
"""A field and its value."""


def identity(requirement: Requirement) -> str:
    """A name that stays the same while bounds change: metric, parameters, window, mode, segments and season.

    Such as ``precision/threshold=0.4,class="late"/week/once/carrier=["AA","UA"];origin=*/9,10``. Two requirements of
    one file differ in it.
    """
    given = ",".join(f"{key}={_json(value)}" for key, value in requirement.parameters.given().items())
    segments = sorted(f"{one.field}={_json(one.values) if one.values else '*'}" for one in requirement.segments)
    mode, months = requirement.judged.split()[0], map(str, requirement.season)
    name = "/".join([requirement.metric.name, given, requirement.window, mode, ";".join(segments), ",".join(months)])
    return name.rstrip("/")


class Subject(NamedTuple):
    """What a verdict is about, and by what it is known: there is one for each.

    ``requirement`` is its ``identity``, ``number`` that of the window (``scorer.quality.windows``), ``role`` one of
    ``outputs.ROLES``; ``segment`` is ``None`` where all outcomes were judged.
    """

    requirement: str
    number: int
    role: str
    version: str
    segment: Segment | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one requirement says of the outcomes of one window, version and role.

    ``requirement``, ``number``, ``role``, ``version``, ``segment``: see :class:`Subject`. ``metric`` is the metric's
    name, ``name`` that with its parameters. ``begin`` and ``end``: the window, microseconds since 1970, UTC, the end
    exclusive. ``judged`` is the mode.

    ``value`` is the metric of the ``n`` labels known so far, ``None`` where it has none, at most ``error`` away from
    that of the rows (``None``: no bound is known); there are ``predictions`` predictions in all. ``low`` and ``high``
    are the interval on which the verdict rests, infinite where nothing is known: continuous ones of the cohorts that
    have closed, others of the window as it closed. ``provisional``: a cohort of the window is still open, so more will
    come. ``revision``: how often the labels of a closed window have changed since; its verdict and interval stay.

    ``minimum`` and ``maximum`` are what was required, ``guarded`` whether anything follows from it. ``alarms``: how
    often the fast detector of the champion has alarmed in this window, ``level`` how near it is to the next, from 0 to
    1, where there is one. ``time``: the tick at which all this came to be so.
    """

    requirement: str
    metric: str
    name: str
    window: Window
    number: int
    begin: int
    end: int
    role: str
    version: str
    segment: Segment | None
    judged: Mode
    verdict: Judgement
    value: float | None
    error: float | None
    low: float
    high: float
    n: int
    predictions: int
    minimum: float | None
    maximum: float | None
    guarded: bool
    provisional: bool
    revision: int
    reason: str
    time: int
    alarms: int = 0
    level: float | None = None

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return Subject(self.requirement, self.number, self.role, self.version, self.segment)

    def to_json(self) -> str:
        """All of it as one JSON object with the names above; an infinite bound is null, a segment a list of two."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        for bound in ("low", "high"):
            values[bound] = values[bound] if math.isfinite(values[bound]) else None
        return _json(values)

    @staticmethod
    def of_json(text: str) -> Verdict:
        """What :meth:`to_json` gave, with the same bits."""
        values: dict[str, Any] = json.loads(text)
        values["low"] = -math.inf if values["low"] is None else values["low"]
        values["high"] = math.inf if values["high"] is None else values["high"]
        values["segment"] = None if values["segment"] is None else tuple(values["segment"])
        return Verdict(**values)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
