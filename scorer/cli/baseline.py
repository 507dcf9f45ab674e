"""``scorer models baseline``: the first requirements of a model, from what a version reaches on a corpus."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scorer.cli import output
from scorer.cli.output import Json
from scorer.errors import SettingsError

if TYPE_CHECKING:
    from scorer.cases.folder import Folder
    from scorer.quality.baseline import Proposal
    from scorer.quality.requirement import Requirement


def baseline(
    directory: Annotated[Path, typer.Argument(metavar="VERSION_DIR", help="The version, as in coefficients/M/V.")],
    corpus: Annotated[Path, typer.Option(help="Raw rows with labels: Parquet, CSV, JSON lines or Avro.")],
    label: Annotated[str, typer.Option(help="The column of the labels.")] = "label",
    time: Annotated[
        str | None, typer.Option(help="The column of the event times; then the worst window sets the bound.")
    ] = None,
    window: Annotated[
        Literal["hour", "day", "week", "month"], typer.Option(help="Over what the requirements are judged.")
    ] = "month",
    least_labels: Annotated[
        int, typer.Option(min=1, max=2**53, help="Fewer labels in a window decide nothing.")
    ] = 1_000,
    season: Annotated[
        str | None, typer.Option(help="Months from 1 to 12 with commas between: look at these, and require of these.")
    ] = None,
    margin: Annotated[
        float, typer.Option(min=0.0, max=1e6, help="How much larger the loss may be than it was, as a share.")
    ] = 0.1,
    write: Annotated[
        bool, typer.Option("--write", help="Write coefficients/M/requirements.toml instead of printing it.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file that is there.")] = False,
    loosen: Annotated[
        bool, typer.Option("--loosen", help="Replace it even where that requires less than before.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the first requirements from a version and a corpus.

    Scores the corpus by the code that scores the stream, and requires for every metric that fits the outputs what the
    version reached, with a margin: its loss, the distance to a perfect value, may be larger by the share --margin. A
    file that is there is kept unless --overwrite is said, and what it requires unless --loosen is said too.
    """
    # Compiled code, for which the other commands need not wait.
    from scorer import load  # noqa: PLC0415
    from scorer.cases.folder import Folder  # noqa: PLC0415
    from scorer.quality.baseline import Source, propose  # noqa: PLC0415
    from scorer.quality.written import to_toml  # noqa: PLC0415
    from scorer.rows import formats, labelled  # noqa: PLC0415

    months = _months(season)
    if months and time is None:
        raise SettingsError("--season needs the event times: say --time")
    folder = Folder(directory)
    target = folder.requirements
    if write and target.exists() and not overwrite:
        raise SettingsError(f"{target} is there already; say --overwrite to replace it")
    model = load(directory).model
    with formats.reading(corpus, formats.format_of(corpus, None), formats.Spelling()) as reader:
        table = labelled.scored(model, reader, label, time)
    source = Source(model.manifest.version, corpus.name, _sha256(corpus), datetime.now(UTC).date().isoformat())
    found = propose(table, source, window, least_labels, margin, months)
    if not found.requirements:
        reasons = "; ".join(f"{name}: {why}" for name, why in found.left_out.items())
        raise SettingsError(f"{corpus}: nothing can be required: {reasons}")
    text = to_toml(found.requirements, _head(model.manifest.model, margin, window, time))
    looser: list[str] = []
    if write:
        looser = _replace(folder, text, found.requirements, loosen=loosen)
    facts = {
        "model": model.manifest.model,
        "version": source.version,
        "data": source.data,
        "sha256": source.sha256,
        "rows": len(table),
        "labels": int(table.labelled.sum()),
        "invalid": int((~table.valid).sum()),
        "written": str(target) if write else None,
        "loosened": looser,
        "left_out": found.left_out,
        "requirements": [_facts(one) for one in found.requirements],
    }
    output.emit(as_json, facts, lambda: _show(found, facts, None if write else text))
    for name, why in found.left_out.items():
        output.note(f"{name} is not required: {why}", "yellow")
    if facts["invalid"]:
        output.note(f"{facts['invalid']:,} rows have no valid score and count for nothing", "yellow")
    for one in looser:
        output.note(f"loosened: {one}", "yellow")


def _months(text: str | None) -> tuple[int, ...]:
    try:
        found = sorted({int(month) for month in text.split(",")}) if text is not None else []
    except ValueError:
        found = [0]
    if not all(1 <= month <= 12 for month in found):
        raise SettingsError(f"--season {text!r} must be months of the year from 1 to 12, as in 6,7,8")
    return tuple(found)


def _head(model: str, margin: float, window: str, time: str | None) -> str:
    from scorer.quality.metrics import OPERATIONAL  # noqa: PLC0415

    level = "reached on the corpus" if time is None else f"reached in the worst {window} of the corpus"
    return (
        f"What the champion of the model {model} must reach.\n\n"
        f"Each bound is what the version named in the baseline {level}, and from there so far off\n"
        f"that the loss, the distance to a perfect value, is {margin:.0%} larger. Written by: scorer models baseline.\n"
        f"A corpus shows nothing of the service: add {' and '.join(OPERATIONAL)} yourself, for the monitor."
    )


def _replace(folder: Folder, text: str, new: tuple[Requirement, ...], *, loosen: bool) -> list[str]:
    """Write the file whole or not at all; what it no longer requires."""
    from scorer.quality.written import loosened  # noqa: PLC0415
    from scorer.registry import whole  # noqa: PLC0415

    target = folder.requirements
    looser = loosened(folder.read_requirements(), new) if target.exists() else []
    if looser and not loosen:
        listed = "\n".join(f"  {one}" for one in looser)
        raise SettingsError(f"{target} requires more than this; say --loosen if that is meant:\n{listed}")
    whole.write(target, [text.encode()], rights=0o644)
    return looser


def _show(found: Proposal, facts: dict[str, object], text: str | None) -> None:
    if text is not None:
        for line in text.splitlines():
            output.line(line)
        return
    output.line(f"{facts['written']}: {facts['version']} on {facts['labels']:,} labels of {facts['data']}")
    rows = [
        (one.name, f"{one.baseline.value:.6g}", one.baseline.worst_window, one.bounds, one.judged)
        for one in found.requirements
        if one.baseline is not None
    ]
    output.table(("metric", "reached", "worst in", "required", "judged"), rows)


def _facts(one: Requirement) -> dict[str, object]:
    base = one.baseline
    return {
        "metric": one.metric.name,
        **one.parameters.given(),
        "minimum": one.minimum,
        "maximum": one.maximum,
        "value": None if base is None else base.value,
        "worst": None if base is None else base.worst,
        "worst_window": None if base is None else base.worst_window,
        "judged": one.judged,
    }


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
