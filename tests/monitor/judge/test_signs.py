"""Which facts are a reason to alarm somebody, and in which words."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from monitor.judge.facts import Arrivals, Coverage, Facts, Flip, Role, Rules, Unscored
from monitor.judge.sign import Sign
from monitor.judge.signs import signs
from tests.monitor.judge.made import DAY, HOUR, at, facts, verdict

RULES = Rules()
NOW = at("2013-07-04")


def only(found: list[Sign]) -> Sign:
    [sign] = found
    return sign


def acting(given: Facts, rules: Rules = RULES) -> list[str]:
    return [one.key for one in signs(given, rules) if not one.holding and not one.over]


# -- verdicts ------------------------------------------------------------------------------------------------------


def test_a_fail_is_told_in_one_line_with_bound_window_value_and_interval() -> None:
    sign = only(signs(facts(verdicts=[verdict()]), RULES))
    assert sign.headline == "accuracy below 0.68 in June 2013 (0.612, 0.605 to 0.619)"
    assert (sign.severity, sign.opens, sign.window) == ("FAIL", True, 521)
    assert dict(sign.numbers)["required"] == "at least 0.68"
    assert dict(sign.numbers)["labels"] == "21,000 of 24,000 predictions"
    assert "monitor report --period month --of 2013-06 --html report.html" in dict(sign.advice).values()


@pytest.mark.parametrize(
    ("other", "line"),
    [
        ({"segment": ("origin", "JFK")}, "accuracy of origin JFK below 0.68 in June 2013 (0.612, 0.605 to 0.619)"),
        ({"value": None, "low": -math.inf}, "accuracy below 0.68 in June 2013 (… to 0.619)"),
        ({"maximum": 0.6, "minimum": None}, "accuracy above 0.6 in June 2013 (0.612, 0.605 to 0.619)"),
        ({"maximum": 0.6, "minimum": 0.1}, "accuracy above 0.6 in June 2013 (0.612, 0.605 to 0.619)"),
        ({"window": "week"}, "accuracy below 0.68 in the week of 1 June 2013 (0.612, 0.605 to 0.619)"),
        ({"window": "day"}, "accuracy below 0.68 on 1 June 2013 (0.612, 0.605 to 0.619)"),
        ({"window": "hour"}, "accuracy below 0.68 on 1 June 2013 at 00:00 UTC (0.612, 0.605 to 0.619)"),
    ],
)
def test_the_line_names_what_failed(other: dict[str, Any], line: str) -> None:
    assert only(signs(facts(verdicts=[verdict(**other)]), RULES)).headline == line


def test_one_sign_for_all_windows_and_versions_of_a_requirement_and_one_for_each_segment() -> None:
    made = [verdict("2013-05"), verdict("2013-06"), verdict("2013-06", version="v0")]
    made += [verdict(segment=("origin", value)) for value in ("JFK", "EWR")]
    found = signs(facts(verdicts=made), RULES)
    name = "requirement/accuracy//month/once"
    assert [one.key for one in found] == [name, f"{name} origin=EWR", f"{name} origin=JFK"]
    trend = found[0].trend
    assert trend is not None
    assert [point.label for point in trend.points] == ["May 2013", "Jun 2013"]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"says": "PASS"}, "it passed"),
        ({"guarded": False}, "nothing follows from it"),
        ({"role": "trial"}, "a trial is not the champion"),
        ({"role": "challenger", "version": "gone"}, "nobody follows this challenger"),
    ],
)
def test_what_is_no_failure_of_the_champion_raises_nothing(other: dict[str, str], why: str) -> None:
    assert signs(facts(verdicts=[verdict(**other)]), RULES) == [], why


def test_the_verdict_on_the_version_that_is_champion_now_counts() -> None:
    made = [verdict(version="v1"), verdict(version="v2", says="PASS")]
    assert acting(facts(verdicts=made, champion="v1")) == ["requirement/accuracy//month/once"]
    assert acting(facts(verdicts=made, champion="v2")) == []


def test_a_command_that_was_refused_is_no_refused_flip() -> None:
    flip = Flip("acknowledge", "monitor", '{"incident": "x"}', NOW, False, "unknown")
    assert signs(facts(flips=[flip]), RULES) == []


def test_what_ended_long_ago_wakes_nobody() -> None:
    end = verdict().end
    assert only(signs(replace(facts(verdicts=[verdict()]), time=end + RULES.oldest), RULES)).opens
    assert not only(signs(replace(facts(verdicts=[verdict()]), time=end + RULES.oldest + 1), RULES)).opens


def test_evidence_in_the_middle_neither_raises_an_alarm_nor_ends_one() -> None:
    last = verdict("2013-07", "INSUFFICIENT")
    sign = only(signs(facts(verdicts=[last]), RULES))
    assert (sign.holding, sign.window) == (True, 522)
    failed = only(signs(facts(verdicts=[verdict(), last]), RULES))
    assert (failed.holding, failed.window) == (False, 521)
    after = only(signs(facts(verdicts=[verdict(says="PASS"), last]), RULES))
    assert (after.holding, after.window) == (True, 522)


def test_a_pass_is_said_of_open_incidents_alone() -> None:
    given = facts(verdicts=[verdict(says="PASS", value=0.7, low=0.69, high=0.71)])
    assert signs(given, RULES) == []
    sign = only(signs(given, RULES, {"requirement/accuracy//month/once"}))
    assert (sign.over, sign.headline) == (True, "accuracy is at least 0.68 in June 2013")


def test_a_fast_alarm_is_a_sign_of_its_own_and_wakes_nobody_beside_a_fail() -> None:
    alarmed = verdict(says="INSUFFICIENT", alarms=2)
    falling = next(one for one in signs(facts(verdicts=[alarmed]), RULES) if one.kind == "falling")
    assert (falling.severity, falling.alarms, falling.opens) == ("ALARM", 2, True)
    assert falling.headline == "accuracy lately below 0.68 in June 2013"
    # The newest window with an alarm is the one: those after it have closed nothing yet.
    later = facts(verdicts=[alarmed, verdict("2013-07", "INSUFFICIENT")])
    assert next(one for one in signs(later, RULES) if one.kind == "falling").detector == falling.detector
    beside = signs(facts(verdicts=[verdict(alarms=2)]), RULES)
    assert [(one.kind, one.opens) for one in beside] == [("falling", False), ("requirement", True)]


def test_a_challenger_that_fails_is_told_as_such() -> None:
    sign = only(signs(facts(verdicts=[verdict(role="challenger", version="v2")], challengers=["v2"]), RULES))
    assert (sign.kind, sign.severity) == ("challenger", "WARNING")
    assert sign.headline.startswith("challenger v2: accuracy below 0.68")


def test_a_trend_ends_with_the_newest_windows() -> None:
    made = [verdict(str(month)) for month in [f"{year}-{n:02}" for year in (2011, 2012, 2013) for n in range(1, 13)]]
    trend = signs(facts("2014-01-02", verdicts=made), RULES)[0].trend
    assert trend is not None
    assert (len(trend.points), trend.points[-1].label) == (24, "Dec 2013")


# -- streams -------------------------------------------------------------------------------------------------------


def quiet(**silence: int) -> dict[Role, Arrivals]:
    """Topics that were read to their ends just now, and in which nothing came for so long."""
    found: dict[Role, Arrivals] = {}
    for role in ("events", "predictions", "labels"):
        found[role] = Arrivals(NOW - 30 * DAY, NOW - silence.get(role, 0), NOW)
    return found


@pytest.mark.parametrize(
    ("silence", "keys"),
    [
        ({}, []),
        ({"events": 61 * HOUR // 60}, ["stale stream"]),
        ({"events": 60 * HOUR // 60}, []),
        ({"predictions": 16 * HOUR // 60}, ["no predictions"]),
        ({"predictions": 15 * HOUR // 60}, []),
        ({"labels": 73 * HOUR}, ["no labels"]),
        ({"labels": 72 * HOUR}, []),
        ({"events": 2 * HOUR, "predictions": 2 * HOUR}, ["stale stream"]),  # the cause, not what follows from it
        ({"events": 2 * HOUR - HOUR // 60, "predictions": 2 * HOUR}, ["stale stream"]),  # read in another order
        ({"events": 80 * HOUR, "predictions": 80 * HOUR, "labels": 80 * HOUR}, ["stale stream"]),
    ],
)
def test_silence(silence: dict[str, int], keys: list[str]) -> None:
    assert acting(facts(topics=quiet(**silence))) == keys


def test_silence_without_events_to_tell_by() -> None:
    topics = quiet(predictions=2 * HOUR)
    del topics["events"]
    assert acting(facts(topics=topics)) == ["no predictions"]


def test_a_topic_in_which_nothing_ever_came_is_silent_since_it_is_watched() -> None:
    topics = quiet() | {"predictions": Arrivals(NOW - HOUR, None, NOW), "labels": Arrivals(NOW - 80 * HOUR, None, NOW)}
    assert acting(facts(topics=topics)) == ["no predictions"]
    topics = quiet() | {"labels": Arrivals(NOW - 80 * HOUR, None, NOW)}
    assert acting(facts(topics=topics)) == ["no labels"]


def test_what_is_not_read_is_not_said_to_be_silent() -> None:
    topics = {role: replace(one, current=NOW - HOUR) for role, one in quiet(predictions=2 * HOUR).items()}
    sign = only(signs(facts(topics=topics), RULES))
    assert (sign.kind, sign.headline) == ("behind", "the monitor is behind in events, labels, predictions")
    never = quiet(predictions=2 * HOUR)
    never["predictions"] = replace(never["predictions"], current=None, since=NOW)
    assert acting(facts(topics=never)) == []


def test_a_limit_of_zero_is_none() -> None:
    topics = {role: replace(one, current=NOW - HOUR) for role, one in quiet(labels=DAY * 9).items()}
    assert acting(facts(topics=topics), Rules(no_labels=0, no_predictions=0, stale=0, behind=0)) == []


@pytest.mark.parametrize(("labelled", "keys"), [(499, ["coverage"]), (500, [])])
def test_coverage(labelled: int, keys: list[str]) -> None:
    assert acting(facts(coverage=Coverage(NOW - DAY, NOW, 1_000, labelled))) == keys
    assert acting(facts(coverage=Coverage(NOW - DAY, NOW, 99, 0))) == []


def test_coverage_of_a_backlog_wakes_nobody() -> None:
    assert not only(signs(facts(coverage=Coverage(NOW - 9 * DAY, NOW - 8 * DAY, 1_000, 0)), RULES)).opens


def test_a_challenger_that_cannot_score() -> None:
    given = facts(
        unscored=[Unscored("v2", 1_000, 11, "out of range"), Unscored("v3", 99, 99, "")], challengers=["v2", "v3"]
    )
    assert acting(given) == ["unscored/v2"]
    assert signs(given, RULES)[0].headline == "challenger v2 cannot score 1.1% of the events"
    assert acting(replace(given, challengers=())) == []


def test_a_refused_flip_until_the_pointer_names_another_version() -> None:
    flips = [Flip("champion", f"scorer-{n}", "v2", NOW - n, False, "bad_signature: not signed") for n in (0, 1)]
    given = facts(flips=flips, champion="v2")
    sign = only(signs(given, RULES))
    assert (sign.key, sign.headline) == ("flip/champion v2", "champion v2 was refused")
    assert dict(sign.numbers)["refused by"] == "scorer-0, scorer-1"
    assert acting(replace(given, champion="v1")) == []
    assert acting(replace(given, champion=None)) == ["flip/champion v2"]
    assert acting(replace(given, flips=[replace(one, ok=True) for one in flips])) == []
    assert not only(signs(replace(given, time=NOW + RULES.oldest + 1), RULES)).opens


def test_every_command_that_is_advised_exists() -> None:
    written = Path(__file__).parents[3].joinpath("docs", "commands.md").read_text("utf-8")
    listed = re.findall(r"^\| `(scorer [a-z -]+[a-z])", written, re.MULTILINE)
    topics = quiet(events=2 * HOUR, labels=80 * HOUR)
    given = facts(
        verdicts=[verdict(), verdict(role="challenger", version="v2")],
        challengers=["v2"],
        topics=topics,
        coverage=Coverage(NOW - DAY, NOW, 1_000, 0),
        unscored=[Unscored("v2", 100, 100, "")],
        flips=[Flip("champion", "a", "v1", NOW, False, ""), Flip("trial", "a", "v9", NOW, False, "")],
    )
    advised = {command for sign in signs(given, RULES) for _, command in sign.advice if command}
    for text in advised:
        assert text.startswith("monitor ") or any(text.startswith(name) for name in listed), text
    assert len(advised) > 5
