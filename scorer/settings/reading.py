"""The settings' file and environment, and mistakes in them, in words."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from scorer.errors import SettingsError


def from_text(text: str, annotation: Any) -> object:
    """A table is written as JSON in the environment; everything else is for pydantic to read."""
    if get_origin(annotation) is dict:
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return None if text == "" and NoneType in get_args(annotation) else text


def read(file: Path) -> dict[str, Any]:
    """The tables of ``file``, with its paths relative to it. Raises ``SettingsError`` where it is no TOML."""
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: is not TOML: {error}") from None
    schemas, scorer = values.get("schemas"), values.get("scorer")
    if isinstance(schemas, dict) and isinstance(schemas.get("events"), dict):
        schemas["events"] = {key: file.parent / str(path) for key, path in schemas["events"].items()}
    if isinstance(scorer, dict) and "state_directory" in scorer:
        scorer["state_directory"] = file.parent / str(scorer["state_directory"])
    return values


def mistakes(error: ValidationError) -> list[str]:
    """Each mistake as ``section.key: what is wrong``; never the value, which may be a secret."""
    found = error.errors(include_input=False, include_url=False)
    lines = []
    for mistake in found:
        where = ".".join(str(part) for part in mistake["loc"])
        key = ".".join(part for part in mistake["loc"] if isinstance(part, str))
        # What concerns several keys, or is said by the client, too, names them by itself.
        lines += [text if text.startswith(key) else f"{where}: {text}" for text in _in_words(mistake).split("\n")]
    return lines


def _in_words(mistake: ErrorDetails) -> str:
    """What is wrong; where pydantic speaks of its own matters, in ours."""
    if mistake["type"] == "missing":
        variable = "_".join(str(part) for part in mistake["loc"]).upper()
        return f"is required; set it in the file, or as {variable} in the environment"
    if mistake["type"] == "extra_forbidden":
        return "there is no such key; 'scorer settings' lists them all"
    return mistake["msg"].removeprefix("Value error, ")
