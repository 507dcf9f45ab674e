"""How results are printed: JSON for machines, tables for people at a terminal, aligned lines for everything else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

COLOURS = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}

Row = Sequence[object]


def emit(as_json: bool, facts: Mapping[str, object] | Sequence[object], text: Callable[[], None]) -> None:
    """Print ``facts`` as JSON, or whatever ``text`` prints."""
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False, indent=2, default=_plain))
    else:
        text()


def line(text: str, style: str = "") -> None:
    """One line on standard output, with control characters made visible."""
    if sys.stdout.isatty():
        Console(soft_wrap=True, highlight=False).print(Text(clean(text), style))
    else:
        typer.echo(clean(text))


def note(text: str, style: str = "") -> None:
    """One line on standard error: what is happening, or what to do next."""
    if sys.stderr.isatty():
        Console(stderr=True, soft_wrap=True, highlight=False).print(Text(clean(text), style))
    else:
        typer.echo(clean(text), err=True)


def table(columns: Sequence[str], rows: Sequence[Row], styles: Sequence[str] | None = None) -> None:
    """Rows of cells; ``None`` is an empty cell. ``styles`` has one for each row, used on a terminal only."""
    cells = [[clean("" if cell is None else str(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        typer.echo("\n".join(_aligned([list(columns), *cells])))
        return
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row, style in zip(cells, styles or [""] * len(cells), strict=True):
        drawn.add_row(*(Text(cell) for cell in row), style=style)
    Console(highlight=False).print(drawn)


def pairs(facts: Mapping[str, object]) -> None:
    """Names and values, one pair a line; ``None`` is shown as a dash."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        line(f"{name:<{width}}  {'-' if value is None or value == '' else value}")


def count(number: int, what: str) -> str:
    """``1 thing`` or ``2,000 things``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def when(milliseconds: float | None) -> str | None:
    """A time in milliseconds since the epoch, as ISO 8601 in UTC; ``None`` where it is unknown."""
    if milliseconds is None or milliseconds < 0:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1e3, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return f"{milliseconds:.0f} ms"


def clean(text: str) -> str:
    """The text without control characters, which could do anything to a terminal; they are written as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _plain(value: object) -> Any:
    """What JSON has no form for."""
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
