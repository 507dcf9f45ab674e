"""What the monitor's commands need: its settings."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

import typer

from monitor.settings import MonitorSettings
from scorer.cli.session import DEFAULT_FILE


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
        return self.load()

    def load(self, **environ: str) -> MonitorSettings:
        """The settings as they would be with these environment variables in addition."""
        return MonitorSettings.load(self.file, {**os.environ, **environ})
