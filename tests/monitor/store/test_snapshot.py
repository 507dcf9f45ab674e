"""Readers see whole snapshots, whatever the owner does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from monitor.store import snapshot
from monitor.store.schema import SHARED
from tests.monitor.store.run import Seen, contents, opened, steps
from tests.monitor.store.world import in_order, world

READ = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
for _ in sys.stdin:
    print(connection.execute("SELECT number FROM clock").fetchone()[0], flush=True)
"""


def test_it_shows_what_is_shared_as_of_its_step(tmp_path: Path) -> None:
    state = opened(tmp_path / "state")
    for number, _ in enumerate(steps(state, world(1, intervals=3), in_order, Seen())):
        state.publish(tmp_path / "seen's copy")
        with duckdb.connect(str(tmp_path / "seen's copy"), read_only=True) as connection:
            assert connection.execute("SELECT number FROM clock").fetchall() == [(state.clock.number,)], number
    state.close()
    shown = contents(tmp_path / "seen's copy")
    assert shown == {name: rows for name, rows in contents(tmp_path / "state").items() if name in SHARED}
    assert set(shown) == set(SHARED)
    assert {path.name for path in tmp_path.iterdir()} == {"state", "seen's copy"}


def test_a_reader_in_another_process_keeps_its_own(tmp_path: Path) -> None:
    state = opened(tmp_path / "state")
    going = steps(state, world(1, intervals=2), in_order, Seen())
    next(going)
    state.publish(tmp_path / "copy")
    command = [sys.executable, "-c", READ, str(tmp_path / "copy")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        for _ in going:
            reader.stdin.write("\n")
            assert reader.stdout.readline() == "1\n"
            state.publish(tmp_path / "copy")
        reader.stdin.close()
    assert contents(tmp_path / "copy")["clock"][0][0] == 3
    state.close()


def test_one_that_fails_leaves_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = opened(tmp_path / "state")
    state.publish(tmp_path / "copy")
    before = (tmp_path / "copy").read_bytes()
    monkeypatch.setattr(snapshot, "SHARED", ("clock", "nothing"))
    with pytest.raises(duckdb.CatalogException):
        state.publish(tmp_path / "copy")
    monkeypatch.undo()
    assert (tmp_path / "copy").read_bytes() == before
    state.publish(tmp_path / "copy")
    state.close()
