"""What happens if a version is promoted: its verdicts beside the champion's, and one sentence."""

from __future__ import annotations

from dataclasses import replace

from monitor.judge.verdicts import Verdict
from monitor.reports.promotion import in_question, promotion
from tests.monitor.reports.rows import DAY, JUNE
from tests.monitor.reports.test_requirements import BRIER, verdict

WANTED = [BRIER]


def said(*verdicts: Verdict, unscored: dict[str, int] | None = None) -> str:
    return promotion("v2", "challenger", "v1", verdicts, WANTED, unscored or {}).conclusion


def of(day: int, what: str, role: str = "challenger", version: str = "v2") -> Verdict:
    return verdict(day, what, role=role, version=version)


def test_the_sentence() -> None:
    assert said(of(0, "PASS")) == "it keeps all 1 requirements in their latest windows"
    assert said(of(0, "FAIL"), of(1, "PASS")).endswith("latest windows, and broke them in 1 earlier window")
    assert said(of(0, "PASS"), of(1, "FAIL")) == "it would break brier (at most 0.2)"
    assert said(of(0, "INSUFFICIENT")) == "it is not known yet whether it keeps brier (at most 0.2)"
    assert said() == "it is not known yet whether it keeps brier (at most 0.2)"
    assert said(replace(of(0, "FAIL"), guarded=False)) == "nothing is required of it"


def test_nobody_elses_verdict_is_taken_for_its_own() -> None:
    others = [of(0, "PASS", role="trial"), of(0, "PASS", version="v3"), of(0, "PASS", "champion", "v1")]
    assert said(*others) == "it is not known yet whether it keeps brier (at most 0.2)"


def test_the_champion_is_shown_of_the_same_window() -> None:
    live = [replace(of(day, "PASS", "champion", "v1"), value=0.1 + day) for day in range(3)]
    little = replace(of(1, "FAIL", "champion", "v0"), n=1)
    found = promotion("v2", "challenger", "v1", [*live, little, of(1, "PASS")], WANTED, {"a": 1, "b": 2})
    (beside,) = found.requirements
    assert beside.champion is not None
    assert (beside.champion.version, beside.champion.value) == ("v1", 1.1)
    assert list(found.unscored) == ["b", "a"]
    alone = promotion("v2", "challenger", "v1", [*live, of(5, "PASS")], WANTED, {})
    assert alone.requirements[0].champion is None


def test_who_is_in_question() -> None:
    known = [of(0, "PASS"), of(5, "PASS", "trial", "v3"), of(0, "PASS", "trial", "v4"), of(5, "PASS", "champion", "v1")]
    assert in_question(["v5"], known, JUNE + 2 * DAY) == [("v3", "trial"), ("v5", "challenger")]
