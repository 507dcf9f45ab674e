"""``monitor backtest``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer.cli import output
from scorer.cli.options import COEFFICIENTS
from scorer.cli.output import Json
from scorer.errors import SettingsError

if TYPE_CHECKING:
    from monitor.backtest.result import Partition, Result
    from scorer.model.model import Model

RESULTS = Path("state/backtests")
WORST = 12
"""So many partitions are listed at most."""


def command(
    model: Annotated[str, typer.Option(help="The model's name.")],
    versions: Annotated[
        str, typer.Option(help="Versions with commas between; the others are compared with the first.")
    ],
    corpus: Annotated[
        Path,
        typer.Option(help="Raw rows with labels: a file of Parquet, CSV, JSON lines or Avro, or a directory of them."),
    ],
    by: Annotated[
        str, typer.Option(help="Tell rows apart by hour, day, week or month of their time, or by a field.")
    ] = "month",
    label: Annotated[str, typer.Option(help="The column of the labels.")] = "label",
    time: Annotated[str | None, typer.Option(help="The column of the event times.")] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", help="csv, jsonl, avro or parquet, for a file whose ending does not say it."),
    ] = None,
    coefficients: Annotated[
        Path, typer.Option(help="Where versions lie as files: MODEL/VERSION below it.")
    ] = COEFFICIENTS,
    requirements: Annotated[Path | None, typer.Option(help="Default: requirements.toml beside the versions.")] = None,
    alpha: Annotated[
        float, typer.Option(min=1e-9, max=0.5, help="The chance of any wrong verdict on a version and partition.")
    ] = 0.05,
    workers: Annotated[int | None, typer.Option(min=1, max=1024, help="Processes. Default: one for each core.")] = None,
    folder: Annotated[
        Path, typer.Option("--state", help="Where results are kept, and what a run that was killed has done.")
    ] = RESULTS,
    file: Annotated[
        Path | None, typer.Option("--html", help="Write the report as one HTML file that needs nothing else.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold versions against a corpus, partition by partition, as the stream is scored and judged.

    A run that was killed goes on where it was when the same command is given again. The result is kept, and the
    next one of the same versions is compared with it.
    """
    # Compiled code, for which the other commands need not wait.
    from monitor.backtest import corpus as corpora  # noqa: PLC0415
    from monitor.backtest import running, writing  # noqa: PLC0415
    from monitor.backtest.asked import Asked, Outputs  # noqa: PLC0415
    from monitor.backtest.result import result  # noqa: PLC0415
    from monitor.reports.writing import put  # noqa: PLC0415
    from scorer import load  # noqa: PLC0415
    from scorer.quality import requirements as written  # noqa: PLC0415
    from scorer.quality.requirement import check  # noqa: PLC0415
    from scorer.rows import labelled  # noqa: PLC0415

    if file is not None and (file.is_dir() or not file.parent.is_dir()):
        raise SettingsError(f"--html {file}: name a file in a directory that is there")
    names = tuple(filter(None, (one.strip() for one in versions.split(","))))
    if not names:
        raise SettingsError("--versions names none: say them with commas between, the present one first")
    directories = tuple(coefficients / model / name for name in names)
    loaded = [load(one).model for one in directories]
    first = loaded[0]
    outputs = Outputs(labelled.KINDS[first.kind], first.classes, labelled.scale_of(first))
    _alike(names, loaded, outputs)
    source = requirements or coefficients / model / "requirements.toml"
    asked = Asked(model, names, outputs, written.parse(_text(source), str(source)), by, label, time, alpha)
    check(asked.requirements, str(source), outputs.kind, outputs.classes, outputs.scale)
    units, digests = corpora.units(corpus, form), [one.digest.hex() for one in loaded]
    key = asked.identity(digests, corpora.identities(units))
    with _progress() as told:
        job = running.Job(asked, directories)
        part = running.run(job, units, folder / f"{key}.unfinished", workers or os.cpu_count() or 1, told)
    found = writing.compared(result(asked, digests, part), folder / f"{model}-{by}-{'-'.join(names)}.json")
    if file is not None:
        put(file, writing.html(found))
    if as_json:
        typer.echo(writing.as_json(found))
    else:
        _show(found, file)


def _alike(names: tuple[str, ...], loaded: list[Model], outputs: object) -> None:
    from monitor.backtest.asked import Outputs  # noqa: PLC0415
    from scorer.rows import labelled  # noqa: PLC0415

    for name, one in zip(names, loaded, strict=True):
        own = Outputs(labelled.KINDS[one.kind], one.classes, labelled.scale_of(one))
        if own != outputs:
            raise SettingsError(f"{name} gives {own}, and {names[0]} gives {outputs}: they cannot be compared")


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}; name the requirements with --requirements") from None


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A moving bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    shown = (TextColumn("parts of the corpus"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*shown, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(found: Result, file: Path | None) -> None:
    output.line(
        f"{output.count(found.rows, 'row')} in {output.count(len(found.partitions), 'partition')} by {found.by}"
    )
    heads = ["partition", "version", "verdict", "requirement", "value", "from", "to", "labels"]
    rows: list[tuple[object, ...]] = _rows(found.whole, everything=True)
    for partition in found.partitions[:WORST]:
        rows += _rows(partition, everything=False)
    output.table(heads, rows)
    if len(found.partitions) > WORST:
        more = output.count(len(found.partitions) - WORST, "partition")
        output.line(f"… and {more} more, which are no worse: see --html, --json")
    for one in found.whole.differences:
        if one.value is not None and one.low is not None and one.high is not None:
            better = "better" if one.low > 0 else "worse" if one.high < 0 else "neither better nor worse, for sure"
            output.line(
                f"{one.version} against {found.versions[0]}, {one.loss}: less by {one.value:.6g} "
                f"({one.low:.6g} to {one.high:.6g}, {output.count(one.n, 'pair')}, {one.unpaired:,} unpaired): {better}"
            )
    for name in found.passed_over:
        output.note(f"{name} is not judged: a corpus shows nothing of it", "yellow")
    for change in found.changes or ():
        output.line(f"since the last run: {change}")
    if file is not None:
        output.line(f"the report is written to {file}")


def _rows(partition: Partition, *, everything: bool) -> list[tuple[object, ...]]:
    """The verdicts on a partition; of one that is not all of the corpus those that are no PASS."""
    return [
        (
            partition.name, version.version, row.verdict,
            f"{row.name} {row.bounds}{f' of {row.segment[0]} {row.segment[1]}' if row.segment else ''}",
            *(None if one is None else f"{one:.4f}" for one in (row.value, row.low, row.high)), f"{row.n:,}",
        )
        for version in partition.versions
        for row in version.rows
        if everything or row.verdict != "PASS"
    ]  # fmt: skip
