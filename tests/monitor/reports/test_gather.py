"""From a state that has judged a stream, by way of its snapshot, to reports and the status."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from monitor.judge.outputs import KEPT
from monitor.reports import gather, text, writing
from monitor.reports.document import report
from monitor.reports.page import html
from monitor.reports.periods import at
from monitor.reports.status import OLD, problems
from monitor.rows import DAY
from monitor.settings import Monitor
from monitor.store.errors import SnapshotMissing, StateRefused
from monitor.store.reading import Snapshot
from monitor.store.state import State
from tests.monitor.judge.world import LAYOUT, START, TIMING
from tests.monitor.reports.stream import ASKED, published


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that nobody changes."""
    return published(tmp_path_factory.mktemp("monitor"))[0]


@pytest.fixture(scope="module")
def outcomes(snapshot: Path) -> pd.DataFrame:
    """The rows behind it, out of the tables of the state itself."""
    with duckdb.connect(str(snapshot.with_name("state.duckdb")), read_only=True) as connection:
        tables = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        rows, told = (
            pd.concat([connection.execute(f'FROM "{name}"').df() for name in tables if name.startswith(kind)])
            for kind in ("predictions_", "labels_")
        )
    key = ["id_high", "id_low"]
    told = told[~told["retracted"]][[*key, "value"]]
    return rows.merge(told, on=key, how="left", validate="many_to_one")


def judgeable(rows: pd.DataFrame) -> pd.DataFrame:
    """Those with a label, a class and a probability."""
    return rows[rows["value"].notna() & rows["score_0"].between(0.0, 1.0) & (rows["predicted"] >= 0)]


def test_a_report_is_of_the_rows_in_the_state(snapshot: Path, outcomes: pd.DataFrame) -> None:
    with Snapshot(snapshot) as opened:
        span = gather.chosen(opened, "week")
        found = writing.made(opened, ASKED, span)
    inside = outcomes[(outcomes["time"] >= span.begin) & (outcomes["time"] < span.end)]
    live = inside[inside["role"] == 0]
    told = judgeable(live)
    assert (found.predictions, found.labels) == (len(live), len(told))
    assert found.coverage.predictions == (inside["role"] < 2).sum()
    assert found.coverage.labelled == inside[inside["role"] < 2]["value"].notna().sum()
    values = {one.metric: one.whole for one in found.trends}
    assert values["accuracy"].value == pytest.approx(sk.accuracy_score(told["value"], told["predicted"]), abs=1e-12)
    assert values["brier"].value == pytest.approx(sk.brier_score_loss(told["value"], told["score_0"]), abs=1e-12)
    auc = values["auc"]
    assert auc.value == pytest.approx(sk.roc_auc_score(told["value"], told["score_0"]), abs=auc.error or 0.0)
    assert np.array_equal(found.confusion.counts, sk.confusion_matrix(told["value"], told["predicted"]))
    assert {(one.version, one.role) for one in found.versions} == {
        (("v1", "v2")[version], ("champion", "trial", "challenger")[role])
        for version, role in inside[["version", "role"]].itertuples(index=False)
    }
    assert found.segments == 8
    assert sum(one.labels for one in found.coverage.delays) > 0
    assert found.letters.reasons == (("refused_value", 12), ("decode_failed", 2))
    assert [one.name for one in found.drift] == ["temp", "score of yes"]
    assert found.drift[0].n == 1_245
    assert found.drift[0].missing == 40 / 1_245
    assert found.cases
    assert (found.champion, found.challengers) == ("v2", ("v1",))
    json.loads(writing.as_json(found))
    assert "<svg" in html(found)


def test_worst_cases_are_the_largest_losses_of_their_days(snapshot: Path, outcomes: pd.DataFrame) -> None:
    with Snapshot(snapshot) as opened:
        found = writing.made(opened, ASKED, at(START + 2 * DAY, "day"))
    day = outcomes[
        (outcomes["time"] // DAY == START // DAY + 2) & (outcomes["role"] == 0) & (outcomes["predicted"] >= 0)
    ]
    told = judgeable(day)
    loss = (told["score_0"] - told["value"]).abs()[told["predicted"] != told["value"]]
    assert found.cases[0].error.loss == pytest.approx(loss.max(), abs=0.05)
    for one in found.cases:
        row = outcomes[outcomes["source_offset"] == one.error.offset].iloc[0]
        assert row["score_0"] == one.error.score
        assert f"--event events/0/{one.error.offset} " in one.command
        assert f"coefficients/flights/{one.error.version} " in one.command


def test_the_period_is_the_latest_that_is_closed(snapshot: Path) -> None:
    with Snapshot(snapshot) as opened:
        closed = gather.closed(opened)
        assert closed is not None
        for period in ("day", "week"):
            span = gather.chosen(opened, period)
            assert span.end <= closed
        assert gather.chosen(opened, "month") == at(START, "month")  # none is closed: the one that is open
        assert writing.made(opened, ASKED, at(START, "month")).provisional


def test_the_status_says_how_it_is(snapshot: Path, outcomes: pd.DataFrame) -> None:
    with Snapshot(snapshot) as opened:
        tick = opened.clock.time
        found = gather.now(opened, ASKED, tick + 1_500_000)
        counts = {(one.topic, one.reason): one.n for one in opened.counts()}
    assert (found.running, found.age, found.champion) == (True, 1.5, "v2")
    assert {one.name: (one.partitions, one.ended) for one in found.topics} == {"labels": (1, 1), "predictions": (1, 1)}
    counting = outcomes[outcomes["role"] < 2]
    assert found.coverage.predictions == len(counting)
    assert found.coverage.labelled == counting["value"].notna().sum()
    assert {(topic, why): n for topic, why, n in found.refused} == counts
    assert found.pending == 0
    assert len({(row.requirement, row.segment) for row in found.requirements}) == len(found.requirements)
    assert sum(found.tally.values()) == 9
    assert problems(found) == []
    told = json.loads(writing.as_json(found))
    assert told["problems"] == []
    assert told["tick"].startswith("2013-01-")
    assert told["topics"][0]["behind"] > 0


def test_a_snapshot_that_nobody_renews_is_said_so(snapshot: Path) -> None:
    with Snapshot(snapshot) as opened:
        old = gather.now(opened, ASKED, opened.clock.time + OLD + 1)
        ahead = gather.now(opened, ASKED, opened.clock.time - DAY)
    assert not old.running
    assert not ahead.running
    assert any("monitor run" in one for one in problems(old))


def test_both_can_be_shown_as_text(snapshot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Snapshot(snapshot) as opened:
        text.show_status(gather.now(opened, ASKED, opened.clock.time + DAY))
        said = capsys.readouterr().out
        assert "is not renewed" in said
        assert "24 hours ago" in said
        assert "passed_over" in said
        text.show_report(writing.made(opened, ASKED, gather.chosen(opened, "week")))
        said = capsys.readouterr().out
    assert "scorer models add-case coefficients/flights/" in said
    assert "refused_value 12" in said
    assert "nan" not in said


def test_other_requirements_than_the_monitors_are_refused(snapshot: Path) -> None:
    clipped = [one for one in ASKED.requirements if one.parameters.clip is None]
    with Snapshot(snapshot) as opened, pytest.raises(StateRefused, match="have changed"):
        writing.made(opened, replace(ASKED, requirements=clipped), at(START, "day"))


def test_an_empty_state_is_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = State(tmp_path / "state", LAYOUT, TIMING)
    state.publish(tmp_path / "snapshot")
    with Snapshot(tmp_path / "snapshot") as opened:
        found = gather.now(opened, ASKED, START)
        assert (found.champion, found.watermark, found.closed_before, found.running) == (None, None, None, False)
        text.show_status(found)
        assert "no champion is followed" in capsys.readouterr().out
        json.loads(writing.as_json(found))
        with pytest.raises(SnapshotMissing, match="no champion"):
            writing.made(opened, ASKED, gather.chosen(opened, "day"))
        assert writing.write_due(opened, ASKED, ("day",), tmp_path / "reports", 1_000.0) == []
    with state.step() as step:
        step.keep(KEPT, b'{"kind": "binary", "classes": ["no", "yes"], "scale": "probability"}')
        step.tick(START)
    state.publish(tmp_path / "snapshot")
    with Snapshot(tmp_path / "snapshot") as opened:
        found_ = writing.made(opened, ASKED, gather.chosen(opened, "month"))
        assert "no predictions" in html(found_)
        text.show_report(found_)
        assert writing.write_due(opened, ASKED, ("day",), tmp_path / "reports", 1_000.0) == []


def test_reports_that_are_due_are_written_once(snapshot: Path, tmp_path: Path) -> None:
    """The last three days that are closed are 9 to 11 January, and only the first of them has predictions."""
    directory = tmp_path / "reports"
    directory.mkdir()
    for name in ("flights-day-2013-01-03", "flights-day-notes", "other-day-2013-01-10"):
        (directory / f"{name}.html").write_text("somebody's")
    with Snapshot(snapshot) as opened:
        found = writing.write_due(opened, ASKED, ("day", "week", "month"), directory, 1_000.0)
        assert [one.name for one in found] == ["flights-day-2013-01-09.html", "flights-week-2012-12-31.html"]
        assert writing.write_due(opened, ASKED, ("day", "week", "month"), directory, 1_000.0) == []
    assert len(list(directory.iterdir())) == 3 + 2 * 2
    for file in found:
        assert json.loads(file.with_suffix(".json").read_text())["model"] == "flights"
        assert file.read_text().endswith("</html>\n")


def test_reports_of_long_ago_are_removed(snapshot: Path, tmp_path: Path) -> None:
    """Cohorts before noon or so of 12 January are closed: what ended within 9 days before stays, the rest goes."""
    for name in ("flights-day-2013-01-03", "flights-day-2013-01-02", "flights-day-notes", "other-day-2013-01-02"):
        for kind in ("html", "json"):
            (tmp_path / f"{name}.{kind}").write_text("somebody's")
    with Snapshot(snapshot) as opened:
        writing.write_due(opened, ASKED, ("day",), tmp_path, 9.0)
    found = sorted(file.name for file in tmp_path.glob("*-*"))
    stay = ("flights-day-2013-01-03", "flights-day-2013-01-09", "flights-day-notes", "other-day-2013-01-02")
    assert found == sorted(f"{name}.{kind}" for name in stay for kind in ("html", "json"))


def test_values_that_are_not_told_apart_are_told(snapshot: Path) -> None:
    with Snapshot(snapshot) as opened:
        found = gather.material(opened, ASKED, gather.chosen(opened, "month"))
    told = report(replace(found, beyond={"origin": 1_234, "carrier": 0}))
    assert told.beyond == (("origin", 1_234),)
    assert "origin has more values than are told apart: 1,234 predictions of others" in html(told)


def test_they_are_written_by_a_thread(snapshot: Path, tmp_path: Path) -> None:
    told, done = [], threading.Event()

    def tell(file: Path) -> None:
        told.append(file)
        done.set()

    with writing.Nightly(snapshot, ASKED, Monitor(scheduled_reports=("week",)), tmp_path, tell) as nightly:
        assert done.wait(60.0)
        nightly.check()
    assert [file.name for file in told] == ["flights-week-2012-12-31.html"]
    assert told[0].is_file()
