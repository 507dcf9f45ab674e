"""One raw row that somebody hands in as a file: a JSON object, or a CSV file with a header and one row."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from scorer.errors import SchemaError, VersionRefused
from scorer.model import canonical
from scorer.model.canonical import Json, Reader
from scorer.model.inputs import Input, Raw
from scorer.model.model import Model

_LARGEST = 1 << 20


def row(file: Path, model: Model) -> tuple[Raw, ...]:
    """The raw inputs of ``model``; what else the file holds is left out. Raises ``SchemaError``."""
    try:
        with file.open("rb") as stream:
            text = stream.read(_LARGEST).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"{file}: cannot be read: {error}") from None
    values = _of_csv(text, model, file) if file.suffix == ".csv" else _of_json(text, file)
    missing = [entry.name for entry in model.inputs if entry.name not in values]
    if missing:
        raise SchemaError(f"{file}: has no {', '.join(missing)}; write null, or an empty cell, where there is no value")
    try:
        return tuple(_read(entry, values[entry.name]) for entry in model.inputs)
    except VersionRefused as error:
        raise SchemaError(f"{file}: {error}") from None


def _of_json(text: str, file: Path) -> dict[str, Json]:
    try:
        found = canonical.decode(text.encode(), "it")
    except VersionRefused as error:
        raise SchemaError(f"{file}: {error}") from None
    if not isinstance(found, dict):
        raise SchemaError(f"{file}: must hold one JSON object, with a value for each input")
    return found


def _of_csv(text: str, model: Model, file: Path) -> dict[str, Json]:
    """An empty cell is no value, because CSV cannot tell that from an empty text."""
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    if len(rows) != 1:
        raise SchemaError(f"{file}: has {len(rows)} rows below its header; hand in one at a time")
    dtypes = {entry.name: entry.dtype for entry in model.inputs}
    return {name: _cell(cell, dtypes[name], name, file) for name, cell in rows[0].items() if name in dtypes}


def _cell(cell: str | None, dtype: str, name: str, file: Path) -> Json:
    if not cell:
        return None
    if dtype == "category":
        return cell
    try:
        return int(cell) if dtype == "int64" else canonical.number_to_json(float(cell))
    except ValueError:
        raise SchemaError(f"{file}: {name}: {cell[:80]!r} is no {dtype}") from None


def _read(entry: Input, value: Json) -> Raw:
    if entry.dtype == "float64" and type(value) is int:
        return float(value)
    return entry.read_value(Reader(value, entry.name))
