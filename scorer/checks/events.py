"""The schemas of the events, and the fields that the settings name."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from scorer import schema_files
from scorer.checks.finding import Finding, failed
from scorer.errors import ScorerError, SettingsError
from scorer.scoring.prediction import PredictionForm, Predictions
from scorer.settings import Settings
from scorer.wire.decode import Decoder
from scorer.wire.schema import RecordSchema, parse


def check(settings: Settings) -> Generator[Finding, None, Decoder | None]:
    """Whether every schema can be decoded and has the named fields; returns the decoder."""
    schemas = settings.schemas
    read: dict[int, RecordSchema] = {}
    broken = False
    for number, file in schemas.events.items():
        one = schemas.model_copy(update={"events": {number: file}})
        try:
            read |= schema_files.events(one)
            Decoder({0 if schemas.framing == "bare" else number: read[number]}, schema_files.framing(schemas))
        except ScorerError as error:
            broken = True
            yield failed("schemas", error)
        else:
            yield Finding("schemas", "ok", f"id {number}: {file} has {len(read[number].fields)} fields")
    if broken:
        yield Finding("fields", "skipped", "not checked, because a schema cannot be decoded")
        return None
    try:
        decoder = Decoder(read, schema_files.framing(schemas))
    except ScorerError as error:
        yield failed("schemas", error)
        return None
    yield from _fields(settings, decoder)
    return decoder


def _fields(settings: Settings, decoder: Decoder) -> Generator[Finding]:
    """One by one, so that all mistakes are found."""
    scorer = settings.scorer
    schema = parse(schema_files.own("prediction"), "prediction.avsc")
    plain = PredictionForm(scorer.model, schema, decoder.framing, settings.schemas.prediction_id)
    forms = [
        replace(plain, id_field=scorer.id_field),
        replace(plain, time_field=scorer.time_field),
        *(replace(plain, carried=(name,)) for name in scorer.carried),
    ]
    wrong = False
    for form in forms:
        try:
            Predictions(form, decoder, 1)
        except ScorerError as error:
            wrong = True
            yield failed("fields", error)
    for name in scorer.sensitive:
        if name not in {field.name for one in decoder.schemas for field in one.fields}:
            wrong = True
            text = f"scorer.sensitive: the events have no field {name!r}, so nothing is masked by that name"
            yield Finding("fields", "failed", text, "correct the name, or remove it", SettingsError.exit_code)
    if not wrong:
        named = {"id": scorer.id_field or "the key", "time": scorer.time_field or "the broker's timestamp"}
        named |= {"carried": ", ".join(scorer.carried) or "none", "sensitive": ", ".join(scorer.sensitive) or "none"}
        yield Finding("fields", "ok", "; ".join(f"{what}: {names}" for what, names in named.items()))
