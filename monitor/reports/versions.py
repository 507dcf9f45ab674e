"""Versions beside each other on the outcomes of a period, whatever role they had. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.reports.measured import Measured, measure
from monitor.reports.trends import metrics
from monitor.stats.buckets import Bucket
from monitor.stats.layout import Layout
from scorer.quality.requirement import Requirement

SHOWN = 8
_RANK = {"champion": 0, "trial": 1, "challenger": 2}


@dataclass(frozen=True, slots=True)
class Version:
    """A version in one role: its predictions, how many labels can be judged, and each metric."""

    version: str
    role: str
    predictions: int
    labels: int
    metrics: Mapping[str, Measured]


def compared(
    buckets: Mapping[tuple[str, str], Bucket], layout: Layout, requirements: Sequence[Requirement], alpha: float
) -> list[Version]:
    """Of each version and role, champions first; of more than 8 those with the most predictions.

    They did not score the same events unless one is a challenger, so a difference may be that of the events.
    """
    most = sorted(buckets.items(), key=lambda one: (-one[1].predictions, one[0]))[:SHOWN]
    wanted = metrics(requirements)
    return [
        Version(
            version,
            role,
            bucket.predictions,
            bucket.n,
            {name: measure(bucket, layout, one, alpha) for name, one in wanted.items()},
        )
        for (version, role), bucket in sorted(most, key=lambda one: (_RANK.get(one[0][1], 3), one[0][0]))
    ]
