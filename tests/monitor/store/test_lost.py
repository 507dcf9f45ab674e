"""A disk that is full and a file that goes away are told in words, and the next start goes on from the last step."""

from __future__ import annotations

import logging
import os
import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pytest

from monitor.files import Files
from monitor.rows import HOUR, Layout
from monitor.service.publishing import Publishing
from monitor.store import tables
from monitor.store.cohorts import Timing
from monitor.store.errors import StateLost, StateRefused
from monitor.store.state import State, kept_in
from monitor.store.transaction import transaction
from scorer.errors import SettingsError

DAY = 24 * HOUR
TIMING = Timing(matures_after=HOUR, retention=2 * DAY, idle_after=HOUR, ahead=HOUR, recorded_for=DAY)
NOISE = np.random.default_rng(1).bytes(400_000)  # it does not compress


def opened(path: Path) -> State:
    return State(path, Layout({"score": "f8"}), TIMING)


def fill(state: State, number: int) -> None:
    with state.step() as step:
        step.tick(number)
        step.keep("what came", NOISE + b"%d" % number)


@contextmanager
def full(size: int) -> Iterator[None]:
    """No file grows beyond so many bytes, as on a disk without room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill_until_lost(state: State) -> None:
    for number in range(state.clock.number + 1, 1_000):
        fill(state, number)


def test_the_cause_of_a_failure_is_told_and_not_that_the_transaction_is_void() -> None:
    with closing(duckdb.connect()) as connection:
        connection.execute("CREATE TABLE numbers (number BIGINT PRIMARY KEY)")
        with pytest.raises(duckdb.ConstraintException, match="uplicate key"), transaction(connection):
            tables.insert(connection, "numbers", {"number": np.array([1, 1])}, {"number": "i8"})
        tables.insert(connection, "numbers", {"number": np.array([2])}, {"number": "i8"})
        assert connection.execute("FROM numbers").fetchall() == [(2,)]


def test_a_full_disk_is_told_in_words_and_the_next_start_goes_on(tmp_path: Path) -> None:
    state = opened(tmp_path / "state")
    fill(state, 1)
    with full(3_000_000), pytest.raises(StateLost, match=r"(?s)cannot be read or written.*Could not write.*make room"):
        fill_until_lost(state)
    last = state.clock.number
    assert last > 1
    state.close()
    again = opened(tmp_path / "state")
    assert again.clock.number == last
    kept = again.kept("what came")
    assert kept is not None
    assert kept == NOISE + b"%d" % last
    fill(again, last + 1)
    again.close()


def test_a_snapshot_that_cannot_be_written_is_told_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "there").mkdir()
    state = opened(tmp_path / "state")
    fill(state, 1)
    (tmp_path / "there").rmdir()
    directory = tmp_path / "there"
    files = Files(directory, tmp_path / "state", directory / "copy", directory, directory)
    publishing = Publishing(state, files)
    for _ in range(3):
        publishing.finish()
    with full(20_000):
        publishing.finish()
    assert caplog.text.count("cannot be written, and is tried again") == 1
    assert "copy cannot be written" in publishing.problem
    directory.mkdir()
    with full(20_000):
        publishing.finish()
    assert publishing.problem
    publishing.finish()
    assert (publishing.problem, caplog.text.count("up to date again")) == ("", 1)
    with duckdb.connect(str(files.snapshot), read_only=True) as connection:
        assert connection.execute("SELECT number FROM clock").fetchall() == [(1,)]
    fill(state, 2)
    state.close()


def test_a_state_that_is_moved_away_while_it_is_open_is_missed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    state = opened(tmp_path / "there" / "state")
    fill(state, 1)
    assert state.size > 0
    (tmp_path / "there").rename(tmp_path / "elsewhere")
    with pytest.raises(StateLost, match="moved or removed while the monitor ran"):
        _ = state.size
    state.close()
    again = opened(tmp_path / "elsewhere" / "state")
    assert again.clock.number == 1
    again.close()


def test_a_mistake_in_a_step_is_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    state = opened(tmp_path / "state")
    with pytest.raises(duckdb.CatalogException), state.step() as step:
        step.connection.execute("SELECT * FROM nothing")
    fill(state, 1)
    state.close()


def test_why_a_transaction_failed_is_not_hidden_by_its_end() -> None:
    def failing(connection: duckdb.DuckDBPyConnection) -> None:
        with transaction(connection):
            connection.rollback()
            raise ValueError("the cause")

    with duckdb.connect() as connection, pytest.raises(ValueError, match="the cause"):
        failing(connection)


def test_a_directory_that_cannot_be_written_or_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StateRefused, match=r"no directory .*nowhere for the state: see monitor\.state_directory"):
        opened(tmp_path / "nowhere" / "state")
    (tmp_path / "state").mkdir()  # DuckDB cannot open it
    with pytest.raises(StateRefused, match="is no state file, is damaged"):
        opened(tmp_path / "state")
    monkeypatch.setattr(os, "access", lambda place, mode: False)  # root may write everywhere
    with pytest.raises(StateRefused, match=r"cannot be written, .*read-only.*see monitor\.state_directory"):
        opened(tmp_path / "state")


@pytest.mark.parametrize("part", ["header", "middle", "end", "all"])
def test_a_damaged_file_is_refused_in_words_and_stays(tmp_path: Path, part: str) -> None:
    path = tmp_path / "state"
    state = opened(path)
    fill(state, 1)
    state.close()
    data = bytearray(path.read_bytes())
    if part == "end":
        data = data[: len(data) // 3]
    elif part == "all":
        data = bytearray()
    else:
        at = 16 if part == "header" else 12_288
        data[at : at + 4_096] = bytes(4_096)
    path.write_bytes(data)
    for open_it in (opened, lambda path: kept_in(path, "what came")):
        with pytest.raises(StateRefused, match=r"is damaged, or was written by a DuckDB .*move it away"):
            open_it(path)
    assert path.read_bytes() == data


def test_the_settings_name_a_directory_that_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nope")):
        files = Files(place, place / "s", place / "c", place / "o", place / "r")
        with pytest.raises(SettingsError, match=r"monitor\.state_directory: .* cannot be made"):
            files.prepare()
