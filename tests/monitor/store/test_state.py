"""What the state does with what comes, case by case."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from monitor.rows import DAY, HOUR, LABELS, PREDICTIONS, Layout, Rows
from monitor.store import outbox
from monitor.store.admission import UNKNOWN_CLASS
from monitor.store.closed import Cohort
from monitor.store.cohorts import Timing
from monitor.store.state import State
from monitor.store.step import Ticked

TIMING = Timing(matures_after=HOUR, retention=2 * DAY, idle_after=HOUR, ahead=HOUR, recorded_for=DAY)
START = 15_706 * DAY
ENDED = [(PREDICTIONS, 0), (LABELS, 0)]


def prediction(event: int, position: int, time: int, *, version: int = 0, source: int | None = None) -> Rows:
    plain = {
        "id_high": event, "id_low": event, "version": version, "source_topic": 0, "source_partition": 0,
        "source_offset": event if source is None else source, "partition": 0, "position": position, "time": time,
        "score": 0.25,
    }  # fmt: skip
    return {name: np.array([value]) for name, value in plain.items()}


def label(event: int, position: int, time: int, value: float = 1.0, *, retracted: bool = False) -> Rows:
    plain = {
        "id_high": event, "id_low": event, "partition": 0, "position": position, "time": time, "revision": 0,
        "value": value, "retracted": retracted,
    }  # fmt: skip
    return {name: np.array([value]) for name, value in plain.items()}


class Bench:
    """A state with one partition of each topic, whose ticks say what closed."""

    def __init__(self, path: Path, implicit: float | None = None) -> None:
        self.state = State(path, Layout({"score": "f8"}), TIMING, implicit=implicit)
        self.ticked: Ticked | None = None
        with self.state.step() as step:
            for partition in ENDED:
                step.assign(*partition, 0)
            step.tick(START)

    def read(self, *rows: Rows) -> None:
        with self.state.step() as step:
            for one in rows:
                (step.predictions if "version" in one else step.labels)(one)

    def tick(self, after: int, *, ended: bool = False) -> list[Cohort]:
        with self.state.step() as step:
            self.ticked = step.tick(START + after, ENDED if ended else ())
            return list(step.cohorts(self.ticked.closed))

    def said(self) -> list[tuple[int, bool, float]]:
        assert self.ticked is not None
        rows = self.ticked.changes
        return list(zip(rows["sign"].tolist(), rows["labelled"].tolist(), rows["value"].tolist(), strict=True))

    def table(self, name: str) -> list[tuple[object, ...]]:
        self.state.publish(self.state.path.with_name("copy"))
        with duckdb.connect(str(self.state.path.with_name("copy")), read_only=True) as connection:
            return connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall()  # noqa: S608  # of these tests


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "state")
    yield made
    made.state.close()


def test_a_label_waits_for_its_prediction_and_is_joined(bench: Bench) -> None:
    bench.read(label(1, 0, START))
    bench.tick(10)
    assert bench.said() == []
    bench.read(prediction(1, 0, START - 5))
    bench.tick(20)
    assert bench.said() == [(1, True, 1.0)]


def test_a_correction_takes_back_what_was_said_and_a_retraction_leaves_nothing(bench: Bench) -> None:
    bench.read(prediction(1, 0, START), label(1, 0, START + 10, 1.0))
    bench.tick(20)
    bench.read(label(1, 1, START + 15, 0.0), label(1, 2, START + 5, 1.0))
    bench.tick(30)
    assert bench.said() == [(-1, True, 1.0), (1, True, 0.0)]
    bench.read(label(1, 3, START + 30, retracted=True))
    bench.tick(40)
    assert bench.said() == [(-1, True, 0.0), (1, False, 0.0)]


def test_every_version_that_scored_an_event_gets_its_label(bench: Bench) -> None:
    bench.read(prediction(1, 0, START, version=0), label(1, 0, START))
    bench.tick(10)
    bench.read(prediction(1, 1, START, version=1))
    bench.tick(20)
    assert bench.said() == [(1, True, 1.0)]
    assert [row[1:] for row in bench.table("coverage")] == [(0, 0, 1, 1), (1, 0, 1, 1)]


def test_the_earliest_event_counts_though_it_is_read_last(bench: Bench) -> None:
    bench.read(prediction(1, 0, START, source=9), label(1, 0, START))
    bench.tick(10)
    bench.read(prediction(1, 1, START, source=3), prediction(1, 2, START, source=5))
    bench.tick(20)
    assert bench.said() == [(-1, True, 1.0), (1, True, 1.0)]
    assert bench.table("counts") == [(PREDICTIONS, "passed_over", 2)]


def test_what_is_read_again_changes_nothing(bench: Bench) -> None:
    rows = prediction(1, 0, START), label(1, 0, START), prediction(2, 5, START)
    bench.read(*rows)
    bench.tick(10)
    before = {name: bench.table(name) for name in ("coverage", "delays", "counts", "sources")}
    bench.read(*rows)
    bench.tick(10)
    assert bench.said() == []
    assert {name: bench.table(name) for name in before} == before
    assert bench.state.offsets() == {(PREDICTIONS, 0): 6, (LABELS, 0): 1}


def test_what_cannot_be_used_is_counted_once(bench: Bench) -> None:
    for _ in range(2):
        with bench.state.step() as step:
            step.labels(label(1, 0, START), np.array([UNKNOWN_CLASS]))
    bench.read(label(2, 1, START + 9 * DAY))
    assert bench.table("counts") == [(LABELS, "future", 1), (LABELS, "unknown_class", 1)]


def test_times_that_no_event_has_are_refused_before_anything_is_known_too(bench: Bench) -> None:
    """The hour of -2**63 is none that can be counted, and every day has a table."""
    bench.read(prediction(1, 0, -(2**63)), prediction(2, 1, -1), prediction(3, 2, 2**63 - 1))
    bench.read(label(1, 0, -(2**63)), label(2, 1, 2**63 - 1))
    bench.tick(10)
    found = {(topic, reason): n for topic, reason, n in bench.table("counts")}
    assert found == {
        (PREDICTIONS, "expired"): 2,
        (PREDICTIONS, "future"): 1,
        (LABELS, "expired"): 1,
        (LABELS, "future"): 1,
    }


def test_a_cohort_closes_when_both_topics_have_passed_its_time_to_mature(bench: Bench) -> None:
    bench.read(prediction(1, 0, START + 5), prediction(2, 1, START + HOUR - 1), prediction(3, 2, START + HOUR))
    assert bench.tick(3 * HOUR) == []
    bench.read(prediction(4, 3, START + 2 * HOUR))
    assert bench.tick(3 * HOUR) == [], "the labels have not come so far"
    bench.read(label(2, 0, START + 2 * HOUR - 1))
    assert bench.tick(3 * HOUR) == [], "a microsecond is missing"
    bench.read(label(9, 1, START + 2 * HOUR))
    (closed,) = bench.tick(3 * HOUR)
    assert closed.hour == START
    assert closed.outcomes["id_low"].tolist() == [1, 2]
    assert closed.outcomes["labelled"].tolist() == [False, True]


def test_time_in_the_future_moves_nothing(bench: Bench) -> None:
    bench.tick(3 * HOUR)
    bench.read(prediction(1, 0, START), label(9, 0, START + 2 * HOUR))
    bench.read(prediction(2, 1, START + 300 * DAY), label(8, 1, START + 300 * DAY))
    assert bench.tick(3 * HOUR) == []
    assert bench.state.clock.reached == START


def test_an_idle_stream_closes_by_ticks_but_only_at_its_end(bench: Bench) -> None:
    bench.read(prediction(1, 0, START))
    assert bench.tick(30 * HOUR) == [], "there may be more to read"
    assert bench.tick(31 * HOUR, ended=True) == []
    assert [one.hour for one in bench.tick(31 * HOUR + 1, ended=True)] == [START]


def test_what_changes_after_closing_is_a_numbered_revision(bench: Bench) -> None:
    bench.tick(3 * HOUR)
    bench.read(prediction(1, 0, START), prediction(2, 1, START + 3 * HOUR), label(9, 0, START + 3 * HOUR))
    assert [one.hour for one in bench.tick(4 * HOUR)] == [START]
    for number, value in enumerate((1.0, 0.0), 1):
        bench.read(label(1, number, START + 3 * HOUR + number, value))
        assert bench.tick(4 * HOUR + number) == []
        assert bench.ticked is not None
        (revision,) = bench.ticked.revisions
        assert (revision.hour, revision.number, revision.changes["sign"].tolist()) == (START, number, [-1, 1])
        assert bench.said() == []


def test_a_missing_label_means_something_only_where_that_is_configured(tmp_path: Path) -> None:
    for implicit, found in ((None, (False, False, 0.0)), (0.0, (True, True, 0.0)), (1.0, (True, True, 1.0))):
        bench = Bench(tmp_path / str(implicit), implicit)
        bench.tick(3 * HOUR)
        bench.read(prediction(1, 0, START), prediction(2, 1, START + 3 * HOUR), label(9, 0, START + 3 * HOUR))
        (closed,) = bench.tick(4 * HOUR)
        assert tuple(closed.outcomes[name].item() for name in ("labelled", "implicit", "value")) == found
        assert bench.table("coverage")[0][3:] == (1, 0), "no label came"
        bench.read(label(1, 1, START + 3 * HOUR, 1.0))
        bench.tick(5 * HOUR)
        assert bench.ticked is not None
        (revision,) = bench.ticked.revisions
        assert revision.changes["implicit"].tolist() == [implicit is not None, False]
        bench.state.close()


def test_days_are_dropped_whole_and_labels_that_met_nothing_are_counted(bench: Bench) -> None:
    bench.read(prediction(1, 0, START), label(1, 0, START), label(2, 1, START + 5), label(3, 2, START + DAY))
    bench.tick(HOUR)
    bench.tick(3 * DAY, ended=True)
    bench.tick(3 * DAY + 2 * HOUR, ended=True)
    assert bench.table("coverage") != []
    bench.tick(3 * DAY + 2 * HOUR, ended=True)
    assert bench.table("coverage") == []
    assert (LABELS, "never_predicted", 1) in bench.table("counts")
    bench.read(prediction(4, 1, START + DAY - 1))
    assert (PREDICTIONS, "expired", 1) in bench.table("counts")


def test_a_step_that_raises_never_happened(bench: Bench) -> None:
    before = bench.table("sources"), bench.state.offsets(), bench.state.clock

    def failing() -> None:
        with bench.state.step() as step:
            step.predictions(prediction(1, 0, START))
            step.tick(START + 5)
            step.keep("a", b"b")
            step.codes("version", ["v1"])
            raise KeyError("nowhere")

    with pytest.raises(KeyError, match="nowhere"):
        failing()
    assert (bench.table("sources"), bench.state.offsets(), bench.state.clock) == before
    assert bench.state.kept("a") is None
    assert bench.state.names("version") == {}
    bench.read(prediction(1, 0, START))
    bench.tick(5)
    assert bench.said() == [(1, False, 0.0)]


def test_letters_have_ids_that_do_not_change_and_go_when_they_are_sent(bench: Bench) -> None:
    def failing() -> None:
        with bench.state.step() as step:
            step.tick(START + 5)
            assert step.send("mail", "no labels", b"text") == "mail/2/no labels"
            raise RuntimeError

    for _ in range(2):
        with pytest.raises(RuntimeError):
            failing()
    with bench.state.step() as step:
        step.tick(START + 5)
        step.send("mail", "no labels", b"text")
        step.send("verdict", "accuracy", b"PASS")
    assert bench.state.unsent("mail") == [("mail/2/no labels", b"text")]
    with bench.state.step() as step:
        step.sent(["mail/2/no labels", "mail/1/unknown"])
    assert bench.state.unsent("mail") == []
    assert bench.state.unsent("verdict") == [("verdict/2/accuracy", b"PASS")]


def test_names_and_what_is_kept_survive(bench: Bench, tmp_path: Path) -> None:
    with bench.state.step() as step:
        assert step.codes("version", ["b", "a", "b"]) == [0, 1, 0]
        step.keep("buckets", b"1")
        step.keep("buckets", b"2")
    bench.state.close()
    bench.state = State(tmp_path / "state", Layout({"score": "f8"}), TIMING)
    assert bench.state.names("version") == {0: "b", 1: "a"}
    assert bench.state.kept("buckets") == b"2"
    with bench.state.step() as step:
        assert step.codes("version", ["c", "a"]) == [2, 1]


def test_every_tick_is_recorded_with_the_offsets_behind_it(bench: Bench) -> None:
    bench.read(prediction(1, 0, START), prediction(2, 1, START))
    bench.tick(10)
    bench.tick(20)
    bench.tick(30, ended=True)
    assert bench.state.ticks() == [
        (1, START, {(PREDICTIONS, 0): (0, False), (LABELS, 0): (0, False)}),
        (2, START + 10, {(PREDICTIONS, 0): (2, False)}),
        (3, START + 20, {}),
        (4, START + 30, {(PREDICTIONS, 0): (2, True), (LABELS, 0): (0, True)}),
    ]


def test_ticks_are_forgotten_once_no_replay_can_use_them(bench: Bench) -> None:
    for days in (0.4, 0.9, 1.3, 1.8, 2.3):
        bench.tick(round(days * DAY))
    assert [(one.time - START) / DAY for one in bench.state.ticks()] == [1.3, 1.8, 2.3]


def test_misuse_is_told(tmp_path: Path) -> None:
    state = State(tmp_path / "other", Layout({"score": "f8"}), TIMING)
    with pytest.raises(ValueError, match="the first step is a tick"), state.step() as step:
        step.predictions(prediction(1, 0, START))
    with state.step() as step:
        step.tick(START)
        step.assign(PREDICTIONS, 0, 7)
        step.assign("events", 3, 1)
        step.position("events", 3, 5)
        step.position("events", 3, 4)
    assert state.offsets() == {(PREDICTIONS, 0): 7, ("events", 3): 5}
    with pytest.raises(ValueError, match="before the last one"), state.step() as step:
        step.tick(START - 1)
    with pytest.raises(ValueError, match="is known, at offset 7"), state.step() as step:
        step.assign(PREDICTIONS, 0, 0)
    with pytest.raises(KeyError), state.step() as step:
        step.predictions({**prediction(1, 0, START), "partition": np.array([4])})
    state.close()


def test_of_the_outbox_no_more_than_the_oldest_letters_are_loaded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox.unsent, "__defaults__", (2,))
    monkeypatch.setattr(outbox.addressed, "__defaults__", (2,))
    for number in range(3):
        with bench.state.step() as step:
            step.tick(START + 1 + number)
            for name in ("b", "a", "a@b"):
                step.send("verdict", name, b"")
            for address in ("dead", "well"):
                step.send("mail", f"{number}@{address}", b"")
    assert [one.id for one in bench.state.unsent("verdict")] == ["verdict/2/a", "verdict/2/a@b"]
    waiting = [one.id for one in bench.state.addressed("mail")]
    assert waiting == ["mail/2/0@dead", "mail/2/0@well", "mail/3/1@dead", "mail/3/1@well"]
    with bench.state.step() as step:
        step.sent(["mail/2/0@well", "mail/3/1@well", "verdict/2/a"])
    assert [one.id for one in bench.state.addressed("mail")] == ["mail/2/0@dead", "mail/3/1@dead", "mail/4/2@well"]
    assert [one.id for one in bench.state.unsent("verdict")] == ["verdict/2/a@b", "verdict/2/b"]


def tables_of(bench: Bench, kind: str) -> int:
    rows = bench.state.reader().execute("SELECT table_name FROM duckdb_tables()").fetchall()
    return sum(name.startswith(f"{kind}_") for (name,) in rows)


def test_labels_of_thousands_of_days_need_no_table_each_and_those_that_match_are_joined(bench: Bench) -> None:
    """Before the watermark is known, behind what is kept, and years ahead of it."""
    ago = [label(1000 + day, day, day * DAY, 1.0) for day in range(2_000, 5_000)]
    many = {name: np.concatenate([one[name] for one in ago]) for name in ago[0]}
    bench.read(many, label(1, 5_000, 5_000 * DAY))
    bench.tick(10)
    assert tables_of(bench, "labels") == 0, "no watermark tells yet which days count"
    bench.read(prediction(1, 0, 3_500 * DAY), prediction(3_600 + 1_000, 1, 3_500 * DAY + 1))
    bench.tick(20)
    assert sorted(bench.said()) == [(1, False, 0.0), (1, True, 1.0)], "years pass before its label"
    assert tables_of(bench, "labels") <= 403
    assert (LABELS, "never_predicted", 1_498) in bench.table("counts"), "days 2000 to 3497 are not kept"
    bench.read(prediction(2, 2, 4_999 * DAY))
    bench.tick(30)
    assert sorted(bench.said()) == [(-1, False, 0.0), (1, False, 0.0), (1, True, 1.0)]


def test_a_label_that_waits_from_the_step_of_its_tick_on_is_joined_later(bench: Bench) -> None:
    with bench.state.step() as step:
        step.labels(label(1, 0, 5_000 * DAY))
        step.tick(START + 10)
    bench.read(prediction(1, 0, 4_999 * DAY))
    bench.tick(20)
    assert bench.said() == [(1, True, 1.0)]


def test_a_cohort_that_closes_and_is_forgotten_at_once_has_its_labels(bench: Bench) -> None:
    bench.read(prediction(1, 0, 4_000 * DAY), label(1, 0, 4_000 * DAY))
    bench.read(prediction(2, 1, 5_000 * DAY), label(2, 1, 5_000 * DAY))
    (closed, *_) = bench.tick(10)
    assert (closed.hour, closed.outcomes["labelled"].tolist()) == (4_000 * DAY, [True])
