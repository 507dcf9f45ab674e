"""What the monitor's commands need: its settings."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

import scorer.cli.session
from monitor.settings import MonitorSettings
from scorer.errors import SettingsError

if TYPE_CHECKING:
    from monitor.reports.gather import Asked
    from scorer.quality.requirement import Requirement


class Session(scorer.cli.session.Session):
    """One run of a command: the scorer's, with the settings that the monitor adds."""

    @cached_property
    def settings(self) -> MonitorSettings:
        """The settings. Raises SettingsError with all mistakes."""
        return self.load()

    def load(self, **environ: str) -> MonitorSettings:
        """The settings as they would be with these environment variables in addition."""
        return MonitorSettings.load(self.file, {**os.environ, **environ})

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
