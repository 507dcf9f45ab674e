"""How scores are distributed: of all predictions, and of those whose label is known. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.reports import bins
from monitor.stats import drift
from monitor.stats.histogram import Histogram
from monitor.stats.layout import Layout
from scorer.batch import Int64s
from scorer.model.evidence import NumberProfile
from scorer.quality.table import Scale
from scorer.quality.undefined import Undefined

CLASSES = 6
GROUPS = 10


@dataclass(frozen=True, slots=True)
class Distribution:
    """Of one class, or of the one score: counts ``(b,)`` between ``edges`` ``(b + 1,)``.

    ``labelled`` are the predictions with labels, ``of_class`` those of them that are of the class. Where it is
    ``open_ended``, the first and the last bin hold all beyond. ``psi`` says how far the labelled ones lie from all: if
    far, labels come for some predictions rather than for others, and metrics are of those. ``None`` with a ``reason``.
    """

    klass: str | None
    edges: tuple[float, ...]
    open_ended: bool
    predictions: tuple[int, ...]
    labelled: tuple[int, ...]
    of_class: tuple[int, ...]
    psi: float | None
    reason: str = ""


def distributions(everything: Histogram, labelled: Histogram, layout: Layout) -> list[Distribution]:
    """One for the score, or one for each of several classes, at most 6."""
    if layout.kind == "multiclass":
        wanted = [(klass, everything.part(k), labelled.part(k)) for k, klass in enumerate(layout.classes)]
        return [_distribution(*one, layout.scale) for one in wanted[:CLASSES]]
    klass = layout.classes[1] if layout.kind == "binary" else None
    return [_distribution(klass, everything, labelled, scale_of(layout))]


def scale_of(layout: Layout) -> Scale:
    """How the bins of a histogram are made: an estimate is binned as a margin is."""
    return "margin" if layout.kind == "regression" else layout.scale


def moved(before: Histogram, now: Histogram) -> float:
    """The PSI of the scores of now against those of before, over tenths of before. Raises ``Undefined``."""
    edges = _tenths(before)
    return drift.psi(_grouped(before, edges).astype(np.float64), _grouped(now, edges))


def moved_from(quantiles: tuple[float, ...], shares: tuple[float, ...], n: int, now: Histogram, scale: Scale) -> float:
    """The PSI of the scores of now against the quantiles of the training data's. Raises ``Undefined``."""
    edges, expected = drift.number_bins(NumberProfile(0, quantiles), shares, n)
    place = np.searchsorted(edges, bins.middle(now.bins, scale), side="left")
    seen = np.zeros(len(edges) + 2, np.int64)
    np.add.at(seen, place, now.true + now.false)
    return drift.psi(expected, seen)


def _distribution(klass: str | None, everything: Histogram, labelled: Histogram, scale: Scale) -> Distribution:
    total = everything.true + everything.false
    axis = bins.axis(everything.bins, total, scale)
    parts = (everything, total), (labelled, labelled.true + labelled.false), (labelled, labelled.true)
    predictions, told, of_class = (
        tuple(bins.counts(one.bins, mass, scale, axis.edges).tolist()) for one, mass in parts
    )
    try:
        psi, reason = moved(everything, labelled), ""
    except Undefined as why:
        psi, reason = None, str(why)
    return Distribution(klass, axis.edges, axis.open_ended, predictions, told, of_class, psi, reason)


def _tenths(one: Histogram) -> Int64s:
    """The bins at which tenths begin, but for the first."""
    mass = one.true + one.false
    below = np.cumsum(mass) - mass
    group = GROUPS * below // max(1, int(mass.sum()))
    return np.asarray(one.bins[np.flatnonzero(np.diff(group, prepend=0))])


def _grouped(one: Histogram, edges: Int64s) -> Int64s:
    found = np.zeros(len(edges) + 1, np.int64)
    np.add.at(found, np.searchsorted(edges, one.bins, side="right"), one.true + one.false)
    return found
