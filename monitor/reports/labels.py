"""How many predictions have a label, and how long labels take. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.reports.periods import Span
from monitor.store.tally import EDGES

QUANTILES = (0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class Coverage:
    """A part of a period, provisional while one of its cohorts is open; ``share`` is ``None`` without predictions."""

    name: str
    begin: int
    predictions: int
    labelled: int
    share: float | None
    provisional: bool


@dataclass(frozen=True, slots=True)
class Delay:
    """Labels that took at least ``least`` and less than ``below`` microseconds; ``None``: no such end."""

    least: int | None
    below: int | None
    labels: int


@dataclass(frozen=True, slots=True)
class Labels:
    """Of the champion and trials. ``within`` gives for some shares the time within which so many labels came.

    That is the upper end of a bin, ``None`` where it is the open one, or where there is no label. Labels still to come
    are in none of it.
    """

    predictions: int
    labelled: int
    share: float | None
    parts: tuple[Coverage, ...]
    delays: tuple[Delay, ...]
    within: Mapping[str, int | None]


def labels(
    parts: Sequence[Span],
    covered: Mapping[int, tuple[int, int]],
    delayed: Mapping[int, int],
    closed_before: int,
) -> Labels:
    """``covered`` are predictions and labelled ones by the beginning of an hour, ``delayed`` labels by their bin."""
    found = []
    for part in parts:
        of_part = [both for hour, both in covered.items() if part.begin <= hour < part.end]
        predictions, labelled = (sum(both[place] for both in of_part) for place in (0, 1))
        found.append(
            Coverage(
                part.name, part.begin, predictions, labelled, share(labelled, predictions), part.end > closed_before
            )
        )
    predictions, labelled = sum(one.predictions for one in found), sum(one.labelled for one in found)
    bins = tuple(
        Delay(EDGES[bin_ - 1] if bin_ else None, EDGES[bin_] if bin_ < len(EDGES) else None, delayed.get(bin_, 0))
        for bin_ in range(len(EDGES) + 1)
    )
    within = {f"{quantile:g}": _within(bins, quantile) for quantile in QUANTILES}
    return Labels(predictions, labelled, share(labelled, predictions), tuple(found), bins, within)


def share(part: int, whole: int) -> float | None:
    """``part / whole``; ``None`` of nothing."""
    return part / whole if whole else None


def _within(delays: Sequence[Delay], quantile: float) -> int | None:
    total, below = sum(one.labels for one in delays), 0
    for one in delays:
        below += one.labels
        if total and below >= quantile * total:
            return one.below
    return None
