"""``scorer models push`` and ``verify``: a version is checked as a scorer checks it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer import schema_files
from scorer.cli import output
from scorer.cli.options import Actor, Reason
from scorer.cli.output import Json
from scorer.cli.session import Session, actor
from scorer.errors import SchemaError, SettingsError, VersionRefused
from scorer.model import manifest
from scorer.model.version import VersionBytes
from scorer.registry import files, versions

if TYPE_CHECKING:
    from scorer.checks.finding import Finding

_GIT_SECONDS = 5.0
_WIDTH = 13


def push(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="The version's directory, as in coefficients/M/V.")],
    reason: Reason = "",
    by: Actor = None,
    commit: Annotated[
        str | None,
        typer.Option(help="The commit it was made from. Default: that of the git work tree, if it is in one."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a version completely, and store it in Redis for ever.

    Its name is the one in its manifest. It must have cases, and they must pass (the sample is for: scorer models test).
    Pushing the same bytes again changes nothing. Exit code 4 where it fails a check, 14 where it has no cases or they
    fail, 6 where other bytes are stored under its name.
    """
    session = Session.of(context)
    stored = files.read_version(directory)
    failure = next((one for one in _examined(session, stored, None) if one.status == "failed"), None)
    if failure is not None and failure.name != "inputs":
        raise VersionRefused(failure.name, f"{directory}: {failure.name}: {failure.text}")
    _require_cases(directory)
    name = manifest.parse(stored.manifest).version
    pushed = versions.push(
        session.redis,
        session.keys,
        name,
        stored,
        actor=by or actor(),
        commit=commit or _commit(directory),
        reason=reason,
    )
    facts = {
        "model": session.keys.model,
        "version": name,
        "digest": pushed.digest.hex(),
        "already": pushed.already,
        "warning": None if failure is None else failure.text,
    }
    what = "was there already" if pushed.already else "is stored"
    output.emit(as_json, facts, lambda: output.line(f"{session.keys.model} {name} ({pushed.digest.hex()[:8]}) {what}"))
    if failure is not None:
        output.note(f"but the scorers would refuse it: {failure.text}", "yellow")


def verify(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="A directory, or a version in Redis.")],
    as_json: Json = False,
) -> None:
    """Check a version as a scorer does before it lets it score.

    Its bytes, algorithms, golden rows and inputs, step by step. Exit code 4 where it fails.
    """
    session = Session.of(context)
    directory = files.directory(version)
    if directory is None:
        stored = versions.fetch(session.redis, session.keys, version)
        where = f"version {version} in Redis"
    else:
        stored, where = files.read_version(directory), str(directory)
    found = _examined(session, stored, version if directory is None else None)
    failure = next((one for one in found if one.status == "failed"), None)

    def text() -> None:
        output.line(where)
        for one in found:
            output.line(f"{one.status:<8}{one.name:<{_WIDTH}}{one.text}", output.COLOURS[one.status])

    output.emit(as_json, {"ok": failure is None, "checks": [asdict(one) for one in found]}, text)
    if failure is not None:
        raise typer.Exit(failure.exit_code)


def _require_cases(directory: Path) -> None:
    """Nothing gets into the registry that nobody could test tomorrow."""
    from scorer.cases import regression  # noqa: PLC0415  # compiled code, for which the other commands need not wait

    regression.require(regression.run_cases(directory))


def _examined(session: Session, stored: VersionBytes, name: str | None) -> list[Finding]:
    """Every step of checking a version. Without any settings, it is checked for itself alone."""
    # Compiled code, for which the other commands need not wait.
    from scorer.checks import versions as examination  # noqa: PLC0415
    from scorer.wire.decode import Decoder  # noqa: PLC0415

    model, decoder = None, None
    try:
        schemas = session.settings.schemas
        model = session.settings.scorer.model
        decoder = Decoder(schema_files.events(schemas), schema_files.framing(schemas))
    except SchemaError as error:
        output.note(f"not checked against the events: {error}", "yellow")
    except SettingsError:
        if session.file is not None:
            raise
    return [*examination.examine(stored, decoder, session.trust, model=model, name=name)]


def _commit(directory: Path) -> str | None:
    """The commit of the git work tree that holds the directory, with "-dirty" where it differs; ``None`` without."""
    git = shutil.which("git")
    if git is None:
        return None

    def ask(*words: str) -> str | None:
        try:
            command = [git, "-C", str(directory), *words]
            done = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_SECONDS, check=True)
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    commit = ask("rev-parse", "HEAD")
    return f"{commit}-dirty" if commit and ask("status", "--porcelain", "--", ".") else commit
