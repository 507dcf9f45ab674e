"""``scorer check``."""

from __future__ import annotations

import os
from dataclasses import asdict
from itertools import chain

import typer

from scorer import checks
from scorer.checks.finding import Finding, failed
from scorer.checks.surroundings import misspelt
from scorer.cli import output
from scorer.cli.output import Json
from scorer.cli.session import Session
from scorer.errors import SettingsError

_WIDTH = 17


def command(context: typer.Context, as_json: Json = False) -> None:
    """Check settings, Kafka, topics, Redis, schemas and champion.

    And the environment, the state directory and the HTTP port. Prints one line for each check, and what to do where it
    failed. The exit code is that of the first failure, 0 where there are only warnings.
    """
    session = Session.of(context)
    found: list[Finding] = []
    source = "the environment alone" if session.file is None else f"{session.file} and the environment"
    try:
        settings = session.settings
    except SettingsError as error:
        coming = chain([failed("settings", error)], misspelt(os.environ))
    else:
        good = Finding("settings", "ok", f"{source}; model {settings.scorer.model}")
        coming = chain([good], checks.check(settings, os.environ))
    for one in coming:
        found.append(one)
        if not as_json:
            _print(one)
    wrong = [one for one in found if one.status == "failed"]
    warnings = sum(one.status == "warning" for one in found)
    summary = f"{output.count(len(found), 'check')}: {len(wrong)} failed, {warnings} with a warning"
    output.emit(
        as_json,
        {"ok": not wrong, "checks": [asdict(one) for one in found]},
        lambda: output.line(summary, "red" if wrong else "yellow" if warnings else "green"),
    )
    if wrong:
        raise typer.Exit(wrong[0].exit_code)


def _print(finding: Finding) -> None:
    colour = output.COLOURS[finding.status]
    first, *more = finding.text.split("\n")
    output.line(f"{finding.status:<8}{finding.name:<{_WIDTH}}{first}", colour if finding.status != "ok" else "")
    for text in more:
        output.line(f"{'':<{8 + _WIDTH}}{text.strip()}", colour)
    if finding.advice:
        output.line(f"{'':<{8 + _WIDTH}}{finding.advice}", "dim")
