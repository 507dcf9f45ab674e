"""What readers of the snapshot see."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from monitor.rows import DAY, HOUR, LABELS, PREDICTIONS
from monitor.store.cohorts import Source
from monitor.store.errors import SnapshotMissing, StateRefused
from monitor.store.reading import Snapshot
from monitor.store.schema import FORMAT, SHARED
from monitor.store.shown import Covered
from monitor.store.state import State
from tests.monitor.store.oracle import Oracle
from tests.monitor.store.run import Seen, opened, steps
from tests.monitor.store.world import LAYOUT, TIMING, World, in_order, world


@pytest.fixture
def ran(tmp_path: Path) -> tuple[State, World, Path]:
    """A state in which a world has run, and where its snapshot is."""
    made, state = world(3, rows=40, ids=60), opened(tmp_path / "state.duckdb")
    for _ in steps(state, made, in_order, Seen()):
        pass
    with state.step() as step:
        step.codes("version", ["one", "it's 2 <b>"])
    state.publish(tmp_path / "it's a snapshot.duckdb")
    return state, made, tmp_path / "it's a snapshot.duckdb"


def test_a_snapshot_shows_what_the_state_knows(ran: tuple[State, World, Path]) -> None:
    state, made, path = ran
    oracle = Oracle().run(made)
    with Snapshot(path) as snapshot:
        assert snapshot.clock == state.clock
        assert snapshot.timing == TIMING
        assert snapshot.carried == LAYOUT.carried
        sources = snapshot.sources()
        assert {partition: source.next_offset for partition, source in sources.items()} == state.offsets()
        assert all(isinstance(source, Source) for source in sources.values())
        assert {(one.topic, one.reason): one.n for one in snapshot.counts()} == oracle.counts
        assert snapshot.names("version") == {0: "one", 1: "it's 2 <b>"}
        assert snapshot.kept("nothing") is None
        last = f"digest of {made.intervals[-1].tick}"
        assert snapshot.kept(last) == state.kept(last)
        assert snapshot.unsent("verdict") == state.unsent("verdict") != []
        assert {(one.hour, one.number) for one in snapshot.revisions()} == {
            (hour, number)
            for hour, number, _ in oracle.revisions
            if hour >= (oracle.reached - TIMING.retention) // DAY * DAY
        }


def test_coverage_and_delays_are_those_of_the_rows(ran: tuple[State, World, Path]) -> None:
    _, made, path = ran
    rows = Oracle().run(made).outcomes()
    rows["hour"] = rows["time"] // HOUR * HOUR
    expected = rows.groupby(["hour", "version"])["labelled"].agg(["size", "sum"])
    with Snapshot(path) as snapshot:
        found = snapshot.coverage()
        name = {"one": 0, "it's 2 <b>": 1}
        assert {(one.hour, name[one.version]): (one.predictions, one.labelled) for one in found} == {
            key: (int(size), int(told)) for key, size, told in expected.itertuples(name=None)
        }
        assert sum(one.labels for one in snapshot.delays()) == int(rows["labelled"].sum())
        middle = found[len(found) // 2].hour
        assert snapshot.coverage(middle) == [one for one in found if one.hour >= middle]
        assert snapshot.coverage(end=middle) == [one for one in found if one.hour < middle]
        assert snapshot.delays(middle, middle) == []


def test_a_snapshot_that_is_open_stays_and_the_next_one_is_new(ran: tuple[State, World, Path]) -> None:
    state, made, path = ran
    with Snapshot(path) as old:
        before = old.clock
        with state.step() as step:
            step.tick(made.intervals[-1].tick + 5)
        state.publish(path)
        with Snapshot(path) as new:
            assert new.clock.number == before.number + 1
        assert old.clock == before
        assert old.coverage() == old.coverage()


def test_a_code_without_a_name_is_shown_all_the_same(tmp_path: Path) -> None:
    state = opened(tmp_path / "state.duckdb")
    for _ in steps(state, world(3), in_order, Seen()):
        pass
    state.publish(tmp_path / "snapshot.duckdb")
    with Snapshot(tmp_path / "snapshot.duckdb") as snapshot:
        assert {one.version for one in snapshot.coverage()} == {"?"}
        assert isinstance(snapshot.coverage()[0], Covered)


def test_no_snapshot_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SnapshotMissing, match="monitor run"):
        Snapshot(tmp_path / "none.duckdb")


def test_what_is_no_snapshot_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.duckdb").write_text("certainly not a database")
    with pytest.raises(StateRefused, match="no snapshot"):
        Snapshot(tmp_path / "text.duckdb")
    with duckdb.connect(str(tmp_path / "other.duckdb")) as other:
        other.execute("CREATE TABLE names (n INTEGER)")
    with pytest.raises(StateRefused, match="no snapshot"):
        Snapshot(tmp_path / "other.duckdb")


def test_a_snapshot_of_another_release_is_refused(ran: tuple[State, World, Path]) -> None:
    _, _, path = ran
    with duckdb.connect(str(path)) as writing:
        writing.execute("UPDATE meta SET value = ? WHERE name = 'format'", [str(FORMAT + 1)])
    with pytest.raises(StateRefused, match="another release"):
        Snapshot(path)


def test_a_snapshot_cannot_be_written_to(ran: tuple[State, World, Path]) -> None:
    with Snapshot(ran[2]) as snapshot, pytest.raises(duckdb.Error):
        snapshot._connection.execute("DELETE FROM counts")


def test_an_empty_state_shows_nothing(tmp_path: Path) -> None:
    state = opened(tmp_path / "state.duckdb")
    state.publish(tmp_path / "snapshot.duckdb")
    with Snapshot(tmp_path / "snapshot.duckdb") as snapshot:
        assert snapshot.clock.number == 0
        assert snapshot.sources() == {}
        assert [*snapshot.coverage(), *snapshot.delays(), *snapshot.counts(), *snapshot.revisions()] == []
        assert {name for (name,) in snapshot._rows("SHOW TABLES")} == set(SHARED)
        assert not [topic for topic in (PREDICTIONS, LABELS) if snapshot.unsent(topic)]
