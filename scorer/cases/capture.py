"""From an event that was met in operation to a case: fetched from Kafka, decoded as the scorer decodes it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from scorer import schema_files
from scorer.batch import Batch, Columns, Kind, Layout
from scorer.cases import comparing, predictions
from scorer.cases.form import Case, Scores, Source
from scorer.errors import SchemaError, SettingsError
from scorer.model.inputs import Raw
from scorer.model.model import Model
from scorer.settings import Settings
from scorer.stream import letters
from scorer.stream.history import History
from scorer.stream.letters import Coordinates
from scorer.wire.decode import Decoder
from scorer.wire.joined import join
from scorer.wire.reasons import OK


@dataclass(frozen=True, slots=True)
class Event:
    """The bytes of an event as its producer wrote them, and where they were met."""

    value: bytes | None
    source: Source


def dead_letter(settings: Settings, place: Coordinates) -> Event:
    """The event of the dead letter at ``place``, which may also be the event's own.

    Raises ``SettingsError`` where there is none, or only the beginning of it was kept; ``StreamBroken``.
    """
    found = letters.find(settings, place)
    if not found:
        raise SettingsError(f"there is no dead letter at {place} and none of an event there")
    letter, facts = found[0], found[0].facts
    if letter.cut:
        raise SettingsError(
            f"the dead letter at {letter.at} holds only the beginning of its event, which was too large"
        )
    source = Coordinates.parse(letter.source) if letter.source else letter.at
    milliseconds = int(facts["source.time"]) if facts.get("source.time", "").isdecimal() else letter.time
    reason = f"{letter.code}: {facts.get('reason', '')}"
    return Event(letter.value, Source(*source, _when(milliseconds), facts.get("version"), reason))


def event(settings: Settings, place: Coordinates) -> Event:
    """The event at ``place``, and the version that scored it, where its prediction is found.

    Raises ``SettingsError`` where there is no such event any more; ``StreamBroken``.
    """
    with History(settings, place.topic) as history:
        message = history.one(place.partition, place.offset)
    if message is None:
        raise SettingsError(f"there is no event at {place}: it is deleted, or was never there")
    milliseconds = message.timestamp()[1]
    prediction = predictions.find(settings, place, milliseconds)
    version = None if prediction is None else prediction.version
    return Event(message.value(), Source(*place, _when(milliseconds), version))


def row(settings: Settings, model: Model, value: bytes | None) -> tuple[Raw, ...]:
    """The raw inputs of ``model`` in an event, by the scorer's own decoder and the settings' schemas.

    Raises ``SchemaError`` where the event does not decode, ``VersionRefused`` where the events lack an input.
    """
    decoder = Decoder(schema_files.events(settings.schemas), schema_files.framing(settings.schemas))
    model.bind(decoder.layout)
    batch = alone(value)
    decoded = decoder.decode(batch)
    if decoded.status[0] != OK:
        why = decoder.reason(decoded, 0)
        raise SchemaError(
            f"the event does not decode ({why.code}: {why.text}), so no version ever sees it, and it is no case of "
            "one; its dead letter says what the producer has to mend"
        )
    found = tuple(_raw(decoded.columns, decoder.layout, entry.name, entry.dtype) for entry in model.inputs)
    batch.owner.release()
    return found


def case(model: Model, raw: tuple[Raw, ...], name: str, why: str, source: Source) -> Case:
    """A case that expects what ``model`` makes of the row now, as near as its golden rows must be reproduced."""
    [outcome] = comparing.outcomes(model, [raw])
    told = model.manifest.golden
    expected = outcome.letter or Scores(outcome.scores, told.atol, told.rtol)
    flags = outcome.flags if outcome.letter is None else None
    return Case(name, why, raw, expected, flags, source)


def refuse_sensitive(settings: Settings, model: Model) -> None:
    """Raise ``SettingsError`` where a case would hold a field whose values nobody should read."""
    hidden = [entry.name for entry in model.inputs if entry.name in settings.scorer.sensitive]
    if hidden:
        raise SettingsError(
            f"the version takes {', '.join(hidden)}, which scorer.sensitive names: a case would keep the value for "
            "ever, in the clear, where everyone reads the cases. Say --with-sensitive if that is all right, or hand in "
            "a row with an invented value: --file"
        )


class _Kept:
    """Owns the one buffer of a batch."""

    def __init__(self, buffer: bytes) -> None:
        self._buffer: bytes | None = buffer

    def release(self) -> None:
        """Drop it."""
        self._buffer = None


def alone(value: bytes | None) -> Batch:
    """A batch of one event without key."""
    buffer, address, length = join([value])
    none, nowhere = np.full(1, -1, np.int64), np.zeros(1, np.int32)
    return Batch(
        address, length, np.zeros(1, np.int64), none, nowhere, nowhere, np.zeros(1, np.int64), none,
        np.zeros(1, np.bool_), ("",), _Kept(buffer),
    )  # fmt: skip


def _raw(columns: Columns, layout: Layout, name: str, dtype: str) -> Raw:
    """One value of the first row, as golden rows hold it."""
    field = layout[name]
    if not columns.valid[field.index, 0]:
        return None
    if field.kind == Kind.NUMBER:
        return float(columns.numbers[field.slot, 0])
    if field.kind == Kind.INTEGER:
        whole = int(columns.integers[field.slot, 0])
        return float(whole) if dtype == "float64" else whole
    return ctypes.string_at(int(columns.address[field.slot, 0]), int(columns.length[field.slot, 0])).decode()


def _when(milliseconds: int) -> str | None:
    if milliseconds < 0:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1e3, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return None  # producers may write any 64 bits as a timestamp
