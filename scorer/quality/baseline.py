"""The first requirements of a model: what a version reaches on a corpus, and a margin."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from scorer.quality.judge import measured
from scorer.quality.metrics import CONTINUOUSLY, METRICS, ONCE, Metric, Mode
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Baseline, Requirement, Window
from scorer.quality.table import Table
from scorer.quality.undefined import Undefined
from scorer.quality.windows import name_of, window_of

_CLIP = 1e-6
_DIGITS = 4

_OF_TWO = ("accuracy", "precision", "recall", "auc")
_WANTED = {
    ("binary", "probability"): (*_OF_TWO, "brier", "log_loss"),
    ("binary", "margin"): _OF_TWO,
    ("multiclass", "probability"): ("accuracy", "balanced_accuracy", "brier", "log_loss"),
    ("multiclass", "margin"): ("accuracy", "balanced_accuracy"),
    ("regression", "probability"): ("mae", "rmse", "r2"),
}
"""What is asked of each kind of output, until a person knows better."""


_LOCAL = ("auc",)
"""Judged continuously, it is about neighbours in time, which is not what is measured on a corpus."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where numbers come from: the version, and the name, digest and day of the data."""

    version: str
    data: str
    sha256: str
    date: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """Requirements, and for every other metric why there is none."""

    requirements: tuple[Requirement, ...]
    left_out: dict[str, str]


def propose(
    table: Table, source: Source, window: Window, least_labels: int, margin: float, season: tuple[int, ...] = ()
) -> Proposal:
    """Requirements that the version meets on ``table``, for every metric that fits its outputs.

    The bound is the value in the worst window, or of all rows where there are no event times or no window has
    ``least_labels``; and from there so far off that the loss, the distance to a perfect value, is larger by the share
    ``margin``. It is rounded outward to four digits. A metric is judged continuously where that is about the same
    thing. With a ``season``, months from 1 to 12, only these are looked at and required of. Raises ``ValueError`` where
    there are no event times then.
    """
    usable = table.take(table.labelled & table.valid)
    if season:
        if usable.months is None:
            raise ValueError("a season needs the event times of the rows")
        usable = usable.take(np.isin(usable.months, season))
    windows = [] if usable.time is None else list(_windows(usable, window, least_labels))
    found, left_out = [], {}
    for name in _WANTED[table.kind, table.scale]:
        metric = METRICS[name]
        continuous = metric.continuous is not None and not metric.continuous_needs and name not in _LOCAL
        parameters = Parameters(clip=_CLIP if "clip" in metric.needs else None)
        mode: Mode = CONTINUOUSLY if continuous else ONCE
        draft = Requirement(metric, parameters, window, mode, least_labels, season=season)
        try:
            value = measured(draft, usable)
        except Undefined as why:
            left_out[name] = f"it is undefined on the corpus: {why}"
            continue
        worst, worst_window = _worst(draft, windows)
        bound = _loosened(metric, parameters, table, value if worst is None else worst, margin)
        low, high = metric.range(parameters, table.kind)
        if bound == (low if metric.better == "larger" else high):
            left_out[name] = f"every model keeps {bound:g}, where the margin would put the bound; choose one yourself"
            continue
        base = Baseline(
            value,
            source.version,
            source.data,
            source.date,
            len(usable),
            source.sha256,
            worst,
            worst_window,
            margin,
        )
        floor, ceiling = (bound, None) if metric.better == "larger" else (None, bound)
        found.append(replace(draft, minimum=floor, maximum=ceiling, baseline=base))
    return Proposal(tuple(found), left_out)


def _windows(table: Table, window: Window, least: int) -> Iterator[tuple[str, Table]]:
    """Each window that has enough rows, with its name."""
    assert table.time is not None  # noqa: S101  # asked before
    of_row = window_of(table.time, window)
    for number, count in zip(*np.unique(of_row, return_counts=True), strict=True):
        if count >= least:
            yield name_of(int(number), window), table.take(of_row == number)


def _worst(draft: Requirement, windows: list[tuple[str, Table]]) -> tuple[float, str] | tuple[None, None]:
    """The worst value and its window. One where the metric is undefined is left out, as it would decide nothing."""
    found = []
    for name, part in windows:
        try:
            found.append((measured(draft, part), name))
        except Undefined:
            continue
    if not found:
        return None, None
    return min(found) if draft.metric.better == "larger" else max(found)


def _loosened(metric: Metric, parameters: Parameters, table: Table, value: float, margin: float) -> float:
    """The bound: the loss larger by ``margin``, rounded so that it is not smaller, inside what the metric can be."""
    bound = metric.best + (value - metric.best) * (1.0 + margin)
    low, high = metric.range(parameters, table.kind)
    digits = _DIGITS - 1 - (math.floor(math.log10(abs(bound))) if bound else 0)
    unit = 10.0**-digits
    rounded = math.floor(bound / unit) * unit if metric.better == "larger" else math.ceil(bound / unit) * unit
    return min(max(round(rounded, digits), low), high)
