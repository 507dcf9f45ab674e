"""What the monitor's commands need: its settings."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from monitor.settings import MonitorSettings
from scorer.cli.session import DEFAULT_FILE
from scorer.errors import SettingsError

if TYPE_CHECKING:
    from monitor.reports.gather import Asked
    from scorer.quality.requirement import Requirement


class Session:
    """One run of a command. ``file`` is the settings file that was named, if any."""

    def __init__(self, file: Path | None) -> None:
        self.file = file or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)

    @classmethod
    def of(cls, context: typer.Context) -> Session:
        """The session of the command that runs."""
        session = context.obj
        assert isinstance(session, Session)  # noqa: S101  # set before any command runs
        return session

    @cached_property
    def settings(self) -> MonitorSettings:
        """The settings. Raises SettingsError with all mistakes."""
        return MonitorSettings.load(self.file, os.environ)

    @cached_property
    def requirements(self) -> list[Requirement]:
        """What is required of the model. Raises SettingsError with all mistakes of the file."""
        from scorer.quality import requirements  # noqa: PLC0415  # not for 'monitor --help'

        file = self.settings.monitor.requirements
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file}: cannot be read: {error}; see monitor.requirements in the settings") from None
        return list(requirements.parse(text, str(file)))

    def asked(self) -> Asked:
        """What reports are about."""
        from monitor.reports.gather import Asked  # noqa: PLC0415  # compiled code

        return Asked(self.settings.scorer.model, self.requirements, self.settings.monitor.alpha)
