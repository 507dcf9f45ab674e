"""A file that is not ours, not of our time or not free is refused in words, and stays as it is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from monitor.rows import HOUR, Layout
from monitor.store import schema
from monitor.store.errors import StateHeld, StateRefused
from monitor.store.state import State
from tests.monitor.store.run import contents, opened, run
from tests.monitor.store.world import LAYOUT, TIMING, world


@pytest.fixture
def path(tmp_path: Path) -> Path:
    run(tmp_path / "state", world(3, intervals=2))
    return tmp_path / "state"


def changed(path: Path, statement: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(statement)


def test_it_is_opened_again_as_it_was_left(path: Path) -> None:
    before = contents(path)
    opened(path).close()
    assert contents(path) == before


@pytest.mark.parametrize(
    ("found", "words"),
    [("99", "written by a newer"), ("1", "knows no way on"), ("one", "no state of a monitor")],
)
def test_other_formats_are_refused(path: Path, found: str, words: str) -> None:
    changed(path, f"UPDATE meta SET value = '{found}' WHERE name = 'format'")  # noqa: S608  # of this test
    before = contents(path)
    with pytest.raises(StateRefused, match=words):
        opened(path)
    assert contents(path) == before


def test_older_formats_are_migrated_step_by_step(path: Path) -> None:
    now = schema.FORMAT
    ways = {now: ["ALTER TABLE kept ADD COLUMN tick BIGINT DEFAULT 0"], now + 1: ["UPDATE kept SET tick = 5"]}
    with duckdb.connect(str(path)) as connection:
        schema.prepare(connection, LAYOUT, TIMING, ways, now + 2)
        assert connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchall() == [(str(now + 2),)]
        assert set(connection.execute("SELECT tick FROM kept").fetchall()) == {(5,)}


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    before = contents(path)
    now = schema.FORMAT
    ways = {now: ["ALTER TABLE kept ADD COLUMN tick BIGINT DEFAULT 0"], now + 1: ["UPDATE nothing SET tick = 5"]}
    with duckdb.connect(str(path)) as connection, pytest.raises(duckdb.CatalogException):
        schema.prepare(connection, LAYOUT, TIMING, ways, now + 2)
    assert contents(path) == before


def test_other_columns_and_other_times_are_refused(path: Path) -> None:
    with pytest.raises(StateRefused, match="holds the columns"):
        State(path, Layout({"score": "f8"}), TIMING)
    with pytest.raises(StateRefused, match="would close otherwise"):
        State(path, LAYOUT, replace(TIMING, matures_after=HOUR))


def test_what_is_no_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database" * 1000, "utf-8")
    with pytest.raises(StateRefused):
        opened(tmp_path / "text")
    changed(tmp_path / "other", "CREATE TABLE anything (n INTEGER)")
    with pytest.raises(StateRefused, match="no state of a monitor"):
        opened(tmp_path / "other")
    assert contents(tmp_path / "other") == {"anything": []}


def test_two_processes_cannot_hold_it(path: Path) -> None:
    code = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(StateHeld, match="another process"):
            opened(path)
        other.communicate()
    opened(path).close()


@pytest.mark.parametrize("carried", [{"time": "i8"}, {"score": "f4"}, {"sign": "i1"}])
def test_columns_that_cannot_be_carried(carried: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="taken"):
        Layout(carried)
