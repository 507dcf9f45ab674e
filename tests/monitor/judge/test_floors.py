"""Requirements only tighten: whatever files say in whatever order, and wherever they are remembered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judge.floors import CHANGES, FILE, Change, Floor, Floors, demands, less, stricter
from monitor.judge.verdicts import identity
from scorer.quality.metrics import METRICS, ONCE
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Baseline, Requirement

BASELINE = Baseline(0.8, "v1", "corpus", "2026-01-02", margin=0.1)


def asking(metric: str = "accuracy", **more: object) -> Requirement:
    bound = {} if {"minimum", "maximum"} & more.keys() else {"minimum": 0.6}
    return Requirement(METRICS[metric], Parameters(), "day", ONCE, **{"least_labels": 20, **bound, **more})  # type: ignore[arg-type]


ACCURACY, BIAS = asking(), asking("bias", minimum=-0.5, maximum=0.5)
NAME = identity(ACCURACY)

share = st.integers(1, 9).map(lambda tenth: tenth / 10)
one_of_them = st.one_of(
    st.builds(lambda low, least, on: asking(minimum=low, least_labels=least, guarded=on),
              share, st.integers(1, 50), st.booleans()),
    st.builds(lambda high: asking("brier", maximum=high), share),
    st.builds(lambda low, high: asking("bias", minimum=low - 1.0, maximum=high), share, share),
)  # fmt: skip
files = st.lists(one_of_them, max_size=4, unique_by=lambda one: one.metric.name)


def is_looser(before: Requirement, after: Requirement) -> bool:
    """Whether some outcome that did not meet the one meets the other, or is judged later, or to no effect."""
    low = (-math.inf if one.minimum is None else one.minimum for one in (before, after))
    high = (math.inf if one.maximum is None else one.maximum for one in (before, after))
    then_low, now_low = low
    then_high, now_high = high
    weaker = before.guarded and not after.guarded
    return now_low < then_low or now_high > then_high or after.least_labels > before.least_labels or weaker


def said(floors: Floors) -> dict[str, tuple[object, ...]]:
    return {name: (*demands(one.requirement), one.dropped) for name, one in floors.of.items()}


@given(st.lists(files, max_size=6))
def test_no_file_loosens_anything(written: list[list[Requirement]]) -> None:
    floors = Floors()
    for time, file in enumerate(written):
        after = floors.meet(file, time)
        for name, held in floors.of.items():
            assert not is_looser(held.requirement, after.of[name].requirement)
            assert after.of[name].revision - held.revision == (
                demands(held.requirement) != demands(after.of[name].requirement)
            )
        assert less(after, file) or all(not is_looser(after.of[identity(one)].requirement, one) for one in file)
        assert after.meet(file, time + 1) == after, "the same file again changes nothing"
        floors = after


@given(st.lists(files, max_size=4), files)
def test_what_is_written_and_read_is_the_same(written: list[list[Requirement]], last: list[Requirement]) -> None:
    floors = Floors()
    for time, file in enumerate([*written, last]):
        floors = floors.meet(file, time)
    if last:
        floors = floors.loosen(identity(last[0]), None, 9, "ann", "dröpped")
    again = Floors.of_json(floors.to_json())
    assert again == floors
    assert list(again.of) == list(floors.of)


@given(st.lists(files, min_size=1, max_size=5), st.integers(0, 4), st.booleans())
def test_a_place_that_knows_less_takes_nothing_back(
    written: list[list[Requirement]], known: int, loosens: bool
) -> None:
    """Of a whole history and one that ends before, joining gives the whole one, from either side and however often."""
    floors, early = Floors(), Floors()
    for time, file in enumerate(written):
        floors = floors.meet(file, time)
        if loosens and floors.of and time == len(written) - 1:
            floors = floors.loosen(next(iter(floors.of)), None, time, "ann", "why")
        if time == known:
            early = floors
    assert said(early.join(floors.of.values())) == said(floors)
    assert floors.join(early.of.values()) == floors
    assert floors.join(floors.of.values()) == floors
    assert said(Floors().join(floors.of.values())) == said(floors), "a state that is lost"


def test_a_loosening_is_not_undone_by_who_has_not_heard_of_it() -> None:
    old = Floors().meet([ACCURACY], 1)
    new = old.loosen(NAME, asking(minimum=0.4), 2, "ann", "the sensor was replaced")
    assert new.of[NAME].requirement.minimum == 0.4
    assert new.join(old.of.values()) == new
    assert old.join(new.of.values()).of == new.of
    assert new.meet([asking(minimum=0.4)], 3) == new
    assert new.meet([ACCURACY], 3).of[NAME].requirement.minimum == 0.6, "the file was not changed"


def test_two_that_differ_under_one_number_are_both_required() -> None:
    mine = Floors().meet([asking("bias", minimum=-0.3, maximum=0.9)], 1)
    theirs = Floors().meet([asking("bias", minimum=-0.7, maximum=0.2)], 1)
    [both] = mine.join(theirs.of.values()).of.values()
    assert (both.requirement.minimum, both.requirement.maximum, both.revision) == (-0.3, 0.2, 2)
    dropped = mine.loosen(identity(BIAS), None, 2, "ann", "w")
    tighter = mine.meet([asking("bias", minimum=-0.1, maximum=0.1)], 2)
    for joined in (dropped.join(tighter.of.values()), tighter.join(dropped.of.values())):
        [kept] = joined.of.values()
        assert (kept.dropped, kept.requirement.minimum, kept.revision) == (False, -0.1, 3)


@pytest.mark.parametrize(
    ("to", "why"),
    [
        (ACCURACY, "is no less"),
        (asking(minimum=0.7), "is no less"),
        (asking("brier", maximum=0.9), "is another requirement"),
    ],
)
def test_what_loosens_nothing_is_refused(to: Requirement, why: str) -> None:
    floors = Floors().meet([ACCURACY], 1)
    assert why in floors.objection(NAME, to)
    with pytest.raises(ValueError, match=why):
        floors.loosen(NAME, to, 2, "ann", "why")


def test_what_is_dropped_is_not_guarded_and_comes_back_when_it_is_written_again() -> None:
    floors = Floors().meet([ACCURACY, BIAS], 1).loosen(NAME, None, 2, "ann", "why")
    assert [one.guarded for one in floors.in_force] == [False, True]
    assert [one.metric.name for one in floors.whole().in_force] == ["bias"]
    assert "is dropped already" in floors.objection(NAME, None)
    assert "nothing is required under the name other" in floors.objection("other", None)
    assert less(floors, [BIAS]) == []
    again = floors.meet([asking(minimum=0.3)], 3)
    assert (again.of[NAME].dropped, again.of[NAME].requirement.minimum, again.of[NAME].revision) == (False, 0.3, 3)


def test_a_range_that_cannot_be_met_with_the_one_in_force_does_not_come_to_be() -> None:
    held = asking("bias", minimum=-0.2, maximum=-0.1)
    assert stricter(held, asking("bias", minimum=0.1, maximum=0.2)) == held


def test_history_says_who_changed_what_and_the_baseline_follows_the_file() -> None:
    floors = Floors().meet([ACCURACY], 1).meet([asking(minimum=0.7)], 2)
    floors = floors.meet([replace(asking(minimum=0.7), baseline=BASELINE)], 3)
    floors = floors.loosen(NAME, asking(minimum=0.5), 4, "ann", "because")
    assert floors.history == (
        Change(NAME, 1, 1, FILE, "it is new", "", "at least 0.6 by 20 labels"),
        Change(NAME, 2, 2, FILE, "it is written down", "at least 0.6 by 20 labels", "at least 0.7 by 20 labels"),
        Change(NAME, 3, 4, "ann", "because", "at least 0.7 by 20 labels", "at least 0.5 by 20 labels"),
    )
    assert Floors().meet([replace(ACCURACY, baseline=BASELINE)], 1).in_force[0].baseline == BASELINE
    assert Floors().meet([ACCURACY], 1).meet([replace(ACCURACY, baseline=BASELINE)], 2).in_force[0].baseline == BASELINE


def test_only_what_has_changed_is_told() -> None:
    before = Floors().meet([ACCURACY, BIAS], 1)
    after = before.meet([asking(minimum=0.9)], 2)
    assert [one.requirement.metric.name for one in after.changed(before)] == ["accuracy"]
    assert len(before.changed(Floors())) == 2
    assert before.changed(before) == []


def test_history_is_bounded() -> None:
    floors = Floors()
    for number in range(CHANGES + 5):
        floors = floors.meet([asking(minimum=0.1 + number / 10_000)], number)
    assert len(floors.history) == CHANGES
    assert floors.history[-1].revision == CHANGES + 5


def test_less_says_what_the_file_does_not_ask_any_more() -> None:
    floors = Floors().meet([ACCURACY, BIAS], 1)
    found: Sequence[str] = less(floors, [asking(minimum=0.5)])
    assert found == [
        "accuracy (day): at least 0.6 becomes at least 0.5",
        "bias at least -0.5 and at most 0.5 (day) is dropped",
    ]
    assert Floor(ACCURACY, 1, 0, "a", "b").said == "at least 0.6 by 20 labels"
