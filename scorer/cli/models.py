"""``scorer models``: push, list, show, verify; the other ones are in files of their own."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer import schema_files
from scorer.cli import baseline, cases, diff, import_table, importing, output, signing
from scorer.cli.options import Actor, Reason
from scorer.cli.output import Json
from scorer.cli.session import Session, actor
from scorer.errors import SchemaError, SettingsError, VersionRefused
from scorer.model import manifest
from scorer.model.manifest import Manifest
from scorer.model.version import VersionBytes
from scorer.registry import audit, files, pointers, versions
from scorer.registry.audit import Entry
from scorer.registry.pointers import Pointers
from scorer.registry.signatures import Standing, Trust
from scorer.registry.trial import Trial

if TYPE_CHECKING:
    from scorer.checks.finding import Finding

app = typer.Typer()
app.command("test")(cases.run_tests)
app.command("baseline")(baseline.baseline)
app.command("add-case")(cases.add_case)
app.command("sign")(signing.sign)
app.command("diff")(diff.diff)
app.command("import")(importing.import_)
app.command("import-table")(import_table.import_table)

_GIT_SECONDS = 5.0
_WIDTH = 13


@app.command()
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


@app.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """List the versions in Redis, and which of them pointers name."""
    session = Session.of(context)
    said = pointers.read(session.redis, session.keys)
    named = _named(said)
    found = versions.stored(session.redis, session.keys)
    facts = [_listed(one, _trust(session), named.get(one.version, [])) for one in found]
    rows = [
        (
            fact["version"],
            str(fact["digest"])[:8],
            f"{fact['size']:,}",
            fact["signature"],
            fact["problem"],
            ", ".join(named.get(str(fact["version"]), [])),
        )
        for fact in facts
    ]

    def text_() -> None:
        if rows:
            output.table(("version", "digest", "bytes", "signature", "problem", "pointers"), rows)
        else:
            output.line(f"no version of {session.keys.model} is in Redis: scorer models push DIRECTORY")

    output.emit(as_json, facts, text_)


@app.command()
def show(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="A version in Redis, or a directory.")],
    as_json: Json = False,
) -> None:
    """Show what a version is made of, and who pushed it when."""
    session = Session.of(context)
    directory = files.directory(version)
    if directory is not None:
        stored = files.read_version(directory)
        head, pushed = (
            versions.Head(stored.manifest, stored.signature, len(stored.manifest) + len(stored.tensors)),
            None,
        )
    else:
        head = versions.head(session.redis, session.keys, version)
        entries = audit.newest_first(session.redis, session.keys)
        pushed = next((entry for entry in entries if entry.kind == "push" and entry.new == version), None)
    facts = _described(manifest.parse(head.manifest), head, _trust(session), pushed)

    def text() -> None:
        inputs = facts.pop("inputs")
        output.pairs({name: _worded(value) for name, value in facts.items()})
        output.line("")
        assert isinstance(inputs, list)  # noqa: S101  # put there by _described
        output.table(
            ("input", "dtype", "nullable"), [tuple(_worded(value) for value in one.values()) for one in inputs]
        )

    output.emit(as_json, facts, text)


@app.command()
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
    return [*examination.examine(stored, decoder, _trust(session), model=model, name=name)]


def _named(said: Pointers) -> dict[str, list[str]]:
    """The pointers that name each version."""
    named: dict[str, list[str]] = {}
    if isinstance(said.champion, str):
        named.setdefault(said.champion, []).append("champion")
    for version in said.challengers if isinstance(said.challengers, tuple) else ():
        named.setdefault(version, []).append("challenger")
    if isinstance(said.trial, Trial):
        named.setdefault(said.trial.version, []).append("trial")
    return named


def _trust(session: Session) -> Trust:
    """What the settings demand; without any settings, nothing."""
    try:
        return Trust.of(session.settings.scorer)
    except SettingsError:
        if session.file is not None:
            raise
        return Trust()


def _problem(head: versions.Head, trust: Trust) -> str | None:
    """Why scorers would not trust a version; or what is wrong with a signature that none of them needs."""
    refusal = trust.refusal(head.manifest, head.signature)
    if refusal is not None:
        return str(refusal)
    return None if head.signature is None else trust.standing(head.manifest, head.signature).problem


def _listed(one: versions.Stored, trust: Trust, named: list[str]) -> dict[str, object]:
    """One line of the list: what the version is, how it is signed, and why scorers would not take it."""
    standing, problem = Standing(None, None, "not signed"), None
    if one.head is not None:
        standing, problem = trust.standing(one.head.manifest, one.head.signature), _problem(one.head, trust)
    if not one.complete:
        problem = "incomplete: push it again"
    return {
        "version": one.version,
        "size": one.size,
        "digest": one.digest.hex(),
        "signature": standing.text,
        "signed_by": standing.by,
        "complete": one.complete,
        "problem": problem,
        "pointers": named,
    }


def _described(parsed: Manifest, head: versions.Head, trust: Trust, pushed: Entry | None) -> dict[str, object]:
    return {
        "model": parsed.model,
        "version": parsed.version,
        "digest": head.digest.hex(),
        "serial": parsed.serial,
        "bytes": head.size,
        "signature": trust.standing(head.manifest, head.signature).text,
        "problem": _problem(head, trust),
        "trained_with": f"{parsed.trained_with.library} {parsed.trained_with.version}",
        "preparation": [step.name for step in parsed.pipeline],
        "kernel": parsed.kernel.name,
        "outputs": parsed.outputs.kind,
        "classes": list(parsed.outputs.classes),
        "tensors": len(parsed.blob.tensors),
        "golden_rows": len(parsed.golden.inputs),
        "profile": parsed.profile is not None,
        "pushed_by": None if pushed is None else pushed.actor,
        "pushed_at": None if pushed is None else output.when(pushed.at * 1e3),
        "commit": None if pushed is None else pushed.commit,
        "reason": None if pushed is None else pushed.reason,
        "inputs": [{"name": one.name, "dtype": one.dtype, "nullable": one.nullable} for one in parsed.inputs],
    }


def _worded(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else value


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
