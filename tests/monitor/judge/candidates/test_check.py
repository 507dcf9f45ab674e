"""Checks: when each has passed, has failed or is open."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from monitor.judge.candidates import check
from monitor.judge.candidates.check import Check
from tests.monitor.reports.rows import DAY, JUNE
from tests.monitor.reports.test_requirements import verdict

NAME = verdict(0, "PASS").requirement
HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("standings", "said"),
    [([], "open"), (["passed"], "passed"), (["passed", "open"], "open"), (["open", "failed", "passed"], "failed")],
)
def test_together(standings: list[check.Standing], said: str) -> None:
    assert check.together(Check("", one, "") for one in standings) == said


def test_a_step_takes_its_time_and_no_longer() -> None:
    assert check.lasted(10, 10 + HOUR - 1, HOUR).standing == "open"
    assert check.lasted(10, 10 + HOUR, HOUR).standing == "passed"
    waiting, done = [Check("gate", "open", "")], [Check("gate", "passed", "")]
    assert check.patience(10, 10 + HOUR, HOUR, waiting).standing == "passed"
    late = check.patience(10, 11 + HOUR, HOUR, waiting)
    assert (late.standing, "gate" in late.text) == ("failed", True)
    assert check.patience(10, 11 + HOUR, HOUR, done).standing == "passed"


def test_the_gate_opens_at_its_share_of_alpha() -> None:
    for k, wanted in ((1, 32.9), (2, 131.6), (30, 29_609)):
        assert check.gate("brier", math.log(wanted * 1.001), k, 0.05).standing == "passed"
        assert check.gate("brier", math.log(wanted * 0.999), k, 0.05).standing == "open"
    assert check.gate("brier", 1e6, 1, 0.05).standing == "passed"
    assert check.no_worse("JFK", math.log(19.9), 0.05).standing == "passed"
    assert check.no_worse("JFK", math.log(20.1), 0.05).standing == "failed"


def test_a_requirement_is_kept_by_the_newest_window_that_decides() -> None:
    def said(*verdicts: object, since: int = JUNE) -> str:
        (found,) = check.required(verdicts, [NAME], since)  # type: ignore[arg-type]
        return found.standing

    assert said() == "open"
    assert said(verdict(0, "PASS")) == "passed"
    assert said(verdict(0, "FAIL"), verdict(1, "PASS")) == "passed"
    assert said(verdict(1, "FAIL"), verdict(0, "PASS")) == "open"
    assert said(verdict(0, "PASS"), verdict(1, "INSUFFICIENT", provisional=True)) == "passed"
    assert said(verdict(0, "PASS"), verdict(1, "INSUFFICIENT")) == "open"
    assert said(verdict(0, "PASS"), since=JUNE + DAY) == "open", "it was over before the step began"
    assert said(replace(verdict(0, "PASS"), requirement="another")) == "open"
    parts = [replace(verdict(0, what), segment=("origin", at)) for what, at in (("PASS", "JFK"), ("FAIL", "LGA"))]
    assert said(*parts) == "open"
    assert said(parts[0]) == "passed"


def test_on_trial_a_failed_requirement_ends_it() -> None:
    fail, vague = verdict(0, "FAIL"), verdict(0, "INSUFFICIENT")
    parts = [replace(one, segment=("origin", at)) for one, at in ((vague, "EWR"), (fail, "JFK"))]
    for several in ([fail], parts):
        assert [one.standing for one in check.required(several, [NAME], JUNE, "failed")] == ["failed"]
        assert [one.standing for one in check.required(several, [NAME], JUNE)] == ["open"]
    assert [one.standing for one in check.required([vague], [NAME], JUNE, "failed")] == ["open"]
