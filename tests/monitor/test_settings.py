"""The monitor's section in the settings that it shares with the scorer."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.settings import OWN, MonitorSettings
from scorer.errors import SettingsError
from scorer.settings import OTHERS, Settings, describe

FILE = """
[scorer]
model = "flights"
[schemas]
events = { 1 = "event.avsc" }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "settings.toml").write_text(FILE)
    return tmp_path / "settings.toml"


def test_defaults_bear_the_models_name(file: Path) -> None:
    settings = MonitorSettings.load(file, {})
    assert settings.monitor.group == "flights.monitor"
    assert settings.monitor.requirements == file.parent / "coefficients/flights/requirements.toml"
    assert settings.topics.labels == "flights.labels"


def test_paths_are_relative_to_the_file_or_in_the_environment_to_the_directory(file: Path) -> None:
    file.write_text(FILE + '[monitor]\nrequirements = "floors.toml"\nmatures_after_hours = 1\n')
    assert MonitorSettings.load(file, {}).monitor.requirements == file.parent / "floors.toml"
    settings = MonitorSettings.load(file, {"MONITOR_REQUIREMENTS": "there.toml", "MONITOR_MATURES_AFTER_HOURS": "2"})
    assert (settings.monitor.requirements, settings.monitor.matures_after_hours) == (Path("there.toml"), 2.0)


def test_without_a_file() -> None:
    environ = {"SCORER_MODEL": "flights", "SCHEMAS_EVENTS": '{"1": "event.avsc"}', "MONITOR_GROUP": "mine"}
    monitor = MonitorSettings.load(None, environ).monitor
    assert (monitor.group, monitor.requirements) == ("mine", Path("coefficients/flights/requirements.toml"))


def test_what_is_empty_has_its_default(file: Path) -> None:
    settings = MonitorSettings.load(file, {"MONITOR_GROUP": "", "MONITOR_REQUIREMENTS": "", "TOPICS_LABELS": ""})
    assert (settings.monitor.group, settings.topics.labels) == ("flights.monitor", "flights.labels")
    assert settings.monitor.requirements == file.parent / "coefficients/flights/requirements.toml"


def test_mistakes_in_both_sections_are_listed_at_once(file: Path) -> None:
    file.write_text(FILE + "[monitor]\nretention_days = 0\nthreshold = 0.5\n[redis]\npoll_seconds = 0\n")
    with pytest.raises(SettingsError) as caught:
        MonitorSettings.load(file, {})
    for key in ("monitor.retention_days", "monitor.threshold", "redis.poll_seconds"):
        assert key in str(caught.value)


def test_the_scorer_leaves_the_section_alone(file: Path) -> None:
    file.write_text(FILE + "[monitor]\nanything = true\n")
    assert Settings.load(file, {}).scorer.model == "flights"


def test_every_key_is_described() -> None:
    rows = [row for row in describe(MonitorSettings) if row[0].startswith("monitor.")]
    assert [row[0] for row in rows] == [
        f"monitor.{key}" for key in type(MonitorSettings.model_fields["monitor"].default).model_fields
    ]
    assert all(description for *_, description in rows)


def test_what_is_judged_is_kept_until_then(file: Path) -> None:
    environ = {"MONITOR_RETENTION_DAYS": "3.5", "MONITOR_MATURES_AFTER_HOURS": "72"}
    with pytest.raises(SettingsError, match=r"retention_days = 3.5 is too short.*keep it 4 days or more"):
        MonitorSettings.load(file, environ)
    assert MonitorSettings.load(file, {**environ, "MONITOR_RETENTION_DAYS": "4"}).monitor.retention_days == 4.0


def test_the_scorer_leaves_every_section_of_the_monitor_alone() -> None:
    """They share one file."""
    assert set(OTHERS) == set(OWN)
