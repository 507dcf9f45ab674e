"""What the process finds around it: environment, disk, ports."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from scorer.checks.finding import Finding
from scorer.errors import SettingsError
from scorer.settings import Settings, describe

KNOWN = {"SCORER_SETTINGS"}
"""Variables that are no keys of the settings."""

_ALIKE = 0.85
_SECONDS = 1.0


def misspelt(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Environment variables that look like one of ours and are not read."""
    ours = {variable for _, variable, _, _ in describe(Settings)} | KNOWN
    for name in sorted(set(environ) - ours):
        meant = get_close_matches(name, ours, 1, _ALIKE) if name.isupper() else []
        if meant:
            advice = f"write {meant[0]}, or remove it"
            yield Finding("environment", "warning", f"{name} is not read; is {meant[0]} meant?", advice)


def state_directory(settings: Settings) -> Iterator[Finding]:
    """Whether the last good versions can be kept on disk."""
    directory = settings.scorer.state_directory
    try:
        there = next(place for place in (directory, *directory.absolute().parents) if place.exists())
        if there == directory:
            with tempfile.TemporaryFile(dir=directory):
                pass
        elif not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
            raise PermissionError(13, f"{there} is not a directory that can be written to")
    except OSError as error:
        text = f"{directory} cannot be written to: {error.strerror}"
        advice = "give this user the right to, or set scorer.state_directory to another directory"
        yield Finding("state directory", "failed", text, advice, SettingsError.exit_code)
    else:
        text = f"{directory} can be written to" if there == directory else f"{directory} will be made at the first flip"
        yield Finding("state directory", "ok", text)


def http_port(settings: Settings) -> Iterator[Finding]:
    """Whether /health, /ready and /metrics can be served."""
    host, _, port = settings.scorer.http.rpartition(":")
    try:
        with socket.create_server((host, int(port))):
            pass
    except OSError as error:
        if _is_scorer(host, int(port)):
            text = f"{settings.scorer.http} is taken by a scorer that runs now"
            yield Finding("http", "warning", text, "a second one beside it needs another scorer.http")
            return
        text = f"{settings.scorer.http} cannot be listened on: {error.strerror}"
        yield Finding("http", "failed", text, "set scorer.http to a free host:port", SettingsError.exit_code)
    else:
        free = ": a free port will be chosen" if port == "0" else " is free"
        yield Finding("http", "ok", f"{settings.scorer.http}{free}")


def _is_scorer(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/metrics")
        return b"scorer_ready" in connection.getresponse().read(1 << 20)
    return False
