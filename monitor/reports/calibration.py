"""The reliability diagram: in groups of rising score, the mean score and how many were of the class. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.stats import fixed
from monitor.stats.buckets import Bucket
from monitor.stats.figures import class_scores
from monitor.stats.histogram import SCORE_BITS
from monitor.stats.layout import Layout
from scorer.quality.parameters import Parameters
from scorer.quality.undefined import Undefined

GROUPS = 10
CURVES = 6
"""So many classes get a curve; those with the most labels."""


@dataclass(frozen=True, slots=True)
class Group:
    """Labels of about equal scores: their number, mean score, how many are of the class, and an interval of the share.

    The interval is Clopper and Pearson's.
    """

    n: int
    score: float
    hits: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One class."""

    klass: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Curves, or why there is none."""

    curves: tuple[Curve, ...]
    reason: str = ""


def reliability(bucket: Bucket, layout: Layout, alpha: float, groups: int = GROUPS) -> Reliability:
    """Groups of equal mass; a bin of the histogram is never split, so they differ by at most one bin.

    One curve for the second of two classes, and one for each of several.
    """
    if layout.kind == "regression":
        return Reliability((), "the scores are not probabilities of classes")
    if layout.scale != "probability":
        return Reliability((), "the scores are margins, not probabilities")
    if not bucket.n:
        return Reliability((), "there are no labels")
    wanted = layout.classes if layout.kind == "multiclass" else layout.classes[1:]
    curves = [Curve(klass, _groups(bucket, layout, klass, groups, alpha)) for klass in wanted]
    frequent = sorted(curves, key=lambda one: -sum(group.hits for group in one.groups))[:CURVES]
    return Reliability(tuple(one for one in curves if one in frequent))


def _groups(bucket: Bucket, layout: Layout, klass: str, groups: int, alpha: float) -> tuple[Group, ...]:
    part = class_scores(bucket, layout, Parameters(klass=klass))
    mass = part.true + part.false
    below = np.cumsum(mass) - mass
    group_of = np.minimum(groups * (below + mass // 2) // max(1, int(mass.sum())), groups - 1)
    found = []
    for group in np.unique(group_of).tolist():
        rows = group_of == group
        n, hits, units = (int(column[rows].sum()) for column in (mass, part.true, part.score))
        try:
            low, high = fixed.clopper_pearson(hits, n, alpha)
        except Undefined:
            continue
        found.append(Group(n, units / (n << SCORE_BITS), hits, hits / n, low, high))
    return tuple(found)
