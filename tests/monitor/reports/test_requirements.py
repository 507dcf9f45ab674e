"""Which verdicts stand in the table of a period, and which in that of now."""

from __future__ import annotations

from dataclasses import replace

from monitor.judge.verdicts import Verdict, identity
from monitor.reports.periods import at
from monitor.reports.requirements import latest, rows, tally
from tests.monitor.reports.rows import DAY, JUNE, required

WANTED = required()
BRIER = next(one for one in WANTED if one.metric.name == "brier")
FIRST = at(JUNE, "day")


def verdict(day: int, said: str, *, provisional: bool = False, version: str = "v1", role: str = "champion") -> Verdict:
    """On the Brier score of a day of June."""
    span = at(JUNE + day * DAY, "day")
    return Verdict(
        identity(BRIER), "brier", "brier", "day", span.number, span.begin, span.end, role, version, None, BRIER.judged,
        said, 0.2, 0.0, 0.1, 0.3, 500, 600, None, 0.2, True, provisional, 0, "", JUNE + day * DAY,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_period_has_the_windows_that_touch_it() -> None:
    said = [verdict(0, "PASS"), verdict(6, "FAIL"), verdict(7, "PASS"), verdict(8, "FAIL", role="challenger")]
    week = at(JUNE + 3 * DAY, "week")  # from 3 to 9 June: days 2 to 8
    (row,) = (row for row in rows(said, WANTED, week) if row.name == "brier")
    assert (row.passed, row.failed, row.undecided) == (1, 1, 0)
    assert (row.verdict, row.begin) == ("PASS", JUNE + 7 * DAY)
    (row,) = (row for row in rows(said, WANTED, FIRST) if row.name == "brier")
    assert (row.passed, row.failed, row.begin) == (1, 0, JUNE)
    (row,) = (row for row in rows(said, WANTED, FIRST.before) if row.name == "brier")
    assert (row.verdict, row.version, row.n) == ("INSUFFICIENT", None, 0)


def test_a_window_that_has_only_begun_hides_no_verdict() -> None:
    said = [verdict(0, "FAIL"), verdict(1, "INSUFFICIENT", provisional=True)]
    for order in (said, said[::-1]):
        (row,) = (row for row in latest(order, WANTED) if row.name == "brier")
        assert (row.verdict, row.begin) == ("FAIL", JUNE)
    closed = [*said, verdict(1, "INSUFFICIENT")]
    (row,) = (row for row in latest(closed, WANTED) if row.name == "brier")
    assert (row.verdict, row.begin) == ("INSUFFICIENT", JUNE + DAY)


def test_now_there_is_one_version_for_each_requirement() -> None:
    said = [verdict(0, "PASS"), replace(verdict(0, "FAIL", version="v2"), time=JUNE + 5)]
    (row,) = (row for row in latest(said, WANTED) if row.name == "brier")
    assert (row.verdict, row.version) == ("FAIL", "v2")
    assert len([row for row in rows(said, WANTED, FIRST) if row.name == "brier"]) == 2


def test_requirements_are_counted_once_and_only_those_that_are_guarded() -> None:
    assert tally(latest([], WANTED)) == {"PASS": 0, "FAIL": 0, "INSUFFICIENT": 4}
    good = replace(verdict(0, "PASS"), segment=("origin", "JFK"))
    bad = replace(verdict(0, "FAIL"), segment=("origin", "LGA"))
    vague = replace(verdict(0, "INSUFFICIENT"), segment=("origin", "EWR"))
    assert tally(rows([good], WANTED, FIRST)) == {"PASS": 1, "FAIL": 0, "INSUFFICIENT": 3}
    assert tally(rows([good, vague], WANTED, FIRST)) == {"PASS": 0, "FAIL": 0, "INSUFFICIENT": 4}
    assert tally(rows([good, vague, bad], WANTED, FIRST)) == {"PASS": 0, "FAIL": 1, "INSUFFICIENT": 3}
    older = replace(verdict(0, "INSUFFICIENT", version="v0"), n=3)
    assert tally(rows([older, verdict(0, "PASS")], WANTED, FIRST)) == {"PASS": 1, "FAIL": 0, "INSUFFICIENT": 3}
