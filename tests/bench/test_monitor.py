"""The benchmark of the monitor runs, its days go as they come, and it would notice other results."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from bench.effort import Effort
from bench.errors import BenchError
from bench.monitor import days, peers, rates, records, run
from bench.monitor.days import KEPT
from monitor.rows import DAY


def test_rates(tmp_path: Path) -> None:
    found = rates.measure(tmp_path, 3_000, 1)
    assert (found.pending, found.predictions, found.labels) == (3_000, 750, 375)
    assert min(*found.predicted, *found.labelled, *found.both, found.cpu, found.published, found.file, found.most) > 0


@pytest.mark.parametrize(("name", "complaint"), [("late", "the judge says"), ("AGAIN", "the state counts")])
def test_rates_notice_other_results(name: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = rates.check

    def turned(*found: object) -> None:
        if name == "late":
            monkeypatch.setattr(rates, "late", lambda events: np.ones(len(events), bool))
        else:
            found[1].copies += 1  # type: ignore[attr-defined]
        check(*found)  # type: ignore[arg-type]

    monkeypatch.setattr(rates, "check", turned)
    with pytest.raises(BenchError, match=complaint):
        rates.measure(tmp_path, 3_000, 1)


def test_the_state_keeps_as_many_days_however_many_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "TICKS", 6)
    used = list(days.days(tmp_path, 9, 240))
    assert [one.day for one in used] == list(range(1, 10))
    assert used[-1].closed > 6 * 240
    with duckdb.connect(str(tmp_path / "days"), read_only=True) as state:
        tables = [name for (name,) in state.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        held = [name for name in tables if name.startswith("predictions_")]
        assert len(held) <= KEPT + 2
        [(rows,)] = state.execute("SELECT sum(predictions) FROM coverage").fetchall()
        assert rows <= (KEPT + 1) * 240
        assert len([name for name in tables if name.startswith("labels_")]) <= KEPT + 2
        [(first,)] = state.execute("SELECT min(hour) FROM coverage").fetchall()
        assert first // DAY == min(int(name.removeprefix("predictions_")) for name in held)
    days.draw(used, tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").read_text("utf-8").rstrip().endswith("</svg>")


def test_records(effort: Effort) -> None:
    assert [name for name, _, _ in records.compare(effort)] == ["prediction", "label", "event, 20 inputs counted"]


def test_peers_come_to_the_same_values(effort: Effort) -> None:
    found = peers.compare(effort, 400)
    assert [one.name for one in found] == ["the monitor's buckets", "river", "evidently"]
    with pytest.raises(BenchError, match="recall"):
        peers.check("x", {"recall": 0.5}, {"recall": 0.5 + 1e-6})


def test_the_command_shows_every_part(
    effort: Effort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lines(part: str, *arguments: str) -> object:
        (tmp_path / part).mkdir()
        module = {"rates": rates, "days": days}[part]
        module.main([*arguments, str(tmp_path / part)])
        return map(json.loads, capsys.readouterr().out.splitlines())

    monkeypatch.setattr(run, "_lines", lines)
    monkeypatch.setattr(run, "LEAST", 1)
    monkeypatch.setattr(days, "TICKS", 3)
    made = run.run(replace(effort, pending=(3_000,), days=4, daily=240, folder=tmp_path / "out", say=lambda _: None))
    assert [table.row_count for table in made.renderables] == [1, 4, 3, 3]  # type: ignore[union-attr]
    assert (tmp_path / "out" / run.PLOT).is_file()


def test_a_part_that_fails_is_told() -> None:
    with pytest.raises(BenchError, match="ended with"):
        list(run._lines("rates", "no number", "1"))
