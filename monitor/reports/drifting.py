"""What moved most: inputs and scores against the training data and against the period before, as effect sizes. Pure.

Drift explains; it does not alarm. With too few values nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from monitor.stats import drift
from scorer.batch import Floats, Int64s
from scorer.quality.undefined import Undefined

NO_PROFILE = "the version brings no profile of it"


@dataclass(frozen=True, slots=True)
class Input:
    """Counts by the bins of the profile, the last for what is missing: of the training data (``None`` where the version
    has none), of the period and of the one before."""

    name: str
    trained: Floats | None
    now: Int64s
    before: Int64s


@dataclass(frozen=True, slots=True)
class Drift:
    """PSI of an input or a score. ``None`` where nothing can be said; ``reason`` says why, where nothing at all can."""

    what: str
    name: str
    n: int
    from_training: float | None
    from_before: float | None
    missing: float | None
    missing_trained: float | None
    reason: str = ""


def of_input(given: Input) -> Drift:
    """One input. ``missing`` is a share of all values."""
    n = int(given.now.sum())
    trained = given.trained
    total = 0.0 if trained is None else float(trained.sum())
    return told(
        "input",
        given.name,
        n,
        None if trained is None else lambda: drift.psi(trained, given.now),
        lambda: drift.psi(given.before.astype(np.float64), given.now),
        float(given.now[-1] / n) if n else None,
        float(trained[-1]) / total if trained is not None and total else None,
    )


def told(
    what: str,
    name: str,
    n: int,
    from_training: Callable[[], float] | None,
    from_before: Callable[[], float],
    missing: float | None = None,
    missing_trained: float | None = None,
) -> Drift:
    """Effect sizes that are ``Undefined`` are ``None``; the first reason is kept."""
    try:
        first, reason = from_training() if from_training else None, "" if from_training else NO_PROFILE
    except Undefined as why:
        first, reason = None, str(why)
    try:
        second = from_before()
    except Undefined as why:
        second, reason = None, reason or str(why)
    return Drift(what, name, n, first, second, missing, missing_trained, reason)


def ranked(found: Iterable[Drift]) -> tuple[Drift, ...]:
    """Largest effect first, those of which nothing can be said last."""
    return tuple(sorted(found, key=lambda one: (-max(one.from_training or -1.0, one.from_before or -1.0), one.name)))
