"""What commands need: the settings, and what is reached by them, each made when it is first asked for."""

from __future__ import annotations

import getpass
import os
import socket
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import typer

from scorer.errors import SettingsError

if TYPE_CHECKING:
    import redis

    from scorer.registry.keys import Keys
    from scorer.registry.signatures import Trust
    from scorer.settings import Settings

DEFAULT_FILE = Path("scorer.toml")


class Session:
    """One run of a command. ``file`` is the settings file that was named, if any."""

    def __init__(self, file: Path | None) -> None:
        self.file = file or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)

    @classmethod
    def of(cls, context: typer.Context) -> Self:
        """The session of the command that runs."""
        session = context.obj
        assert isinstance(session, cls)  # noqa: S101  # set before any command runs
        return session

    @cached_property
    def settings(self) -> Settings:
        """The settings. Raises SettingsError with all mistakes."""
        return self.load()

    def load(self, **environ: str) -> Settings:
        """The settings as they would be with these environment variables in addition."""
        from scorer.settings import Settings  # noqa: PLC0415  # not for 'scorer --help'

        return Settings.load(self.file, {**os.environ, **environ})

    @cached_property
    def keys(self) -> Keys:
        """The names of the keys in Redis."""
        from scorer.registry.keys import Keys  # noqa: PLC0415  # not for 'scorer run'

        return Keys(self.settings.scorer.model, self.settings.redis.prefix)

    @cached_property
    def redis(self) -> redis.Redis:
        """A client for the registry."""
        from scorer.registry.client import connect_by  # noqa: PLC0415  # not for 'scorer run'

        return connect_by(self.settings.redis)

    @cached_property
    def trust(self) -> Trust:
        """Which versions the settings let score; without any settings, all."""
        from scorer.registry.signatures import Trust  # noqa: PLC0415  # not for 'scorer run'

        try:
            return Trust.of(self.settings.scorer)
        except SettingsError:
            if self.file is not None:
                raise
            return Trust()


def actor() -> str:
    """Who gives a command, where nobody says: user@host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())  # a container's user need not have a name
    return f"{user}@{socket.gethostname()}"
