"""``monitor status`` and ``monitor report`` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.cli.app import run
from tests.monitor.reports.stream import published

SETTINGS = """
[scorer]
model = "flights"
id_field = "id"
time_field = "time"
instance = "one"

[kafka]
bootstrap_servers = "localhost:9092"

[redis]
url = "redis://localhost:6379/0"

[schemas]
events = { 1 = "event.avsc" }

[monitor]
requirements = "requirements.toml"
state_directory = "state"
"""

REQUIREMENTS = """
[[requirement]]
metric = "log_loss"
clip = 0.001
maximum = 0.6
window = "month"
judged = "continuously"
least_labels = 20
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with settings, requirements and a snapshot."""
    directory = tmp_path_factory.mktemp("commands")
    (directory / "scorer.toml").write_text(SETTINGS)
    (directory / "requirements.toml").write_text(REQUIREMENTS)
    (directory / "state").mkdir()
    published(directory / "state", rows=300, hours=48)
    return directory


def typed(place: Path, *words: str) -> int:
    return run(["--settings", str(place / "scorer.toml"), *words])


@pytest.fixture(autouse=True)
def _there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


def test_the_status_is_shown_and_said_to_be_old(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(place, "status") == 0
    said = capsys.readouterr().out
    assert "champion            v2" in said
    assert "! the snapshot is not renewed" in said
    assert typed(place, "status", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["champion"], found["running"], len(found["problems"])) == ("v2", False, 1)


def test_a_report_is_shown_or_written(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(place, "report", "--period", "day") == 0
    assert "log_loss (clip 0.001)" in capsys.readouterr().out
    assert typed(place, "report", "--period", "month", "--of", "2013-01", "--html", "month.html") == 0
    assert "month.html" in capsys.readouterr().out
    assert (place / "month.html").read_text().startswith("<!doctype html>")
    assert sorted(file.name for file in place.iterdir()) == ["month.html", "requirements.toml", "scorer.toml", "state"]
    assert typed(place, "report", "--period", "week", "--json") == 0
    assert json.loads(capsys.readouterr().out)["period"] == "week"


def test_mistakes_are_told_in_words(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(place, "report", "--period", "day", "--of", "now") == 2
    assert "write 2013-06-03" in capsys.readouterr().err
    assert typed(place, "report", "--period", "day", "--html", "none/there.html") == 2
    assert "none" in capsys.readouterr().err
    assert typed(place, "report") == 2


def test_without_a_snapshot_both_say_that_no_monitor_has_run(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scorer.toml").write_text(SETTINGS.replace("requirements.toml", str(place / "requirements.toml")))
    for words in (("status",), ("status", "--json"), ("report", "--period", "day")):
        assert typed(tmp_path, *words) == 20
        assert "monitor run" in capsys.readouterr().err
