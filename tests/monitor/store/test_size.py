"""The state does not grow with the days. ``size.py`` measures; this is a short run of it."""

from __future__ import annotations

from pathlib import Path

from monitor.store.rows import DAY
from tests.monitor.store.run import contents
from tests.monitor.store.size import days, rates


def test_days_go_as_they_come_and_every_prediction_closes(tmp_path: Path) -> None:
    closed = [closed for _day, _used, closed in days(tmp_path / "state", 14, 240, ticks=6)]
    kept = contents(tmp_path / "state")
    tables = [name for name in kept if name.startswith("predictions_")]
    assert len(tables) == len([name for name in kept if name.startswith("labels_")]) == 8, "seven days, and the last"
    assert sum(len(kept[name]) for name in tables) <= 8 * 240
    assert {hour // DAY for hour, *_ in kept["coverage"] if isinstance(hour, int)} == {
        int(name.removeprefix("predictions_")) for name in tables
    }
    assert closed[-1] >= 11 * 240
    assert not kept["fresh_predictions"]
    assert not kept["fresh_labels"]


def test_rates_can_be_measured(tmp_path: Path) -> None:
    found = rates(tmp_path / "state", 1_000, steps=1)
    assert found["pending"] == 1_000
    assert min(found.values()) > 0
