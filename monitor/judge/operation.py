"""Verdicts on the service: shares of all events of a window, which need no labels, judged once when it has closed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitor.judge.verdicts import Verdict, identity
from monitor.judge.windows import bounds
from monitor.stats.shares import Counted, Share, judge_shares
from scorer.quality.metrics import OPERATIONAL
from scorer.quality.requirement import Requirement, Window
from scorer.quality.windows import window_of

ALL = "all"
"""In the place of a version: a dead letter bears none."""


def begin_of_closing(requirements: Sequence[Requirement], before: int, closed_before: int) -> int | None:
    """From which hour counts are needed; ``None`` where no window of these requirements closes.

    Microseconds: what was closed up to ``before`` is now closed up to ``closed_before``.
    """
    begins = [
        bounds(_last(before, one.window), one.window)[0]
        for one in requirements
        if one.metric.name in OPERATIONAL and _last(before, one.window) < _last(closed_before, one.window)
    ]
    return min(begins, default=None)


def judge(
    requirements: Sequence[Requirement], counted: Counted, before: int, closed_before: int, alpha: float, time: int
) -> list[Verdict]:
    """The verdicts on the windows that close between ``before`` and ``closed_before``, at the tick ``time``."""
    found = judge_shares(requirements, counted, closed_before, alpha)
    return [_verdict(share, time) for share in found if bounds(share.number, share.requirement.window)[1] > before]


def _last(time: int, window: Window) -> int:
    """The number of the window that is open at a time."""
    return int(window_of(np.array([time], np.int64), window)[0])


def _verdict(share: Share, time: int) -> Verdict:
    asked, judged = share.requirement, share.judged
    begin, end = bounds(share.number, asked.window)
    figure = judged.figure
    n = 0 if figure is None else figure.n
    decided = judged.verdict != "INSUFFICIENT"
    between = f"between {judged.low:.6g} and {judged.high:.6g}, "
    return Verdict(
        requirement=identity(asked),
        metric=asked.metric.name,
        name=asked.name,
        window=asked.window,
        number=share.number,
        begin=begin,
        end=end,
        role="champion",
        version=ALL,
        segment=None,
        judged=asked.judged,
        verdict=judged.verdict,
        value=None if figure is None else figure.value,
        error=None if figure is None else figure.error,
        low=judged.low,
        high=judged.high,
        n=n,
        predictions=n,
        minimum=asked.minimum,
        maximum=asked.maximum,
        guarded=asked.guarded,
        provisional=False,
        revision=0,
        reason=f"{between}{'and required is' if decided else 'which does not decide on'} {asked.bounds}",
        time=time,
    )
