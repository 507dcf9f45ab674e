"""The Avro schemas that come with this package, and those that the settings name, read from their files."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from scorer.errors import SchemaError
from scorer.settings import Schemas
from scorer.wire.framing import Framing
from scorer.wire.schema import RecordSchema, parse


def own(name: str) -> dict[str, Any]:
    """A schema of this package (``prediction``, ``audit``, ``label`` or ``verdict``), as parsed JSON."""
    schema: dict[str, Any] = json.loads((files("scorer") / "schemas" / f"{name}.avsc").read_text("utf-8"))
    return schema


def framing(settings: Schemas) -> Framing:
    """How records are framed."""
    return Framing.BARE if settings.framing == "bare" else Framing.CONFLUENT


def events(settings: Schemas) -> dict[int, RecordSchema]:
    """The schemas that events may have, by id. Raises SchemaError, naming the file, where one cannot be read."""
    return {number: parse(_text(file), file.name) for number, file in settings.events.items()}


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"{file}: cannot be read: {error}; see schemas.events in the settings") from None
