"""What each step asks for: named checks that stand as what is known says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from monitor.judge.candidates.candidate import Candidate, Transition
from monitor.judge.candidates.check import Check, together
from monitor.judge.candidates.deciding import Known, checks, watched
from monitor.judge.candidates.pairs import Comparison
from monitor.judge.candidates.policy import Policy
from monitor.judge.candidates.states import State
from monitor.judge.verdicts import Verdict
from monitor.stats.continuous.gate import Gate
from tests.monitor.reports.rows import DAY, JUNE
from tests.monitor.reports.test_requirements import verdict

NAME = verdict(0, "PASS").requirement
HOUR = 3_600_000_000
POLICY = Policy(margins={"brier": 0.0}, pairs_least=100, shadow_least=24 * HOUR, trial_least=24 * HOUR, watch=48 * HOUR)
NOW = JUNE + 10 * DAY


def candidate(state: State, since: int = NOW) -> Candidate:
    return Candidate("1", "v2", "ab", state, "v1", 1, history=(Transition(1, None, state, since, "ann", ""),))


def gate(mean: float, n: int = 400) -> Gate:
    found = Gate(1.0)
    found.update(np.tile([mean + 0.1, mean - 0.1], n // 2))
    return found


def comparison(mean: float = 0.1, **more: Any) -> Comparison:
    found = Comparison("v2", "v1", 1, {}, False, JUNE, 400, 400, {"brier": gate(mean)})
    for name, value in more.items():
        setattr(found, name, value)
    return found


def known(
    compared: Comparison | None, *verdicts: Verdict, time: int = NOW, reports: Sequence[Check] = (), closed: int = NOW
) -> Known:
    found = {} if compared is None else {"1": compared}
    made = {("1", state): reports for state in ("submitted", "regression-tested")} if reports else {}
    return Known(time, closed, POLICY, found, made, verdicts, [NAME])


def of(said: str, role: str = "challenger", version: str = "v2") -> Verdict:
    return verdict(5, said, role=role, version=version)


def open_(found: list[Check]) -> set[str]:
    return {one.name for one in found if one.standing == "open"}


def test_reports_from_outside_decide_the_first_two_steps() -> None:
    for state in ("submitted", "regression-tested"):
        one = candidate(state)
        assert together(checks(one, known(None))) == "open"
        for standing in ("passed", "failed", "open"):
            report = [Check("back-test", standing, "")]
            assert together(checks(one, known(None, reports=report))) == standing


def test_the_shadow_wants_everything() -> None:
    one, good = candidate("back-tested"), of("PASS")
    assert together(checks(one, known(comparison(), good))) == "passed"
    for lacking, name in (
        (known(None, good), "shadow"),
        (known(comparison(), good, closed=JUNE + 24 * HOUR - 1), "duration"),
        (known(comparison(n=99, matched=99), good), "pairs"),
        (known(comparison(matched=395), good), "matched"),
        (known(comparison(0.0), good), "gate brier"),
        (known(comparison(-0.1), good), "gate brier"),
        (known(comparison(gates={}), good), "gate brier"),
        (known(comparison()), f"requirement {NAME}"),
        (known(comparison(), of("FAIL")), f"requirement {NAME}"),
        (known(comparison(), of("PASS", "trial")), f"requirement {NAME}"),
        (known(comparison(), of("PASS", version="v1")), f"requirement {NAME}"),
        (known(comparison(since=None), good), "duration"),
    ):
        found = checks(one, lacking)
        assert name in open_(found), name
        assert together(found) == "open"
        late = replace(lacking, time=NOW + POLICY.shadow_most + 1)
        assert together(checks(one, late)) == "failed", "patience has an end"


def test_a_segment_in_which_it_is_worse_ends_it() -> None:
    worse = comparison(worse={("origin", "JFK"): gate(0.3), ("origin", "LGA"): gate(-0.3)})
    found = {one.name: one.standing for one in checks(candidate("back-tested"), known(worse, of("PASS")))}
    assert (found["not worse: origin = JFK"], found["not worse: origin = LGA"]) == ("failed", "passed")


def test_a_trial_lasts_and_fails_by_a_requirement() -> None:
    one, good = candidate("on trial", NOW - 24 * HOUR), of("PASS", "trial")
    assert together(checks(one, known(comparison(), good))) == "passed"
    assert open_(checks(replace_since(one, NOW), known(comparison(), good))) == {"duration"}
    assert together(checks(one, known(comparison(), of("PASS")))) == "open", "the shadow's outcomes are not the trial's"
    assert together(checks(one, known(comparison(), of("FAIL", "trial")))) == "failed"
    assert together(checks(one, known(comparison(0.0), good))) == "open", "what counts is the evidence now"


def replace_since(one: Candidate, since: int) -> Candidate:
    return replace(one, history=(replace(one.history[0], time=since),))


def test_in_the_watch_period_the_old_champion_may_come_back() -> None:
    one = candidate("promoted", NOW - HOUR)
    assert together(watched(one, known(comparison(0.1, watch=True)))) == "failed"
    assert together(watched(one, known(comparison(-0.1, watch=True)))) == "passed"
    assert together(watched(one, known(None))) == "passed"
    assert watched(replace_since(one, NOW - POLICY.watch), known(comparison(0.1, watch=True))) == []
    assert checks(one, known(comparison())) == []
