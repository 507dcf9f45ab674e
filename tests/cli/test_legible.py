"""Dead letters made legible: whatever they hold, no sensitive value is shown."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer.cli.legible import MASK, Events, Legible, legible
from scorer.errors import SchemaError
from scorer.stream.letters import Coordinates, Letter
from scorer.wire.framing import Framing

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "R",
    "namespace": "n",
    "fields": [
        {"name": "name", "type": "string"},
        {"name": "size", "type": {"type": "enum", "name": "Size", "symbols": ["S", "M"]}},
        {"name": "card", "type": ["null", "string"]},
        {"name": "other", "type": ["null", "Size"]},
        {"name": "raw", "type": "bytes"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    ],
}
PARSED = fastavro.parse_schema(SCHEMA)
MARK = "\u2603secret\u2603"
"""Stands nowhere but in the sensitive fields."""


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Events:
    file = tmp_path_factory.mktemp("schema") / "event.avsc"
    file.write_text(json.dumps(SCHEMA))
    return Events({7: file}, Framing.CONFLUENT)


def encoded(**fields: object) -> bytes:
    out = io.BytesIO(b"\0\0\0\0\x07")
    out.seek(0, io.SEEK_END)
    good = {"name": "a", "size": "S", "card": None, "other": None, "raw": b"", "at": 1_700_000_000_000_000}
    fastavro.schemaless_writer(out, PARSED, good | fields)
    return out.getvalue()


def letter(value: bytes | None, *, key: bytes | None = None, code: str = "missing_input", **facts: str) -> Letter:
    return Letter(Coordinates("d", 0, 0), 0, key, value, (), {"code": code} | facts)


def everything(shown: Legible) -> bytes:
    """All bytes that somebody could read, masked ones left out."""
    texts = [repr(shown.key), repr(shown.headers), shown.reason, repr(shown.problem), repr(shown.hidden)]
    texts += [f"{name}={value}" for name, value in shown.fields.items()]
    # A gap is no byte: what stands before and behind it does not make a word.
    runs = "".join("\n" if byte is None else chr(byte) for byte in shown.value or ())
    return "".join(texts).encode() + runs.encode("latin-1")


def parts_of(text: str) -> Iterator[bytes]:
    """Every piece of four bytes."""
    data = text.encode()
    yield from (data[start : start + 4] for start in range(len(data) - 3))


def test_all_fields_and_bytes_are_shown_where_nothing_is_sensitive(events: Events) -> None:
    value = encoded(name="ann", card="4711", other="M", raw=b"\xff")
    shown = legible(letter(value, key=b"k"), events, (), None)
    assert {name: str(found) for name, found in shown.fields.items()} == {
        "name": "ann",
        "size": "S",
        "card": "4711",
        "other": "M",
        "raw": str(b"\xff"),
        "at": "2023-11-14 22:13:20+00:00",
    }
    assert bytes(byte for byte in shown.value or () if byte is not None) == value
    assert (shown.key, shown.problem, shown.hidden) == (b"k", None, None)


@given(st.text(max_size=20), st.text(max_size=20), st.binary(max_size=20), st.sampled_from(["S", "M", None]))
def test_a_sensitive_field_is_masked_and_the_others_are_not(
    events: Events, name: str, card: str, raw: bytes, other: str | None
) -> None:
    value = encoded(name=name, card=f"{card}{MARK}", raw=raw, other=other)
    shown = legible(letter(value, key=f"{card}{MARK}".encode()), events, ("card",), None)
    for piece in parts_of(MARK):
        assert piece not in everything(shown)
    assert shown.fields["card"] == MASK
    assert shown.key == MASK
    assert {"name": name, "raw": raw, "other": other}.items() <= shown.fields.items()
    assert sum(byte is None for byte in shown.value or ()) == 2 + len(f"{card}{MARK}".encode())


@given(st.data())
def test_a_damaged_event_shows_no_piece_of_a_sensitive_field(events: Events, data: st.DataObject) -> None:
    value = bytearray(encoded(name="ann", card=MARK * 2, raw=b"raw"))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(value) - 1))
        action = data.draw(st.sampled_from(["change", "cut", "insert"]))
        if action == "change":
            value[place] = data.draw(st.integers(0, 255))
        elif action == "cut":
            del value[place:]
            value += b"\0" if not value else b""
        else:
            value[place:place] = data.draw(st.binary(min_size=1, max_size=4))
    shown = legible(letter(bytes(value), key=MARK.encode(), code="truncated"), events, ("card",), None)
    for piece in parts_of(MARK):
        assert piece not in everything(shown)


@given(st.binary(max_size=60))
def test_any_bytes_can_be_taken_apart(events: Events, value: bytes) -> None:
    for framed in (value, b"\0\0\0\0\x07" + value):
        anatomy = events.dissect(framed)
        places = [place for part in anatomy.parts for place in (part.start, part.end)]
        assert places == sorted(places)
        assert all(place <= len(framed) for place in places)
        assert anatomy.problem is not None or len(anatomy.parts) == len(SCHEMA["fields"])


def test_the_key_is_masked_where_it_is_the_id_and_the_id_is_sensitive(events: Events) -> None:
    for sensitive, key, masked in [
        (("name",), b"somebody", True),
        (("card",), b"somebody", False),
        (("card",), b"4711", True),
        ((), b"4711", False),
    ]:
        shown = legible(letter(encoded(card="4711"), key=key), events, sensitive, "name")
        assert (shown.key == MASK) is masked


def test_an_event_without_a_value_or_key(events: Events) -> None:
    shown = legible(letter(None, code="tombstone"), events, ("card",), None)
    assert (shown.value, shown.key, shown.hidden) == (None, None, None)
    assert "tombstone" in str(shown.problem)


def test_an_event_that_another_reader_can_decode_but_the_scorer_could_not(events: Events) -> None:
    shown = legible(letter(encoded(card=MARK), code="utf8"), events, ("card",), None)
    assert (shown.value, shown.fields) == (None, {})
    assert "any of it may belong to a sensitive field" in str(shown.hidden)


def test_bare_records(tmp_path: Path) -> None:
    (tmp_path / "event.avsc").write_text(json.dumps(SCHEMA))
    bare = Events({0: tmp_path / "event.avsc"}, Framing.BARE)
    assert [part.name for part in bare.dissect(encoded()[5:]).parts] == [one["name"] for one in SCHEMA["fields"]]


@pytest.mark.parametrize("text", ["{", '"int"', '{"type": "record"}', '{"type": "nonsense"}', None])
def test_a_schema_that_cannot_be_read(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "event.avsc").write_text(text)
    with pytest.raises(SchemaError, match=r"event\.avsc"):
        Events({1: tmp_path / "event.avsc"}, Framing.CONFLUENT)
