"""PASS, FAIL or INSUFFICIENT: by the whole interval, never by the value alone."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.stats.verdict import verdict
from tests.monitor.stats.support import requirement


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0.8, 0.9, "PASS"), (0.81, 0.9, "PASS"), (0.79, 0.9, "INSUFFICIENT"), (0.7, 0.8, "INSUFFICIENT"),
        (0.7, 0.79, "FAIL"), (0.8, 0.8, "PASS"), (0.0, 1.0, "INSUFFICIENT"),
    ],
)  # fmt: skip
def test_a_minimum(low: float, high: float, says: str) -> None:
    assert verdict(requirement("auc", minimum=0.8), low, high, 10) == says
    assert verdict(requirement("brier", maximum=1.0 - 0.8), 1.0 - high, 1.0 - low, 10) == says or low == 0.8


def test_a_range() -> None:
    slope = requirement("calibration_slope", minimum=0.9, maximum=1.1)
    for low, high, says in (
        (0.95, 1.05, "PASS"), (0.9, 1.1, "PASS"), (0.8, 0.89, "FAIL"), (1.11, 2.0, "FAIL"),
        (0.8, 1.0, "INSUFFICIENT"), (1.0, 1.2, "INSUFFICIENT"), (-math.inf, math.inf, "INSUFFICIENT"),
    ):  # fmt: skip
        assert verdict(slope, low, high, 10) == says


@given(st.integers(0, 200), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_too_few_labels_decide_nothing(n: int, one: float, other: float) -> None:
    found = verdict(requirement("auc", least=100, minimum=0.5), min(one, other), max(one, other), n)
    assert found == "INSUFFICIENT" or n >= 100
    for enough, says in ((99, "INSUFFICIENT"), (100, "PASS"), (101, "PASS")):
        assert verdict(requirement("auc", least=100, minimum=0.5), 0.9, 0.95, enough) == says
    assert verdict(requirement("auc", least=0, minimum=0.5), 0.9, 0.95, 0) == "INSUFFICIENT"


def test_what_is_no_interval_is_refused() -> None:
    for low, high in ((math.nan, 1.0), (0.0, math.nan), (0.5, 0.4)):
        with pytest.raises(ValueError, match="no interval"):
            verdict(requirement("auc", minimum=0.5), low, high, 10)
