"""What bounds say of a requirement: PASS, FAIL or INSUFFICIENT."""

from __future__ import annotations

import math

from scorer.quality.judge import Judgement
from scorer.quality.requirement import Requirement


def verdict(requirement: Requirement, low: float, high: float, n: int) -> Judgement:
    """The verdict where the metric lies between ``low`` and ``high``, judged from ``n`` labels.

    PASS: the whole interval keeps the minimum and the maximum. FAIL: the whole interval lies beyond one of them.
    INSUFFICIENT: neither, or there are fewer labels than the requirement needs. Raises ``ValueError`` where the
    interval is none.
    """
    if math.isnan(low) or math.isnan(high) or low > high:
        raise ValueError(f"from {low} to {high} is no interval")
    if n < max(1, requirement.least_labels):
        return "INSUFFICIENT"
    minimum, maximum = requirement.minimum, requirement.maximum
    if (minimum is not None and high < minimum) or (maximum is not None and low > maximum):
        return "FAIL"
    if (minimum is None or low >= minimum) and (maximum is None or high <= maximum):
        return "PASS"
    return "INSUFFICIENT"
