"""What a judge keeps and forgets: open cohorts, old verdicts, worst cases, other plans, a step that was rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.judge.judging import KEPT_DAYS, Judge, Setting
from monitor.judge.sequences import DETECTORS_FOR
from monitor.judge.verdicts import Subject, identity
from monitor.judge.windows import VALUES
from monitor.judge.worst import MOST
from monitor.rows import DAY, HOUR, LABELS, PREDICTIONS
from monitor.store import judged
from monitor.store.errors import StateRefused
from monitor.store.state import State
from scorer.quality.metrics import CONTINUOUSLY
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Segments
from tests.monitor.judge.test_figures import frame
from tests.monitor.judge.world import (
    FIELDS,
    LAYOUT,
    OUTPUTS,
    REQUIREMENTS,
    SETTING,
    START,
    TIMING,
    Interval,
    Stream,
    contents,
    in_order,
    requirement,
    run,
    stream,
)


def asking(*more: object, **changed: object) -> Setting:
    """The usual setting with other requirements."""
    return replace(SETTING, requirements=(*REQUIREMENTS, *more), **changed)  # type: ignore[arg-type]


def go_on(path: Path, intervals: Sequence[Interval], setting: Setting, fails: Sequence[int] = ()) -> Judge:
    """Go on with a state; at the ticks ``fails`` the step is rolled back after all was judged, and done again."""
    with closing(State(path, LAYOUT, TIMING)) as state:
        judge = judged.load(state, setting)
        for number, interval in enumerate(intervals):
            for topic, rows in in_order(interval):
                with state.step() as step:
                    (step.predictions if topic == PREDICTIONS else step.labels)(rows)
            for breaks in [True, False] if number in fails else [False]:
                try:
                    with state.step() as step:
                        ticked = step.tick(interval.tick, [(PREDICTIONS, 0), (LABELS, 0)])
                        judged.tick(step, judge, ticked, interval.tick)
                        if breaks:
                            raise InterruptedError  # noqa: TRY301  # the step is what breaks
                except InterruptedError:
                    judge = judged.load(state, setting)
        return judge


def test_a_continuous_verdict_is_about_closed_cohorts_alone(tmp_path: Path) -> None:
    made = stream(3, 1500, 60)
    begun = Stream(made.intervals[: len(made.intervals) // 2])
    judge, rows = run(tmp_path / "state", begun).judge, frame(begun)
    asked = identity(REQUIREMENTS[0])
    open_ones = 0
    for one, verdict in judge.verdicts.items():
        if verdict.requirement != asked or not verdict.provisional:
            continue
        ours = rows[(rows.time >= verdict.begin) & (rows.time < verdict.end)]
        ours = ours[(ours.role == one.role) & (ours.version == one.version)]
        closed = ours[ours.time < judge.closed_before]
        assert verdict.predictions == len(closed)
        known = closed[closed.valid & closed.label.notna()]
        assert verdict.n == len(known)
        if len(known):
            assert verdict.value == pytest.approx((known.predicted == known.label).mean(), abs=1e-12)
        open_ones += int((ours[ours.time >= judge.closed_before].label.notna()).sum())
    assert open_ones > 20, "labels of open cohorts were there"


def test_old_verdicts_are_forgotten_in_memory_and_in_the_state(tmp_path: Path) -> None:
    judge = run(tmp_path / "state", stream(7, 500, 12 * 24)).judge
    last_day = judge.closed_before // DAY * DAY
    hours = sorted(one.end for one in judge.verdicts.values() if one.window == "hour")
    assert last_day - KEPT_DAYS["hour"] * DAY < hours[0] <= last_day - KEPT_DAYS["hour"] * DAY + 6 * HOUR
    stored = {(one[0], one[1], one[2], one[3]) for one in contents(tmp_path / "state")["verdicts"]}
    assert stored == {(one.requirement, one.number, one.role, one.version) for one in judge.verdicts}
    assert min(one.begin for one in judge.verdicts.values() if one.window == "day") < hours[0] - 3 * DAY
    hourly = [key.hour for key in judge.cells.buckets.kept if key.hours == 1]
    assert min(hourly) >= judge.cells.merged > START // HOUR, "buckets of single hours are merged into days"


def test_detectors_that_are_fed_nothing_any_more_are_forgotten(tmp_path: Path) -> None:
    made = stream(2, 500, 60)
    run(tmp_path / "state", made)
    with closing(State(tmp_path / "state", LAYOUT, TIMING)) as state:
        judge, last = judged.load(state, SETTING), made.intervals[-1].tick
        assert judge.sequences.fast
        for days, kept in ((DETECTORS_FOR // 24 - 5, True), (DETECTORS_FOR // 24 + 2, False)):
            with state.step() as step:
                ticked = step.tick(last + days, [(PREDICTIONS, 0), (LABELS, 0)])
                closed = step.closed_before + days * DAY
                judge.tick(ticked, step.cohorts(ticked.closed), closed, closed, step.names, step.alike)
            assert bool(judge.sequences.fast) == kept


@pytest.mark.parametrize("several", [2500, 100])
def test_worst_cases_are_the_largest_confident_errors_of_each_day(several: int, tmp_path: Path) -> None:
    made = stream(1, several, 60, corrections=0.0)
    judge, rows = run(tmp_path / "state", made).judge, frame(made)
    rows = rows[(rows.role == "champion") & rows.valid & rows.label.notna() & (rows.predicted != rows.label)]
    rows = rows.assign(loss=np.where(rows.label == 1.0, 1.0 - rows.score, rows.score), day=rows.time // DAY)
    rows = rows.sort_values(["loss", "time", "source_offset"], ascending=[False, True, True])
    expected = {
        key: list(part.head(MOST)[["loss", "source_offset"]].itertuples(index=False, name=None))
        for key, part in rows.groupby(["day", "version"])
    }
    found = {key: [(one.loss, one.offset) for one in cases] for key, cases in judge.worst.cases.items()}
    assert found == expected
    assert (max(map(len, found.values())) == MOST) == (several > 1000)
    with closing(State(tmp_path / "state", LAYOUT, TIMING)) as state:
        assert judged.load(state, SETTING).worst.cases == judge.worst.cases


@pytest.mark.parametrize(
    "setting",
    [
        asking(requirement("recall", given=Parameters(threshold=0.4))),
        asking(requirement("log_loss", given=Parameters(clip=0.01), maximum=0.6)),
        asking(requirement("recall", segments=(Segments("carrier", ("ZZ",)),))),
        asking(requirement("recall", "hour", segments=(Segments("carrier", ()),))),
        replace(SETTING, outputs=replace(OUTPUTS, classes=("no", "maybe"))),
    ],
    ids=["a threshold", "a clip", "a named segment", "a segment by the hour", "other classes"],
)
def test_what_needs_other_counts_is_refused_with_the_command_that_counts_anew(setting: Setting, tmp_path: Path) -> None:
    made = stream(1, 100, 20)
    judge = run(tmp_path / "state", made).judge
    before = contents(tmp_path / "state")
    with closing(State(tmp_path / "state", LAYOUT, TIMING)) as state:
        with pytest.raises(StateRefused, match="monitor replay --to DIRECTORY") as refused:
            judged.load(state, setting)
        assert "Set them back" in str(refused.value)
        assert judged.load(state, SETTING).verdicts == judge.verdicts
    assert contents(tmp_path / "state") == before


def test_who_asks_in_the_middle_of_a_window_is_answered_from_the_next_one_on(tmp_path: Path) -> None:
    hourly = requirement("accuracy", "hour", CONTINUOUSLY)
    added = (requirement("accuracy", "week", CONTINUOUSLY), requirement("accuracy", "week"), hourly)
    continuous = {identity(added[0]), identity(hourly)}
    made = stream(4, 700, 12 * 24)
    half = next(number for number, one in enumerate(made.intervals) if one.tick > made.intervals[0].tick + 6 * DAY)
    run(tmp_path / "state", Stream(made.intervals[:half]))
    judge = go_on(tmp_path / "state", made.intervals[half:], asking(*added))
    whole = run(tmp_path / "whole", made, setting=asking(*added)).judge
    asked_at = judge.since[identity(added[0])]
    young = 0
    for one, verdict in whole.verdicts.items():
        if one.requirement in continuous and verdict.begin < asked_at:
            if one in judge.verdicts:
                assert judge.verdicts[one].verdict == "INSUFFICIENT"
                assert judge.verdicts[one].reason == "it was not required yet when this window began"
                young += 1
        elif one.requirement in map(identity, added) and verdict.end > asked_at:
            assert replace(judge.verdicts[one], time=0, revision=0, alarms=0, level=None) == replace(
                verdict, time=0, revision=0, alarms=0, level=None
            )
    assert young
    assert any(one.requirement == identity(hourly) and one.begin == asked_at for one in judge.verdicts.values())
    assert all(
        one.verdict == judge.verdicts[key].verdict
        for key, one in whole.verdicts.items()
        if key.requirement in map(identity, REQUIREMENTS)
    )


def test_a_step_that_is_rolled_back_leaves_nothing_behind(tmp_path: Path) -> None:
    made = stream(1, 300, 60)
    run(tmp_path / "whole", made)
    first = Stream(made.intervals[:2])
    run(tmp_path / "other", first)
    go_on(tmp_path / "other", made.intervals[2:], SETTING, fails=range(0, len(made.intervals), 3))
    assert contents(tmp_path / "whole") == contents(tmp_path / "other")


def test_segments_that_are_judged_continuously_share_the_chance_of_error(tmp_path: Path) -> None:
    made = stream(1, 300, 40)
    found: list[dict[tuple[str, str], tuple[float, float]]] = []
    for values, alpha in ((("JFK",), 0.05), (("EWR", "JFK"), 0.1), ((), 0.05 * VALUES)):
        asked = requirement("accuracy", "month", CONTINUOUSLY, segments=(Segments("origin", values),))
        setting = Setting((asked,), OUTPUTS, FIELDS, alpha, 200.0)
        verdicts = run(tmp_path / str(len(found)), made, setting=setting).judge.verdicts.values()
        found.append(
            {(one.role, one.version): (one.low, one.high) for one in verdicts if one.segment == ("origin", "JFK")}
        )
    assert found[0] == found[1] == found[2]
    assert len(found[0]) > 2


def test_a_bound_that_changes_on_the_way_is_that_of_the_windows_under_way(tmp_path: Path) -> None:
    """At once, as a command does it, or with the next start: verdicts, sequences and detectors are the same."""
    made = stream(2, 700, 12 * 24)
    half = len(made.intervals) // 2
    tighter = [replace(one, minimum=0.9) if one.minimum else replace(one, maximum=0.05) for one in REQUIREMENTS]
    other = replace(SETTING, requirements=tuple(tighter))
    for name in ("at once", "by a start"):
        run(tmp_path / name, Stream(made.intervals[:half]))
    by_a_start = go_on(tmp_path / "by a start", made.intervals[half:], other)
    with closing(State(tmp_path / "at once", LAYOUT, TIMING)) as state:
        judge = judged.load(state, SETTING)
        before = dict(judge.verdicts)
        judge.require(tighter)
        for interval in made.intervals[half:]:
            for topic, rows in in_order(interval):
                with state.step() as step:
                    (step.predictions if topic == PREDICTIONS else step.labels)(rows)
            with state.step() as step:
                ticked = step.tick(interval.tick, [(PREDICTIONS, 0), (LABELS, 0)])
                judged.tick(step, judge, ticked, interval.tick)
    found, wanted = (
        {key: replace(one, time=0, revision=0) for key, one in a.verdicts.items()} for a in (judge, by_a_start)
    )
    assert found == wanted
    assert {watched: fast.plain() for watched, fast in judge.sequences.fast.items()} == {
        watched: fast.plain() for watched, fast in by_a_start.sequences.fast.items()
    }
    under_way = [key for key, one in before.items() if one.provisional]
    assert under_way
    assert all(judge.verdicts[key].minimum in (None, 0.9) for key in under_way)
    ended = [key for key, one in before.items() if not one.provisional and key in judge.verdicts]
    assert all(judge.verdicts[key].minimum == before[key].minimum for key in ended)
    assert any(judge.verdicts[key].verdict != whole for key, whole in _verdicts(tmp_path / "whole", made).items())


def _verdicts(path: Path, made: Stream) -> dict[Subject, str]:
    return {key: one.verdict for key, one in run(path, made).judge.verdicts.items()}


def test_other_subjects_are_refused() -> None:
    judge = Judge.new(SETTING)
    with pytest.raises(ValueError, match="other subjects"):
        judge.require(REQUIREMENTS[1:])
