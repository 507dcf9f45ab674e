"""What JSON gets."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import pytest

from monitor.reports.plain import iso, plain
from monitor.store.cohorts import BEGINNING


@dataclass(frozen=True)
class Facts:
    time: int
    value: float
    counts: tuple[int, ...]
    nested: dict[str, float]


def test_numbers_that_are_not_finite_are_null() -> None:
    facts = Facts(0, math.nan, (1, 2), {"low": -math.inf, "high": 2.5})
    assert json.loads(json.dumps(plain(facts), allow_nan=False)) == {
        "time": "1970-01-01T00:00:00Z", "value": None, "counts": [1, 2], "nested": {"low": None, "high": 2.5},
    }  # fmt: skip


def test_times_are_iso_8601_and_those_before_all_times_null() -> None:
    assert iso(1_370_217_600_000_000) == "2013-06-03T00:00:00Z"
    assert iso(1_370_217_600_000_001) == "2013-06-03T00:00:00.000001Z"
    assert iso(BEGINNING) is None
    assert plain(Facts(-BEGINNING, 0.0, (), {})) == {"time": None, "value": 0.0, "counts": [], "nested": {}}


def test_what_has_no_form_is_an_error() -> None:
    with pytest.raises(TypeError, match="object"):
        plain(object())
