"""The settings of both services: one TOML file, and for every key the environment variable ``SECTION_KEY``.

``Settings.load(file, environ)`` lists all mistakes at once. Descriptions are printed by ``scorer settings``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr, ValidationError, model_validator

from scorer.errors import SettingsError
from scorer.settings.reading import from_text, mistakes, read
from scorer.settings.sections import Kafka, Redis, Schemas, Scorer, Section, Topics
from scorer.settings.values import LONGEST_NAME

__all__ = ["Redis", "Schemas", "Scorer", "Section", "Settings", "describe", "without_empty"]


OTHERS = ("monitor", "alerts", "candidates")
"""Sections of the same file that are the monitor's: the scorer leaves them to it."""


class Settings(Section):
    """All settings of the scorer, checked and frozen. ``load`` reads them; the monitor's settings extend them."""

    scorer: Scorer
    kafka: Kafka = Kafka()
    redis: Redis = Redis()
    schemas: Schemas = Schemas()
    topics: Topics = Topics()

    @model_validator(mode="before")
    @classmethod
    def _named_after_the_model(cls, values: Any) -> Any:
        """Topics and group that are not named bear the model's name."""
        scorer, topics = values.get("scorer"), values.get("topics", {})
        if not isinstance(scorer, dict) or not isinstance(topics, dict):
            return values
        model = scorer.get("model", "")
        named = {name: f"{model}.{name.replace('_', '-')}" for name in Topics.model_fields}
        return {
            **values,
            "topics": named | without_empty(topics),
            "scorer": {"group": f"{model}.scorer"} | without_empty(scorer, "group"),
        }

    @model_validator(mode="after")
    def _fit_together(self) -> Settings:
        wrong = [*self._misfits()]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def _misfits(self) -> Iterator[str]:
        """What is wrong with several keys together."""
        scorer, schemas = self.scorer, self.schemas
        if not schemas.events:
            yield 'schemas.events names no schema: say which file describes the events, e.g. {1 = "event.avsc"}'
        elif schemas.framing == "bare" and set(schemas.events) != {0}:
            yield "schemas.events must be exactly one file with the id 0, because bare records bear no id"
        if scorer.commit_ms * 2 > scorer.transaction_timeout_ms:
            yield "scorer.transaction_timeout_ms must be at least twice scorer.commit_ms"
        room = LONGEST_NAME - len(f"-{scorer.workers - 1}")
        if len(scorer.instance) > room:
            yield (
                f"scorer.instance has {len(scorer.instance)} characters; with {scorer.workers} workers, each of which "
                f"appends its number, it may have {room}"
            )
        roles: dict[str, list[str]] = {}
        for role, topic in self.topics.model_dump().items():
            roles.setdefault(topic, []).append(f"topics.{role}")
        for topic, sharing in roles.items():
            if len(sharing) > 1:
                yield f"{' and '.join(sharing)} are the same topic, {topic}; each needs one of its own"

    @classmethod
    def load(cls, file: Path | None, environ: Mapping[str, str]) -> Self:
        """Read ``file`` (TOML; ``None``: there is none) overlaid by ``environ``. SettingsError lists all mistakes.

        Paths in the file are relative to it; paths in the environment to the working directory.
        """
        values = {} if file is None else read(file)
        for section, keys in _keys(cls).items():
            table = values.setdefault(section, {})
            for key, annotation in keys.items():
                text = environ.get(f"{section}_{key}".upper())
                if text is not None and isinstance(table, dict):
                    table[key] = from_text(text, annotation)
        known = {
            section: table for section, table in values.items() if section in cls.model_fields or section not in OTHERS
        }
        try:
            return cls.model_validate(known)
        except ValidationError as error:
            source = "the environment" if file is None else f"{file} and the environment"
            found = mistakes(error)
            lines = found if len(found) == 1 else [f"{len(found)} mistakes", *found]
            raise SettingsError(f"{source}: " + "\n  ".join(lines)) from None


def without_empty(table: dict[str, Any], *keys: str) -> dict[str, Any]:
    """``table`` without those of its keys, or without any, that are empty: an empty text stands for the default."""
    return {key: value for key, value in table.items() if value != "" or (keys and key not in keys)}


def describe(settings: type[Settings]) -> list[tuple[str, str, str, str]]:
    """Every key as (key, environment variable, default, description), in the order of the sections."""
    rows = []
    for section, keys in _keys(settings).items():
        model = settings.model_fields[section].annotation
        for key in keys:
            field = model.model_fields[key]  # type: ignore[union-attr]  # sections are models
            default = "required" if field.is_required() else json.dumps(field.get_default(), default=_plain)
            rows.append((f"{section}.{key}", f"{section}_{key}".upper(), default, field.description or ""))
    return rows


def _plain(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return "" if value == Path() else str(value)


def _keys(settings: type[Settings]) -> dict[str, dict[str, Any]]:
    """The keys of each section, with their types."""
    sections = {name: field.annotation for name, field in settings.model_fields.items()}
    return {
        name: {key: field.annotation for key, field in section.model_fields.items()}
        for name, section in sections.items()
        if isinstance(section, type) and issubclass(section, Section)
    }
