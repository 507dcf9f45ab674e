"""Why a verdict is what it is, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from monitor.stats.closed import Judged
from scorer.quality.metrics import CONTINUOUSLY, UNLABELLED
from scorer.quality.requirement import Requirement

NOTHING: Final = Judged("INSUFFICIENT", None, float("-inf"), float("inf"))
YOUNG: Final = replace(NOTHING, reason="it was not required yet when this window began")
LATE: Final = replace(NOTHING, reason="its outcomes came after the window had closed")


def reason(asked: Requirement, judged: Judged, labels: int, why: str, provisional: bool) -> str:
    """Why a verdict is what it is; ``why`` the metric is undefined, where it is, and ``labels`` how many decide."""
    between = f"between {judged.low:.6g} and {judged.high:.6g}"
    what = "predictions" if asked.metric.name in UNLABELLED else "labels"
    for applies, text in (
        (judged.verdict != "INSUFFICIENT", f"{between}, and required is {asked.bounds}"),
        (judged in (LATE, YOUNG), judged.reason),
        (bool(why), f"undefined: {why}"),
        (labels < asked.least_labels, f"{labels:,} {what} decide nothing; it needs {asked.least_labels:,}"),
        (provisional and asked.judged != CONTINUOUSLY, "it is judged once, when its window has closed"),
        (bool(judged.reason), f"undefined: {judged.reason}"),
        (judged == NOTHING, "none of its cohorts with labels has closed"),
    ):
        if applies:
            return text
    return f"{between}, which does not decide on {asked.bounds}"
