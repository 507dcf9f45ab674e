"""Metrics of the service, judged from counts beside the buckets: dead letters among events, predictions that came late.

No labels are needed, so a window can be judged as soon as its cohorts are closed; it is judged once, by
Clopper-Pearson. These shares are of all events together: a dead letter bears no version, and no segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from monitor.stats import fixed
from monitor.stats.closed import Judged
from monitor.stats.figures import Figure
from monitor.stats.verdict import verdict
from scorer.quality.lateness import edge_of
from scorer.quality.metrics import OPERATIONAL
from scorer.quality.requirement import Requirement
from scorer.quality.windows import window_of


@dataclass(frozen=True, slots=True)
class Counted:
    """Whole numbers by the beginning of an hour, in microseconds since 1970, UTC.

    ``predictions`` are those that count, of champion and trials, with labels or without. ``letters`` are dead letters.
    ``latency`` has the predictions by hour and bin of ``scorer.quality.lateness``.
    """

    predictions: Mapping[int, int] = field(default_factory=dict)
    letters: Mapping[int, int] = field(default_factory=dict)
    latency: Mapping[tuple[int, int], int] = field(default_factory=dict)


class Share(NamedTuple):
    """What a requirement says of the window of that number (``scorer.quality.windows``)."""

    requirement: Requirement
    number: int
    judged: Judged


def judge_shares(
    requirements: Iterable[Requirement], counted: Counted, closed_before: int, alpha: float
) -> list[Share]:
    """All requirements of the service on each of their windows that has events and is closed.

    A window is closed where all its hours end at or before ``closed_before``, a whole hour in microseconds. Other
    requirements are passed over, and so are hours out of a requirement's season.
    """
    found = []
    for one in requirements:
        if one.metric.name in OPERATIONAL:
            for number, (hits, n) in sorted(_windows(one, counted, closed_before).items()):
                found.append(Share(one, number, judge_share(one, hits, n, alpha)))
    return found


def judge_share(requirement: Requirement, hits: int, n: int, alpha: float) -> Judged:
    """The verdict where ``hits`` of ``n`` > 0 events count."""
    low, high = fixed.clopper_pearson(hits, n, alpha)
    return Judged(verdict(requirement, low, high, n), Figure(hits / n, 0.0, n), low, high)


def _windows(requirement: Requirement, counted: Counted, closed_before: int) -> dict[int, tuple[int, int]]:
    """What counts and what there is in each closed window."""
    rows = list(_hours(requirement, counted))
    hours = np.array([hour for hour, _, _ in rows], np.int64)
    numbers = window_of(hours, requirement.window)
    still_open = int(window_of(np.array([closed_before], np.int64), requirement.window)[0])
    months = window_of(hours, "month") % 12 + 1
    kept = (numbers < still_open) & (np.isin(months, requirement.season) if requirement.season else True)
    found: dict[int, tuple[int, int]] = {}
    for place in np.flatnonzero(kept).tolist():
        hits, n = found.get(int(numbers[place]), (0, 0))
        found[int(numbers[place])] = hits + rows[place][1], n + rows[place][2]
    return {number: (hits, n) for number, (hits, n) in found.items() if n}


def _hours(requirement: Requirement, counted: Counted) -> Iterable[tuple[int, int, int]]:
    """Hours with what counts and what there is; an hour may come several times."""
    if requirement.metric.name == "dead_letter_share":
        yield from ((hour, n, n) for hour, n in counted.letters.items())
        yield from ((hour, 0, n) for hour, n in counted.predictions.items())
        return
    edge = edge_of(requirement.parameters.within or 0.0)
    if edge is None:
        raise ValueError(f"{requirement.name}: latency is not counted by that")
    yield from ((hour, n if at > edge else 0, n) for (hour, at), n in counted.latency.items())
