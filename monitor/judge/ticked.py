"""What a tick brings to the judge, and its outcomes as the rows that are folded and fed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

import numpy as np

from monitor.rows import Rows, take

ROWS: Final = 200_000
"""About so many outcomes of closed cohorts are fed at a time."""


class Changed(Protocol):
    """What changed in a cohort after it had closed."""

    @property
    def changes(self) -> Rows:
        """Outcomes with a ``sign``."""
        ...


class Ticked(Protocol):
    """What a tick brought, as ``monitor.store.step`` says."""

    @property
    def changes(self) -> Rows:
        """Of cohorts that were open before."""
        ...

    @property
    def revisions(self) -> Sequence[Changed]:
        """Of cohorts that were closed."""
        ...


class Cohort(Protocol):
    """A closed cohort."""

    @property
    def outcomes(self) -> Rows:
        """In the order of ``settling.in_order``."""
        ...


def implied(outcomes: Rows) -> Rows:
    """What implicit labels change: a prediction without label is taken back, and one with a label comes instead."""
    rows = take(outcomes, outcomes["implicit"])
    sign = np.ones(len(rows["time"]), np.int8)
    return together([{**rows, "labelled": sign < 0, "sign": -sign}, {**rows, "sign": sign}])


def batches(cohorts: Iterable[Cohort]) -> Iterator[Rows]:
    """Outcomes of several cohorts together, in their order."""
    parts: list[Rows] = []
    rows = 0
    for cohort in cohorts:
        parts.append(cohort.outcomes)
        rows += len(cohort.outcomes["time"])
        if rows >= ROWS:
            yield together(parts)
            parts, rows = [], 0
    if parts:
        yield together(parts)


def together(parts: Sequence[Rows]) -> Rows:
    """Rows behind one another."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
