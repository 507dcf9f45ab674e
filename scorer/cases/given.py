"""One raw row that somebody hands in as a file: a JSON object, or a CSV file with a header and one row."""

from __future__ import annotations

import io
from collections.abc import Collection
from pathlib import Path

from scorer.cases import form
from scorer.errors import SchemaError, VersionRefused
from scorer.model import canonical
from scorer.model.canonical import Reader
from scorer.model.inputs import Raw
from scorer.model.model import Model
from scorer.rows.delimited import DelimitedReader
from scorer.rows.values import Typed

_LARGEST = 1 << 20


def row(file: Path, model: Model) -> tuple[Raw, ...]:
    """The raw inputs of ``model``; what else the file holds is left out. Raises ``SchemaError``."""
    try:
        with file.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        raise SchemaError(f"{file}: cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise SchemaError(f"{file}: has more than {_LARGEST:,} bytes, which is no single row")
    try:
        return _of_csv(data, model) if file.suffix.lower() == ".csv" else _of_json(data, model)
    except (SchemaError, VersionRefused) as error:
        raise SchemaError(f"{file}: {error}") from None


def _of_json(data: bytes, model: Model) -> tuple[Raw, ...]:
    found = canonical.decode(data.removeprefix(b"\xef\xbb\xbf"), "it")
    if not isinstance(found, dict):
        raise SchemaError("must hold one JSON object, with a value for each input")
    _require(model, found.keys())
    return tuple(form.raw_value(entry, Reader(found[entry.name], entry.name)) for entry in model.inputs)


def _of_csv(data: bytes, model: Model) -> tuple[Raw, ...]:
    """Cells as files of rows have them: an empty one is no value."""
    reader = DelimitedReader(io.BytesIO(data), None, ",", ())
    _require(model, reader.names)
    pieces = list(reader.pieces(2))
    if [len(piece) for piece in pieces] != [1]:
        raise SchemaError(f"has {sum(map(len, pieces))} rows below its header; hand in one at a time")
    for text in pieces[0].unreadable.values():
        raise SchemaError(text)
    return tuple(_only(pieces[0].values(entry)) for entry in model.inputs)


def _require(model: Model, names: Collection[str]) -> None:
    missing = [entry.name for entry in model.inputs if entry.name not in names]
    if missing:
        raise SchemaError(f"has no {', '.join(missing)}; write null, or an empty cell, where there is no value")


def _only(typed: Typed) -> Raw:
    """The value of the only row."""
    for text in typed.wrong.values():
        raise SchemaError(text)
    if isinstance(typed.values, list):
        word = typed.values[0]
        return None if word is None else word.decode()
    values, valid = typed.values
    found: float | int = values[0].item()
    return found if valid[0] else None
