"""Sequential tests see the outcomes of closed cohorts once, in their order; what comes later changes none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monitor.judge.judging import Setting
from monitor.judge.outputs import ROLES, table
from monitor.judge.sequences import Sequences, Watched
from monitor.judge.verdicts import Subject, identity
from monitor.judge.windows import VALUES as MOST
from monitor.rows import Rows, take
from monitor.stats.continuous.watching import Watch
from monitor.stats.detector import Detector
from scorer.batch import Bools
from scorer.quality.metrics import CONTINUOUSLY
from scorer.quality.windows import window_of
from tests.monitor.judge.world import (
    FIELDS,
    OUTPUTS,
    REQUIREMENTS,
    SETTING,
    VALUES,
    VERSIONS,
    Run,
    Stream,
    requirement,
    run,
    stream,
)


@pytest.fixture(scope="module")
def matured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stream, Run, Rows]:
    """A stream whose labels all come in time, so that what is known in the end was known when cohorts closed."""
    made = stream(11, 1500, 6 * 24, corrections=0.0)
    result = run(tmp_path_factory.mktemp("matured") / "state", made)
    rows = made.predictions
    place = np.full(len(rows["time"]), -1)
    place[made.labels["id_low"].astype(np.int64)] = np.arange(len(made.labels["time"]))
    place = place[rows["id_low"].astype(np.int64)]
    labelled = place >= 0
    outcomes = {**rows, "labelled": labelled, "value": np.where(labelled, made.labels["value"][place], 0.0)}
    return made, result, take(outcomes, np.lexsort([outcomes["source_offset"], outcomes["time"]]))


def rows_of(outcomes: Rows, one: Subject) -> Bools:
    """The usable outcomes of a subject."""
    asked = next(single for single in REQUIREMENTS if identity(single) == one.requirement)
    which = outcomes["labelled"] & (outcomes["score_0"] <= 1.0) & (outcomes["predicted"] >= 0)
    which &= (outcomes["role"] == ROLES.index(one.role)) & (outcomes["version"] == VERSIONS.index(one.version))
    which &= window_of(outcomes["time"], asked.window) == one.number
    if one.segment:
        name, value = one.segment
        which &= outcomes[f"segment_{FIELDS.index(name)}"] == VALUES[name].index(value)
    return which


def test_an_interval_is_that_of_all_rows_fed_at_once(matured: tuple[Stream, Run, Rows]) -> None:
    _, result, outcomes = matured
    seen = set()
    for asked in [one for one in REQUIREMENTS if one.judged == CONTINUOUSLY]:
        share = SETTING.alpha / (MOST if asked.segments else 1)
        for one, verdict in result.judge.verdicts.items():
            if one.requirement == identity(asked) and not verdict.provisional:
                watch = Watch(asked, result.judge.layout)
                watch.update(table(take(outcomes, rows_of(outcomes, one)), OUTPUTS))
                expected = watch.judge(share)
                assert (verdict.low, verdict.high) == (expected.low, expected.high), one
                assert verdict.verdict == expected.verdict
                seen.add(one.requirement)
    assert seen == {"accuracy//day/continuously", "brier//week/continuously"}, "months are open still"


def test_open_windows_show_what_has_closed(matured: tuple[Stream, Run, Rows]) -> None:
    _, result, outcomes = matured
    months = [one for one in result.judge.verdicts if "/month/continuously" in one.requirement]
    assert len(months) > 10
    closed = take(outcomes, outcomes["time"] < result.judge.closed_before)
    for one in months:
        asked = next(single for single in REQUIREMENTS if identity(single) == one.requirement)
        watch = Watch(asked, result.judge.layout)
        watch.update(table(take(closed, rows_of(closed, one)), OUTPUTS))
        assert result.judge.sequences.ongoing[one].watch.plain() == watch.plain()
        assert result.judge.verdicts[one].provisional


def test_the_fast_detector_runs_on_over_windows(matured: tuple[Stream, Run, Rows]) -> None:
    _, result, outcomes = matured
    asked = "accuracy//day/continuously"
    told = 0
    for version in VERSIONS:
        which = outcomes["labelled"] & (outcomes["score_0"] <= 1.0) & (outcomes["predicted"] >= 0)
        which &= (outcomes["role"] == 0) & (outcomes["version"] == VERSIONS.index(version))
        rows = take(outcomes, which)
        hits = (rows["predicted"] == rows["value"]).astype(np.float64)
        places = Detector(0.6, SETTING.mean_run).update(hits)
        days = window_of(rows["time"][places], "day").tolist()
        found = {
            one.number: verdict.alarms
            for one, verdict in result.judge.verdicts.items()
            if one.requirement == asked and one.version == version and one.role == "champion" and verdict.alarms
        }
        assert found == {day: days.count(day) for day in set(days)}
        told += len(places)
    assert told >= 3
    others = [one for one in result.judge.verdicts.values() if one.role != "champion"]
    assert all((one.alarms, one.level) == (0, None) for one in others)


def test_corrections_after_closing_touch_no_sequence(tmp_path: Path) -> None:
    plain, corrected = stream(11, 400, 60, corrections=0.0), stream(11, 400, 60, corrections=0.0)
    late = corrected.intervals[-4]
    labels = [one.labels for one in corrected.intervals[:8] if len(one.labels["time"])]
    again = {name: np.concatenate([part[name] for part in labels]) for name in labels[0]}
    again["revision"] = again["revision"] + 1
    again["value"] = 1.0 - again["value"]
    position = int(corrected.labels["position"].max()) + 1
    again["position"] = position + np.arange(len(again["time"]))
    assert not any(len(interval.labels["time"]) for interval in corrected.intervals[-3:])
    corrected.intervals[-4] = replace(
        late, labels={name: np.concatenate([late.labels[name], again[name]]) for name in again}
    )
    one, other = run(tmp_path / "plain", plain), run(tmp_path / "corrected", corrected)
    assert {key: fast.plain() for key, fast in one.judge.sequences.fast.items()} == {
        key: fast.plain() for key, fast in other.judge.sequences.fast.items()
    }
    ongoing = {key: test.plain() for key, test in one.judge.sequences.ongoing.items()}
    assert ongoing == {key: test.plain() for key, test in other.judge.sequences.ongoing.items()}
    revised = 0
    for key, verdict in one.judge.verdicts.items():
        changed = other.judge.verdicts[key]
        assert (changed.verdict, changed.low, changed.high, changed.alarms) == (
            verdict.verdict, verdict.low, verdict.high, verdict.alarms,
        )  # fmt: skip
        revised += changed.revision > 0 and changed.value != verdict.value
    assert revised > 10


def test_a_detector_begins_anew_where_the_bound_is_another() -> None:
    asked = requirement("accuracy", "day", CONTINUOUSLY)
    detector = Sequences.empty([asked], SETTING.outputs.layout([asked]), OUTPUTS, (), 100.0)
    state = [1.0, 0.6, 5.0, 0.0, *np.linspace(1.0, 2.0, 8).tolist()]
    watched = Watched(identity(asked), "v1", None)
    detector.restore_fast(watched, state)
    assert detector.fast[watched].plain() == state
    other = Sequences.empty([replace(asked, minimum=0.7)], detector.layout, OUTPUTS, (), 100.0)
    other.restore_fast(watched, state)
    assert not other.fast
    assert other.touched == {watched}


@pytest.mark.parametrize("bound", [0.0, 1.0])
def test_there_is_no_detector_of_what_is_always_kept_or_never(bound: float, tmp_path: Path) -> None:
    asked = requirement("accuracy", "day", CONTINUOUSLY, minimum=bound)
    result = run(tmp_path / "state", stream(1, 200, 48), setting=Setting((asked,), OUTPUTS, FIELDS, 0.05, 100.0))
    assert not result.judge.sequences.fast
    assert all(one.level is None for one in result.judge.verdicts.values())
