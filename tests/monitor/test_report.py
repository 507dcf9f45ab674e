"""When months are reported, and how often."""

from __future__ import annotations

import json

from monitor.joining import Outcome
from monitor.monthly import Monthly
from monitor.report import Report, to_json, to_text
from tests.monitor.test_monthly import REQUIREMENTS, micros, outcome, summed


def known(report: Report, time: str) -> list[tuple[str, str, int]]:
    return [(line.month.month, line.state, line.revision) for line in report.close(micros(time))]


def folded(monthly: Monthly, *outcomes: Outcome) -> None:
    for each in outcomes:
        monthly.fold(each, +1)


def test_a_month_is_reported_once() -> None:
    monthly = summed(outcome(0.9, 1), outcome(0.9, 1, when="2013-05"))
    report = Report(monthly, [])
    assert not report.due(micros("2013-05-04"))
    assert known(report, "2013-05-04") == []
    assert report.due(micros("2013-05-04T00:00:00.000001"))
    assert known(report, "2013-05-05") == [("2013-04", "closed", 1)]
    assert not report.due(micros("2013-05-05"))
    assert known(report, "2013-05-05") == []
    assert [(line.month.month, line.state) for line in report.end()] == [("2013-05", "so far")]


def test_a_closed_month_that_changes_is_reported_with_the_next() -> None:
    monthly = summed(outcome(0.9, 1))
    report = Report(monthly, [])
    assert known(report, "2013-05-05") == [("2013-04", "closed", 1)]
    folded(monthly, outcome(0.8, 1), outcome(0.9, 1, when="2013-05"))
    assert not report.due(micros("2013-05-05"))
    assert known(report, "2013-06-05") == [("2013-04", "closed", 2), ("2013-05", "closed", 1)]
    folded(monthly, outcome(0.8, 1))
    assert [(line.month.month, line.state, line.revision) for line in report.end()] == [("2013-04", "closed", 3)]
    assert report.end() == []


def test_a_month_that_could_not_be_closed_is_so_far() -> None:
    report = Report(summed(outcome(0.9, 1)), [])
    assert [(line.state, line.revision) for line in report.end()] == [("so far", 0)]


def test_what_is_printed() -> None:
    champion = [outcome(0.9, 1, shadow=0.8), outcome(0.9, 1, version="v2"), outcome(0.5, 1), outcome(0.5)]
    late = outcome(0.5, 1, known="2013-06-01")
    [line] = Report(summed(*champion, late), REQUIREMENTS).close(micros("2013-05-05"))
    assert to_text(line).splitlines() == [
        "2013-04 closed: 3 of 5 predictions labelled (60.00%, 1 late)",
        "  champion   v1 (2), v2 (1)       accuracy 0.666667 PASS (at least 0.5)  brier 0.090000 PASS (at most 0.2)"
        "  outcomes 3",
        "  challenger c1                   accuracy 1.000000 INSUFFICIENT (at least 0.5)"
        "  brier 0.040000 INSUFFICIENT (at most 0.2)  outcomes 1, no score for 2",
    ]
    facts = json.loads(to_json(line))
    assert facts["champion"] == {
        "role": "champion",
        "versions": {"v1": 2, "v2": 1},
        "outcomes": 3,
        "accuracy": 2 / 3,
        "brier": facts["champion"]["brier"],
        "verdicts": [
            {"metric": "accuracy", "requirement": "at least 0.5", "verdict": "PASS"},
            {"metric": "brier", "requirement": "at most 0.2", "verdict": "PASS"},
        ],
    }
    assert (facts["month"], facts["state"], facts["revision"], facts["late"]) == ("2013-04", "closed", 1, 1)
    assert [other["role"] for other in facts["others"]] == ["challenger"]


def test_no_outcomes_yet() -> None:
    [line] = Report(summed(outcome(0.9)), REQUIREMENTS).end()
    assert "accuracy none INSUFFICIENT (at least 0.5)" in to_text(line)
    assert json.loads(to_json(line))["champion"]["accuracy"] is None
