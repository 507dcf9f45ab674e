"""A metric on the outcomes of a bucket, with its interval: a cell of a table, a point of a trend. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from monitor.stats import closed
from monitor.stats.buckets import Bucket
from monitor.stats.closed import Judged
from monitor.stats.layout import Layout
from scorer.quality.requirement import Requirement


@dataclass(frozen=True, slots=True)
class Measured:
    """``value`` from ``n`` labels, at most ``error`` from that of the rows; ``None`` with a reason where there is none.

    ``low`` and ``high`` are an interval for a sample of fixed size; ``None`` where it has no end on that side.
    """

    value: float | None
    low: float | None
    high: float | None
    error: float | None
    n: int
    reason: str = ""


def measure(bucket: Bucket, layout: Layout, requirement: Requirement, alpha: float) -> Measured:
    """The metric of ``requirement``, with the interval of ``stats.closed`` at ``1 - alpha``."""
    return of_judged(closed.judge(bucket, layout, requirement, alpha), bucket.n)


def of_judged(judged: Judged, n: int) -> Measured:
    """A verdict's figures; ``n`` where it has none."""
    if judged.figure is None:
        return Measured(None, None, None, None, n, judged.reason)
    return Measured(judged.figure.value, finite(judged.low), finite(judged.high), judged.figure.error, judged.figure.n)


def finite(number: float) -> float | None:
    """The number, if it is one that can be written down."""
    return number if math.isfinite(number) else None
