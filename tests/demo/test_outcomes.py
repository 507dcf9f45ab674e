"""The demo's own figures of the monitor's months, on tables small enough to count by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from demo import outcomes
from tests.demo.test_account import APRIL, verdict

FLOWN = pd.DataFrame(
    {
        "event_id": ["a", "b", "c", "d", "e"],
        "late": [1.0, 0.0, 1.0, 0.0, None],
        "scheduled": pd.to_datetime(["2013-04-30T23:59Z"] * 5, utc=True),
    }
)
MAY = APRIL + 30 * 86_400_000_000
PREDICTED = pd.DataFrame(
    {
        "event_id": ["a", "b", "c", "d", "e", "a"],
        "version": ["v1"] * 5 + ["v2"],
        "class": ["late", "late", "on time", "on time", "late", "late"],
        "score": [0.9, 0.6, 0.4, 0.1, 0.7, 0.5],
    }
)


def test_the_first_prediction_of_a_flight_counts_in_its_month_in_utc() -> None:
    table = outcomes.joined(PREDICTED, FLOWN)
    assert table["version"].tolist() == ["v1"] * 5
    assert set(table["month"]) == {"2013-04"}
    assert outcomes.coverage(table) == {
        "predictions": 5, "labelled": 4, "never_labelled": 1, "months": {"2013-04": 0.8},
    }  # fmt: skip


def test_months_hold_the_champions_verdicts_on_all_events() -> None:
    said = [
        verdict(), verdict(window="week"), verdict(role="challenger"), verdict(segment_field="origin"),
        verdict(begin=APRIL + 30 * 86_400_000_000), {"kind": "incident", "window": None},
    ]  # fmt: skip
    found = outcomes.by_month(said)
    assert {month: len(each) for month, each in found.items()} == {"2013-04": 1, "2013-05": 1}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, {}),
        ({"n": 3}, {"counts": 1}),
        ({"predictions": 7}, {"counts": 2}),
        ({"value": 0.75}, {"exact": 0.25}),
        ({"metric": "auc", "value": 0.8, "error": 0.05}, {"binned": 0.05}),
        ({"metric": "auc", "value": 1.0, "error": 0.05}, {"binned": 0.25, "beyond_bound": 0.2}),
    ],
)
def test_what_differs_is_measured(facts: dict[str, Any], expected: dict[str, Any]) -> None:
    """Two of four classes are right; of the four pairs of a late flight and another, three are in order."""
    told = verdict(**{"version": "v1", "value": 0.5, "n": 4, "predictions": 5, **facts})
    found = outcomes.difference(outcomes.joined(PREDICTED, FLOWN), outcomes.by_month([told]), MAY)
    assert found.pop("missing") == []
    nothing = {"compared": 1, "counts": 0, "exact": 0.0, "binned": 0.0, "beyond_bound": 0.0}
    assert found == pytest.approx({**nothing, **expected}, abs=1e-12)


def test_events_that_were_not_judged_yet_are_left_out() -> None:
    told = verdict(version="v1", value=0.5, n=4, predictions=5)
    found = outcomes.difference(outcomes.joined(PREDICTED, FLOWN), outcomes.by_month([told]), APRIL)
    assert (found["compared"], found["missing"]) == (0, [])


def test_a_month_of_which_nothing_was_said_is_missing() -> None:
    assert outcomes.difference(outcomes.joined(PREDICTED, FLOWN), {}, MAY)["missing"] == ["2013-04 v1"]
