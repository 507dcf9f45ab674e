"""``scorer settings``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import typer
from pydantic import BaseModel, SecretStr

from scorer import redis_url
from scorer.cli import output
from scorer.cli.output import Json
from scorer.cli.session import Session
from scorer.observe import logs
from scorer.settings import Settings, describe

_SECRET = re.compile(r"password|passphrase|secret|token|jaas|private|\.pem|oauthbearer\.config|\.key$", re.IGNORECASE)
_MASK = "***"

Described = tuple[str, str, str, str]

Values = Annotated[
    bool, typer.Option("--values", help="Show also the values in force, from file and environment; secrets masked.")
]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")]


def command(context: typer.Context, values: Values = False, markdown: Markdown = False, as_json: Json = False) -> None:
    """List all settings: key, variable, default, description."""
    show(describe(Settings), Session.of(context).settings if values else None, markdown=markdown, as_json=as_json)


def show(described: Sequence[Described], settings: Settings | None, *, markdown: bool, as_json: bool) -> None:
    """Print keys as ``describe`` gives them; with ``settings`` also what these have come to be."""
    columns = ["key", "environment", "default", "description"]
    described = [_masked(row) for row in described]
    found = None if settings is None else _values(settings)
    if found is not None:
        columns.insert(2, "value")
    rows = [row if found is None else (*row[:2], found[row[0]], *row[2:]) for row in described]
    if markdown and not as_json:
        typer.echo(_markdown(columns, rows))
    else:
        facts = [dict(zip(columns, row, strict=True)) for row in rows]
        output.emit(as_json, facts, lambda: output.table(columns, rows))


def _masked(row: Described) -> Described:
    key, variable, default, text = row
    return key, variable, logs.mask(default), text


def _values(settings: Settings) -> dict[str, str]:
    """What every key has come to be, as text, without secrets."""
    found = {}
    for section in type(settings).model_fields:
        table: BaseModel = getattr(settings, section)
        for key in type(table).model_fields:
            found[f"{section}.{key}"] = _shown(f"{section}.{key}", getattr(table, key))
    return found


def _shown(key: str, value: object) -> str:
    if isinstance(value, SecretStr):
        return redis_url.masked(value.get_secret_value()) if key == "redis.url" else _MASK
    if isinstance(value, dict):
        return ", ".join(
            f"{key}={_MASK if _SECRET.search(str(key)) else logs.mask(str(one))}" for key, one in value.items()
        )
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    code = [[f"`{cell}`" if cell and at < len(columns) - 1 else cell for at, cell in enumerate(row)] for row in rows]
    return "\n".join([line(columns), line(["---"] * len(columns)), *map(line, code)])
