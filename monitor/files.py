"""Where the files of a model's monitor lie."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from monitor.settings import MonitorSettings
from scorer.errors import SettingsError


class Files(NamedTuple):
    """All lie in ``monitor.state_directory``. ``state`` is the owner's alone, everybody else reads ``snapshot``."""

    directory: Path
    state: Path
    snapshot: Path
    outcomes: Path
    reports: Path

    @staticmethod
    def of(settings: MonitorSettings) -> Files:
        """Those of the model that the settings name."""
        directory, model = settings.monitor.state_directory, settings.scorer.model
        return Files(
            directory,
            directory / f"{model}.duckdb",
            directory / f"{model}.snapshot.duckdb",
            directory / "outcomes",
            directory / "reports",
        )

    def prepare(self) -> None:
        """Make the directory where there is none. Raises SettingsError."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"monitor.state_directory: {self.directory} cannot be made: {error.filename}: {error.strerror}"
            ) from error
