"""``scorer models test`` and ``scorer models add-case``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer.cli import output
from scorer.cli.options import COEFFICIENTS
from scorer.cli.output import Json
from scorer.cli.session import Session
from scorer.errors import RegressionFailed, ScorerError, SettingsError
from scorer.registry import files

if TYPE_CHECKING:
    from scorer.cases.form import Case
    from scorer.cases.regression import Report
    from scorer.model.model import Model


_SHOWN = 20


def run_tests(
    directories: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DIRECTORY]...", help="Versions, as coefficients/M/V. Default: all in coefficients."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run the regression tests of versions.

    The production code runs on the production coefficients: golden rows, contrived cases and outliers must come out as
    written; the labelled sample must meet the model's requirements. Prints what differs, field by field. Exit code 14
    where a test fails or cannot be run, 4 where a version cannot be loaded; of several, that of the first.
    """
    from scorer.cases import regression  # noqa: PLC0415  # compiled code, for which the other commands need not wait

    code = 0
    facts: list[dict[str, object]] = []
    for directory in directories or _all():
        try:
            report = regression.run(directory)
        except ScorerError as error:  # the other versions are tested all the same
            code = code or error.exit_code
            facts.append({"directory": str(directory), "ok": False, "error": str(error)})
            output.note(f"scorer: {error}", "red")
            continue
        if not report.passed:
            code = code or RegressionFailed.exit_code
        facts.append(_facts(report))
        if not as_json:
            _print(report)
    output.emit(as_json, {"ok": code == 0, "versions": facts}, lambda: None)
    if code:
        raise typer.Exit(code)


def add_case(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(help="The version's directory, as in coefficients/M/V.")],
    why: Annotated[str, typer.Option(help="A sentence on why its outcome is understood.")],
    dead_letter: Annotated[
        str | None, typer.Option(metavar="TOPIC/PARTITION/OFFSET", help="Where a dead letter is, or its event was.")
    ] = None,
    event: Annotated[
        str | None, typer.Option(metavar="TOPIC/PARTITION/OFFSET", help="Where an event is that was scored.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A raw row: a JSON object, or CSV with a header and a row.")] = None,
    name: Annotated[str | None, typer.Option(help="What to call the case. Default: where it is from.")] = None,
    with_sensitive: Annotated[
        bool, typer.Option("--with-sensitive", help="Write fields that scorer.sensitive names, too, in the clear.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Add an event that was met in operation to a version's cases.

    It is fetched, decoded as the scorer does it, and written to cases/outliers.json with what the version makes of it
    now: look at that, and correct it where it should be something else.
    """
    from scorer.cases import form  # noqa: PLC0415  # compiled code
    from scorer.cases.folder import Folder  # noqa: PLC0415
    from scorer.model import golden  # noqa: PLC0415

    if sum(one is not None for one in (dead_letter, event, file)) != 1:
        raise SettingsError("say where the case is from: one of --dead-letter, --event and --file")
    if not form.is_sentence(why):
        raise SettingsError("--why: write a sentence on why the outcome is understood; people will read it in years")
    model = golden.admit(files.read_version(directory))
    case = _captured(Session.of(context), model, dead_letter, event, file, with_sensitive, why, name)
    folder = Folder(directory)
    outliers = folder.read_outliers(model)
    for one in outliers:
        if case.name == one.name or (case.row == one.row and case.expected == one.expected):
            raise SettingsError(f"{folder.outliers} has this case already, as {one.name!r}; give another --name if not")
    folder.write_outliers([*outliers, case], model)
    facts = {"file": str(folder.outliers), **_described(case, model)}

    def text() -> None:
        output.line(f"case {case.name} is written to {folder.outliers}")
        output.pairs(_described(case, model) | {"row": _row(case, model)})
        output.note("this is what the version makes of it now: look whether it should, then commit it")

    output.emit(as_json, facts, text)


def _captured(
    session: Session,
    model: Model,
    dead_letter: str | None,
    event: str | None,
    file: Path | None,
    with_sensitive: bool,
    why: str,
    name: str | None,
) -> Case:
    from scorer.cases import capture, given  # noqa: PLC0415  # compiled code
    from scorer.cases.form import Source  # noqa: PLC0415
    from scorer.stream.letters import Coordinates  # noqa: PLC0415

    if file is not None:
        return capture.case(model, given.row(file, model), name or file.stem, why, Source(file=file.name))
    settings = session.settings
    if settings.scorer.model != model.manifest.model:
        raise SettingsError(
            f"the settings are of model {settings.scorer.model}, the version is of {model.manifest.model}"
        )
    if not with_sensitive:
        capture.refuse_sensitive(settings, model)
    if dead_letter is not None:
        found = capture.dead_letter(settings, Coordinates.parse(dead_letter))
    else:
        found = capture.event(settings, Coordinates.parse(event or ""))
    source = found.source
    row = capture.row(settings, model, found.value)
    return capture.case(model, row, name or f"{source.topic}-{source.partition}-{source.offset}", why, source)


def _all() -> list[Path]:
    """Every version in the working directory's coefficients."""
    found = sorted(path.parent for path in COEFFICIENTS.glob(f"*/*/{files.MANIFEST}"))
    if not found:
        raise SettingsError(f"there is no version in {COEFFICIENTS.absolute()}: name the directories to test")
    return found


def _print(report: Report) -> None:
    manifest = report.model.manifest
    output.line(f"{report.directory}: {manifest.model} {manifest.version} ({report.model.digest.hex()[:8]})", "bold")
    for suite in report.suites:
        status = "failed" if suite.differences else "ok"
        wrong = len({one.case.name for one in suite.differences})
        differ = f"{wrong} of {output.count(suite.cases, 'case')} {'differs' if wrong == 1 else 'differ'}"
        told = differ if wrong else output.count(suite.cases, "case")
        largest = "" if suite.largest is None else f", largest difference from an expected score {suite.largest:.2g}"
        _say(status, suite.name, told + largest)
    for verdict in report.verdicts:
        bad = "skipped" if not verdict.applies else "failed" if verdict.requirement.guarded else "warning"
        _say("ok" if verdict.verdict == "PASS" else bad, "sample", verdict.text)
    if report.rows is None:
        _say("skipped", "sample", "the model has no requirements.toml, so there is nothing to enforce on a sample")
    for one in report.differences[:_SHOWN]:
        output.line("")
        output.line(f"{one.case.name}: {one.case.why}", "red")
        apart = {} if one.difference is None else {"difference": f"{one.difference:.3g}"}
        output.pairs(
            {"field": one.field, "expected": one.expected, "got": one.got, **apart, "row": _row(one.case, report.model)}
        )
    if len(report.differences) > _SHOWN:
        output.line(f"… and {len(report.differences) - _SHOWN} more; --json has them all")
    output.line("")


def _say(status: str, name: str, text: str) -> None:
    output.line(f"{status:<8}{name:<11}{text}", output.COLOURS[status] if status != "ok" else "")


def _facts(report: Report) -> dict[str, object]:
    return {
        "directory": str(report.directory),
        "model": report.model.manifest.model,
        "version": report.model.manifest.version,
        "digest": report.model.digest.hex(),
        "ok": report.passed,
        "suites": [
            {"name": one.name, "cases": one.cases, "differences": len(one.differences), "largest": one.largest}
            for one in report.suites
        ],
        "sample_rows": report.rows,
        "requirements": [
            {
                "metric": one.metric,
                "segment": None if one.segment is None else list(one.segment),
                "value": one.value,
                "bound": one.bound,
                "labels": one.n,
                "invalid": one.invalid,
                "verdict": one.verdict,
                "guarded": one.requirement.guarded,
                "applies": one.applies,
                "text": one.text,
            }
            for one in report.verdicts
        ],
        "differences": [
            {
                "case": one.case.name,
                "why": one.case.why,
                "field": one.field,
                "expected": one.expected,
                "got": one.got,
                "difference": one.difference,
                "row": _described(one.case, report.model)["row"],
            }
            for one in report.differences
        ],
    }


def _described(case: Case, model: Model) -> dict[str, object]:
    """A case as its file holds it."""
    from scorer.cases import form  # noqa: PLC0415  # compiled code

    return dict(form.to_json(case, model.inputs))


def _row(case: Case, model: Model) -> str:
    values = zip(model.inputs, case.row, strict=True)
    return ", ".join(f"{entry.name}={value!r}" for entry, value in values)
