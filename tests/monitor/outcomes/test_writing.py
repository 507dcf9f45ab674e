"""The file of a day holds the matured outcomes of the state, whatever came when, and whoever died."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monitor.outcomes.columns import day_of, file_of
from monitor.outcomes.writing import REST, RETRY_SECONDS, Writing, forget
from monitor.rows import DAY, PREDICTIONS
from monitor.store import outcomes
from monitor.store.state import State
from tests.monitor.outcomes.oracle import COLUMNS, LAYOUT, PLACES, TOPICS, VERSIONS, expected
from tests.monitor.store.oracle import Oracle
from tests.monitor.store.world import START, TIMING, World, in_order, shuffled, world

FIRST = START // DAY - 4


def opened(path: Path, implicit: float | None) -> State:
    """A state of this test's layout."""
    return State(path, LAYOUT, TIMING, implicit=implicit)


def run(state: State, made: World, rng: np.random.Generator | None = None) -> Iterator[set[int]]:
    """Run a world, asking for files at each tick; yields the days that each tick asks for."""
    with state.step() as step:
        for partition in made.partitions:
            step.assign(*partition, 0)
        for kind, names in (("topic", TOPICS), ("version", VERSIONS), ("segment:where", PLACES)):
            step.codes(kind, names)
        step.tick(START)
    for interval in made.intervals:
        with state.step() as step:
            for topic, rows, refused in in_order(interval) if rng is None else shuffled(interval, rng):
                if topic == PREDICTIONS:
                    place = np.select([rows["score"] < 0.2, rows["score"] > 0.5], [-1, 1], 0)
                    more = {"predicted": rows["class"], "role": rows["version"], "segment_0": place}
                    step.predictions({**rows, **more}, refused)
                else:
                    step.labels(rows, refused)
            ticked = step.tick(interval.tick, interval.ended)
            outcomes.ask(step, ticked)
        yield set(outcomes.days_touched(ticked))


@pytest.mark.parametrize("implicit", [None, 0.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_day_holds_what_pandas_finds(tmp_path: Path, seed: int, implicit: float | None) -> None:
    made, written = world(seed, intervals=8, rows=25), 0
    oracle = Oracle(implicit).run(made)
    state = opened(tmp_path / "state", implicit)
    writing = Writing(state, tmp_path / "outcomes", COLUMNS, 400)
    kept: dict[int, bytes] = {}
    for days in run(state, made):
        writing.finish()
        kept |= {day: file_of(tmp_path / "outcomes", day).read_bytes() for day in days}
    assert state.unsent(outcomes.KIND) == []
    for day, content in kept.items():
        file = file_of(tmp_path / "outcomes", day)
        assert file.read_bytes() == content
        if day * DAY >= oracle.predictions["time"].min() // DAY * DAY:
            found = pd.read_parquet(file)
            wanted = expected(oracle, day)
            pd.testing.assert_frame_equal(found, wanted, check_dtype=bool(len(wanted)), check_column_type=False)
            written += len(found)
    assert written > 5
    assert sorted(tmp_path.glob("outcomes/*")) == sorted(file_of(tmp_path / "outcomes", day) for day in kept)
    writing.close()
    state.close()


def test_the_order_of_arrival_leaves_no_trace_in_the_bytes(tmp_path: Path) -> None:
    made = world(3, intervals=8, rows=25)
    contents = []
    for number in range(3):
        state = opened(tmp_path / f"state-{number}", None)
        directory = tmp_path / f"outcomes-{number}"
        writing = Writing(state, directory, COLUMNS, 400)
        for _ in run(state, made, np.random.default_rng(number) if number else None):
            pass
        writing.finish()
        contents.append({file.name: file.read_bytes() for file in directory.iterdir()})
        writing.close()
        state.close()
    assert len(contents[0]) > 1
    assert contents[1] == contents[0]
    assert contents[2] == contents[0]


def test_one_letter_waits_for_a_day_however_often_it_changes(tmp_path: Path) -> None:
    state = opened(tmp_path / "state", None)
    asked: list[int] = []
    for days in run(state, world(5, intervals=12)):
        asked += days
        letters = outcomes.wanted(state.unsent(outcomes.KIND))
        assert set(letters) == set(asked)
        assert len(state.unsent(outcomes.KIND)) == len(letters)
    assert len(asked) > len(set(asked))
    state.close()


@pytest.mark.parametrize("seconds", [0.0, 1_000.0])
def test_writing_goes_on_beside_the_steps_and_no_day_is_forgotten_unwritten(tmp_path: Path, seconds: float) -> None:
    """``seconds`` pass between two steps: so many that the thread writes all, or none, so that it always rests."""
    made, kept = world(5, intervals=10, rows=25), []
    for name in ("at once", "beside"):
        state, now = opened(tmp_path / name, None), 0.0
        writing = Writing(state, tmp_path / f"outcomes {name}", COLUMNS, 400)
        for _ in run(state, made):
            if name == "at once":
                writing.finish()
                continue
            done = writing.work(state.unsent(outcomes.KIND), now)
            now += seconds
            with state.step() as step:
                step.sent(done)
        writing.finish()
        kept.append({file.name: file.read_bytes() for file in (tmp_path / f"outcomes {name}").iterdir()})
        writing.close()
        state.close()
    assert len(kept[0]) > 3
    assert kept[1] == kept[0]


def test_a_change_during_the_writing_is_written_next(tmp_path: Path) -> None:
    state = opened(tmp_path / "state", None)
    steps, today = run(state, world(5, intervals=8)), START // DAY
    next(days for days in steps if today in days)
    writing = Writing(state, tmp_path / "outcomes", COLUMNS, 400)
    [letter] = [letter for letter in state.unsent(outcomes.KIND) if int(letter.payload) == today]
    assert writing.work([letter], 0.0) == []
    assert any(today in days for days in steps)  # the same day once more, before the file is known to be written
    while not (done := writing.work([letter], 0.0)):
        pass
    with state.step() as step:
        step.sent(done)
    assert today in outcomes.wanted(state.unsent(outcomes.KIND))
    writing.close()
    state.close()


def test_a_file_rests_after_it_was_written(tmp_path: Path) -> None:
    state = opened(tmp_path / "state", None)
    for _ in run(state, world(5)):
        pass
    writing = Writing(state, tmp_path / "outcomes", COLUMNS, 400)
    letters = [letter for letter in state.unsent(outcomes.KIND) if int(letter.payload) >= START // DAY]
    assert len(letters) > 1
    while not (done := writing.work(letters, 0.0)):
        pass
    letters = [letter for letter in letters if letter.id not in done]
    assert writing._rest_until > 0.0
    assert writing._rest_until < REST * 60.0
    files = len(list((tmp_path / "outcomes").iterdir()))
    assert [writing.work(letters, 0.0) for _ in range(3)] == [[], [], []]
    assert writing._running is None
    assert len(list((tmp_path / "outcomes").iterdir())) == files
    writing.close()
    state.close()


def test_a_failure_is_tried_again_and_leaves_the_file_as_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = opened(tmp_path / "state", None)
    for _ in run(state, world(5)):
        pass
    directory = tmp_path / "outcomes"
    writing = Writing(state, directory, COLUMNS, 400)
    letters = [letter for letter in state.unsent(outcomes.KIND) if int(letter.payload) >= START // DAY]
    directory.rmdir()
    while not caplog.records:
        assert writing.work(letters, 0.0) == []
    assert "trying again" in caplog.text
    directory.mkdir()
    assert writing.work(letters, RETRY_SECONDS - 1) == []
    assert writing._running is None
    done: list[str] = []
    while not done:
        done = writing.work(letters, RETRY_SECONDS)
    assert len(list(directory.iterdir())) == 1
    writing.close()
    state.close()


def test_a_forgotten_day_keeps_its_file(tmp_path: Path) -> None:
    state = opened(tmp_path / "state", None)
    file = file_of(tmp_path, FIRST)
    file.write_bytes(b"as it was")
    reader = state.reader()
    nothing: outcomes.Days = {"predictions": set(), "labels": set()}
    assert outcomes.write_day(reader, FIRST, nothing, file, COLUMNS, TIMING, None) is None
    assert file.read_bytes() == b"as it was"
    reader.close()
    state.close()


def test_files_that_were_not_written_for_long_are_removed(tmp_path: Path) -> None:
    old, new, other = file_of(tmp_path, 15_000), file_of(tmp_path, 14_000), tmp_path / "notes.parquet"
    for file in (old, new, other):
        file.touch()
    for file in (old, other):
        os.utime(file, (1_000.0, 1_000.0))
    os.utime(new, (2_000.0, 2_000.0))
    assert forget(tmp_path, 1_000.5) == 1
    assert sorted(tmp_path.iterdir()) == sorted([new, other])


def test_days_are_named_as_people_do() -> None:
    assert file_of(Path("there"), 15_706) == Path("there/2013-01-01.parquet")
    assert day_of(pd.Timestamp("2013-01-01").date()) == 15_706


def test_a_day_that_is_written_in_parts_has_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = opened(tmp_path / "state", None)
    for _ in run(state, world(3, intervals=8, rows=25)):
        pass
    reader, contents = state.reader(), []
    day = max(outcomes.wanted(state.unsent(outcomes.KIND)))
    for rows in (250_000, 3):
        monkeypatch.setattr(outcomes, "ROWS", rows)
        file = tmp_path / f"{rows}.parquet"
        count = outcomes.write_day(reader, day, state.days(), file, COLUMNS, TIMING, None)
        assert count is not None
        assert count > 5
        contents.append(pd.read_parquet(file))
    pd.testing.assert_frame_equal(contents[0], contents[1])
    assert not list(tmp_path.glob(".*"))
    reader.close()
    state.close()
