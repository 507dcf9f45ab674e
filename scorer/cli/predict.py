"""``scorer predict``: a file of rows in, the same rows with their scores out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scorer.cli import output
from scorer.cli.output import Json
from scorer.errors import RowsNotScored, SettingsError

if TYPE_CHECKING:
    from scorer.model.model import Model
    from scorer.rows.piece import Reader
    from scorer.rows.predict import Summary


def command(
    model: Annotated[Path, typer.Option(help="The version's directory, as in coefficients/M/V.")],
    source: Annotated[Path, typer.Option("--input", help="The file of rows; - is standard input.")],
    target: Annotated[
        Path, typer.Option("--output", help="The file to write; - is standard output. It is replaced when all is done.")
    ],
    form: Annotated[
        str | None,
        typer.Option("--format", help="csv, jsonl, avro or parquet, for files whose ending does not say it."),
    ] = None,
    only_scores: Annotated[bool, typer.Option(help="Leave out the columns of the input.")] = False,
    columns: Annotated[
        str | None, typer.Option(help="The columns of the input to keep, with commas between. Default: all.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="Put before the names of the new columns.")] = "",
    missing: Annotated[
        list[str] | None, typer.Option(help="A cell of CSV that is no value, as NA, besides the empty one; repeatable.")
    ] = None,
    delimiter: Annotated[str, typer.Option(help="What is between the cells of CSV.")] = ",",
    rows: Annotated[int, typer.Option(min=1, max=2**31 - 1, help="Rows that are held in memory at once.")] = 8_192,
    as_json: Json = False,
) -> None:
    """Score the rows of a file: CSV, JSON lines, Avro, Parquet.

    Every row is written, with its score, class, flags, version and digest. A row that cannot be scored is written with
    the reason in the column "problem", and exit code 15 says that there are some. The file may be larger than memory.
    In CSV, an empty cell is no value.
    """
    # Compiled code and pandas, for which the other commands need not wait.
    from scorer import load  # noqa: PLC0415
    from scorer.rows import formats  # noqa: PLC0415
    from scorer.rows.predict import PROBLEM, made_columns, predict  # noqa: PLC0415

    if only_scores and columns is not None:
        raise SettingsError("--only-scores leaves out all columns, so it does not go with --columns")
    if len(delimiter) != 1 or delimiter == '"' or not (delimiter.isprintable() or delimiter == "\t"):
        raise SettingsError(f"--delimiter {delimiter!r} is not one character that may stand between cells")
    if not prefix.isprintable():
        raise SettingsError(f"--prefix {prefix!r} has characters that cannot be printed")
    if as_json and target == formats.STANDARD:
        raise SettingsError("--json and the rows cannot both go to standard output")
    read, write = formats.format_of(source, form), formats.format_of(target, form)
    if target != formats.STANDARD and target.exists() and source.exists() and target.samefile(source):
        raise SettingsError(f"{target} is the input, which is never overwritten")
    chosen = [] if only_scores else None if columns is None else columns.split(",")
    loaded = load(model).model
    made = made_columns(loaded, prefix)
    spelling = formats.Spelling(delimiter, missing or ())
    with (
        formats.reading(source, read, spelling) as reader,
        formats.replacing(target) as file,
        _progress(reader) as told,
    ):
        writer = formats.writer(file, write, reader, chosen, made, delimiter)
        summary = predict(loaded, reader, writer, rows=rows, prefix=prefix, told=told)
    _tell(loaded, summary, target, as_json)
    if summary.scored < summary.rows:
        failed = f"{summary.rows - summary.scored:,} of {output.count(summary.rows, 'row')}"
        raise RowsNotScored(f"{failed} could not be scored; each has its reason in the column {prefix}{PROBLEM}")


@contextmanager
def _progress(reader: Reader) -> Iterator[Callable[[], object]]:
    """Something to call after each piece: on a terminal it moves a bar, else it does nothing."""
    if not sys.stderr.isatty() or reader.total is None:
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn  # noqa: PLC0415

    shown = Progress(BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=Console(stderr=True))
    with shown as bar:
        task = bar.add_task("", total=reader.total or None)
        yield lambda: bar.update(task, completed=reader.done)


def _tell(model: Model, summary: Summary, target: Path, as_json: bool) -> None:
    problems = [
        {"code": code, "column": name, "rows": one.rows, "first_row": one.first, "example": one.text}
        for (code, name), one in sorted(summary.problems.items(), key=lambda item: -item[1].rows)
    ]
    facts = {
        "version": model.manifest.version,
        "digest": model.digest.hex(),
        "output": str(target),
        "rows": summary.rows,
        "scored": summary.scored,
        "flags": summary.flags,
        "problems": problems,
    }

    def text() -> None:
        flags = ", ".join(f"{count:,} {name}" for name, count in summary.flags.items() if count)
        output.note(
            f"{summary.scored:,} of {output.count(summary.rows, 'row')} scored with {model.manifest.version}"
            f"{f' ({flags})' if flags else ''}"
        )
        for one in problems:
            output.note(f"{one['rows']:>9,}  {one['example']} (first in row {one['first_row']})", "yellow")

    output.emit(as_json, facts, text)
