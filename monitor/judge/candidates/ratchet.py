"""The ratchet: what a new champion has shown becomes what is required, less a margin, and never less than before."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from monitor.judge.candidates.register import MONITOR
from monitor.judge.floors import Floors
from monitor.judge.verdicts import Verdict
from scorer.quality.requirement import Requirement

STEP = 1e-4
"""Bounds are rounded to whole steps, towards what asks for less: a person is to read them."""


def tightened(
    floors: Floors, verdicts: Iterable[Verdict], margins: Mapping[str, float], version: str, time: int
) -> Floors:
    """With the floor of each guarded requirement, of a metric that ``margins`` names, at the bound of the newest closed
    window that PASSes, less the margin.

    ``verdicts`` are those on the own outcomes of ``version``, before it was the champion. Of a requirement of segments
    the worst one counts. ``time`` is the tick, microseconds since 1970.
    """
    newest: dict[str, list[Verdict]] = {}
    for one in verdicts:
        if one.version != version or one.role == "champion" or one.provisional:
            continue
        held = newest.setdefault(one.requirement, [one])
        if one.number > held[0].number:
            newest[one.requirement] = [one]
        elif one.number == held[0].number and one is not held[0]:
            held.append(one)
    for name, found in newest.items():
        floor = floors.of.get(name)
        margin = None if floor is None else margins.get(floor.requirement.metric.name)
        if floor is None or margin is None or floor.dropped or not floor.requirement.guarded:
            continue
        if all(one.verdict == "PASS" for one in found):
            to = _bound(floor.requirement, found, margin)
            floors = floors.tighten(name, to, time, MONITOR, f"{version} has shown it, less {margin:g}")
    return floors


def _bound(asked: Requirement, found: Iterable[Verdict], margin: float) -> Requirement:
    verdicts = list(found)
    low, high = min(one.low for one in verdicts) - margin, max(one.high for one in verdicts) + margin
    minimum, maximum = asked.minimum, asked.maximum
    if minimum is not None and math.isfinite(low):
        minimum = max(minimum, round(math.floor(round(low / STEP, 6)) * STEP, 4))
    if maximum is not None and math.isfinite(high):
        maximum = min(maximum, round(math.ceil(round(high / STEP, 6)) * STEP, 4))
    return replace(asked, minimum=minimum, maximum=maximum)
