"""One incident from first sign to resolution, told in few letters, whatever the signs do."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.judge.incident import Letter
from monitor.judge.incidents import LETTERS, MISSED, NATURES, OPEN, RELAPSE, RESOLVED, Incidents
from monitor.judge.sign import Kind, Point, Sign, Trend

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

FAIL = Sign("requirement", "accuracy", "FAIL", "accuracy below 0.68", window=7)


def over(ticks: dict[int, list[Sign]], step: int = MINUTE, until: int = 0) -> tuple[Incidents, list[tuple[int, str]]]:
    """Ticks every ``step``: at minute ``m`` the signs of the last entry of ``ticks`` at or before it."""
    kept, told = Incidents("flights"), list[tuple[int, str]]()
    signs: list[Sign] = []
    for time in range(0, max(until, *ticks) * MINUTE + 1, step):
        signs = ticks.get(time // MINUTE, signs)
        kept, letters = kept.take(signs, time)
        told += [(time // MINUTE, letter.event) for letter in letters]
    return kept, told


def test_one_incident_is_told_when_it_begins_and_when_it_is_over() -> None:
    kept, told = over({0: [], 5: [FAIL], 65: []}, until=120)
    assert told == [(5, "opened"), (75, "resolved")]
    [one] = kept.ended
    assert (one.opened, one.resolved, one.letters) == (5 * MINUTE, 75 * MINUTE, 2)
    assert kept.open == {}


def test_what_lasts_is_told_again_every_day() -> None:
    _, told = over({0: [FAIL]}, until=3 * 1440 + 5)
    assert told == [(0, "opened"), (1440, "reminder"), (2880, "reminder"), (4320, "reminder")]


def test_nobody_is_reminded_of_what_was_acknowledged_until_it_comes_back() -> None:
    kept, [letter] = Incidents("flights").take([FAIL], 0)
    kept = Incidents.of_json(kept.acknowledge(letter.incident.id, "ann").to_json())
    told = []
    for minute in range(1, 3 * 1440):
        kept, letters = kept.take([FAIL] if minute not in range(1500, 1520) else [], minute * MINUTE)
        told += [(minute, letter.event) for letter in letters]
    assert told == [(1510, "resolved"), (1520, "again"), (1520 + 1440, "reminder")]
    with pytest.raises(KeyError):
        kept.acknowledge("unknown", "ann")


def test_what_is_gone_for_a_moment_is_still_there() -> None:
    _, told = over({0: [FAIL], 30: [], 39: [FAIL], 60: [], 69: [FAIL], 90: []}, until=200)
    assert told == [(0, "opened"), (100, "resolved")]


def test_what_comes_back_soon_is_the_same_incident_and_ends_later() -> None:
    kept, told = over({0: [FAIL], 10: [], 30: [FAIL], 40: []}, until=200)
    assert told == [(0, "opened"), (20, "resolved"), (30, "again"), (60, "resolved")]
    assert (len(kept.ended), kept.ended[0].relapses) == (1, 1)
    late = RELAPSE // MINUTE + 21
    kept, told = over({0: [FAIL], 10: [], late: [FAIL]})
    assert told[-1] == (late, "opened")
    assert kept.open["requirement/accuracy"].id != kept.ended[0].id


def test_how_long_silence_must_last_is_as_documented() -> None:
    assert (MISSED, RELAPSE) == (3, 6 * HOUR)


def test_a_long_pause_of_the_monitor_is_not_a_long_absence_of_the_sign() -> None:
    kept, _ = Incidents("flights").take([FAIL], 0)
    for n in range(MISSED - 1):
        kept, letters = kept.take([], DAY + n * HOUR)
        assert letters == []
    kept, letters = kept.take([FAIL], DAY + MISSED * HOUR)
    assert [one.event for one in letters] == ["reminder"]


def test_silence_must_last_for_some_ticks() -> None:
    """So a monitor that was down reads first what has come meanwhile."""
    sign, kept = Sign("no labels", "", "ALARM", "no labels for 80 hours"), Incidents("flights")
    told = []
    for tick in range(45):
        kept, letters = kept.take([] if tick == 10 else [sign], DAY + tick)
        told += [tick for _ in letters]
    onset = NATURES["no labels"].onset
    assert told == [10 + onset]
    assert kept.open["no labels"].opened == DAY + 11


def test_evidence_in_the_middle_of_the_window_that_failed_holds_the_incident() -> None:
    def holding(window: int) -> Sign:
        return Sign("requirement", "accuracy", "FAIL", "…", holding=True, window=window)

    _, told = over({0: [FAIL], 10: [holding(7)]}, until=1000)
    assert told == [(0, "opened")]
    _, told = over({0: [FAIL], 10: [holding(8)]}, until=1000)
    assert told == [(0, "opened"), (20, "resolved")]
    _, told = over({0: [holding(7)]}, until=1000)
    assert told == []


def test_what_is_old_opens_nothing_and_keeps_what_is_open() -> None:
    old = Sign("requirement", "accuracy", "FAIL", "accuracy below 0.68", window=7, opens=False)
    assert over({0: [old]}, until=100)[1] == []
    assert over({0: [FAIL], 5: [old]}, until=100)[1] == [(0, "opened")]


def test_a_fast_alarm_counts_at_the_tick_at_which_its_number_rises() -> None:
    def alarmed(n: int) -> list[Sign]:
        return [Sign("falling", "accuracy", "ALARM", "accuracy is falling", alarms=n, detector="v1/7")]

    _, told = over({0: alarmed(1), 600: alarmed(2)}, until=600 + 1441)
    assert told == [(0, "opened"), (2041, "resolved")]
    _, told = over({0: [], 1: alarmed(3)}, until=5 * 1440)
    assert told == [(1, "opened"), (1442, "resolved")]


def test_the_end_is_told_in_the_words_for_it() -> None:
    passed = Sign("requirement", "accuracy", "FAIL", "accuracy is at least 0.68", over=True, numbers=(("n", "1"),))
    kept, _ = Incidents("flights").take([FAIL], 0)
    letters: list[Letter] = []
    for tick in range(1, 20):
        kept, told = kept.take([passed], tick * MINUTE)
        letters += told
    assert [(one.event, one.sign, one.incident.headline) for one in letters] == [
        ("resolved", passed, "accuracy below 0.68")
    ]


def test_many_at_once_are_told_in_few_letters() -> None:
    signs = [Sign("requirement", f"accuracy {n:03}", "FAIL", f"line {n:03}") for n in range(70)]
    kept, letters = Incidents("flights").take([*signs, Sign("coverage", "", "ALARM", "coverage")], 0)
    assert (len(kept.open), len(letters)) == (71, LETTERS)
    assert [len(one.others) for one in letters] == [0, 0, 0, 0, 66]
    assert letters[-1].others[0].headline == "line 005"
    assert Letter.of_json(letters[-1].to_json()) == letters[-1]
    assert {one.key for letter in letters for one in letter.incidents} == set(kept.open)


def test_there_are_bounds() -> None:
    signs = [Sign("requirement", f"{n}", "FAIL", "line") for n in range(OPEN + 10)]
    kept, _ = Incidents("flights").take(signs, 0)
    assert (len(kept.open), kept.passed_over) == (OPEN, 10)
    for tick in range(1, 20):
        kept, _ = kept.take([], tick * MINUTE)
    assert (len(kept.open), len(kept.ended)) == (0, RESOLVED)
    silent = [Sign("no labels", f"{n}", "ALARM", "line") for n in range(OPEN + 10)]
    kept, _ = kept.take(silent, DAY)
    assert len(kept.pending) == OPEN


def test_nothing_is_written_while_nothing_changes() -> None:
    kept, _ = Incidents("flights").take([FAIL], 0)
    assert kept.take([FAIL], MINUTE)[0] == kept
    for tick in range(1, MISSED + 1):
        kept, _ = kept.take([], tick * MINUTE)
    assert kept.take([], (MISSED + 1) * MINUTE)[0] == kept


@pytest.mark.parametrize("trend", [None, Trend("accuracy", (Point("Jun 2013", 0.6, None, 0.7, "FAIL"),), 0.68, None)])
def test_a_letter_is_the_same_after_a_round_trip(trend: Trend | None) -> None:
    sign = Sign("requirement", "a ö", "FAIL", "ä", "t", (("a", "b"),), (("c", ""),), trend)
    _, [letter] = Incidents("flights").take([sign], 3)
    assert Letter.of_json(letter.to_json()) == letter


KINDS: tuple[Kind, ...] = ("requirement", "falling", "no labels", "coverage")


@st.composite
def sign(draw: st.DrawFn) -> Sign:
    kind = draw(st.sampled_from(KINDS))
    alarms = draw(st.integers(1, 4)) if kind == "falling" else 0
    held = kind == "requirement" and draw(st.booleans())
    return Sign(
        kind,
        draw(st.sampled_from("ab")) if kind == "requirement" else "",  # five keys: as many letters at most
        "ALARM",
        draw(st.sampled_from(("one", "two"))),
        holding=held,
        opens=draw(st.booleans()),
        window=draw(st.integers(0, 2)),
        alarms=alarms,
        detector="d" if alarms else "",
    )


SIGNS = st.lists(sign(), max_size=4, unique_by=lambda one: one.key)
SPAN = st.sampled_from([1, 1, 1, MINUTE, 10 * MINUTE, HOUR, 7 * HOUR, 2 * DAY])
STORY = st.lists(st.tuples(SPAN, SIGNS, st.integers(1, 40)), max_size=25)


@settings(max_examples=200, deadline=None)
@given(STORY, st.randoms(use_true_random=False))
def test_whatever_happens_each_incident_is_told_in_order_and_a_kill_changes_nothing(
    story: list[tuple[int, list[Sign], int]], chance: object
) -> None:
    kept, restored, time = Incidents("flights"), Incidents("flights"), 0
    told: dict[str, list[Letter]] = defaultdict(list)
    names: set[str] = set()
    for span, signs, repeated in story:
        for _ in range(repeated):
            time += span
            before = kept
            kept, letters = kept.take(signs, time)
            # Read back from bytes, in another order of signs, and done again: the same.
            restored, again = Incidents.of_json(restored.to_json()).take(signs[::-1], time)
            assert (restored, again, restored.to_json()) == (kept, letters, kept.to_json())
            assert before.take(signs, time) == (kept, letters)
            assert Incidents.of_json(kept.to_json()).to_json() == kept.to_json()
            assert len(letters) <= LETTERS
            for letter in letters:
                assert letter.id not in names
                names.add(letter.id)
                told[letter.incident.id].append(letter)
    for letters in told.values():
        events = [one.event for one in letters]
        assert events[0] == "opened"
        assert [one.incident.letters for one in letters] == list(range(1, len(letters) + 1))
        for first, second in pairwise(events):
            assert (second == "again") == (first == "resolved")
            assert second != "opened"
    for one in kept.open.values():
        assert told[one.id][-1].event != "resolved"
    for one in kept.ended:
        assert told[one.id][-1].event == "resolved"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 120), min_size=20, max_size=400))
def test_what_flaps_is_told_ever_more_seldom(spells: list[int]) -> None:
    """However fast it comes and goes: after ``n`` resolutions the next takes 2**n times as long, up to a day."""
    kept, minute, told = Incidents("flights"), 0, 0
    for turn, spell in enumerate(spells):
        for _ in range(spell):
            kept, letters = kept.take([FAIL] if turn % 2 == 0 else [], minute * MINUTE)
            told += len(letters)
            minute += 1
    # Spells are shorter than RELAPSE, so it is one incident: quiet 10, 20, 40 and 80 minutes, then none is as long.
    assert told <= 8 + minute // 1440 + 1
