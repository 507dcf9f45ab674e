"""Whatever bytes are in the topics: a record is read as fastavro reads it, or it is named and left out."""

from __future__ import annotations

import io
from typing import Any

import fastavro
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from monitor.joining import NOWHERE, Cell, Label, Prediction
from monitor.places import Places
from monitor.records import Labels, Predictions
from scorer import schema_files
from scorer.wire.decode import Decoder
from scorer.wire.framing import Framing
from scorer.wire.schema import parse
from tests.integration.deployment import PREDICTION
from tests.monitor.stage import LABEL, framed
from tests.wire.support import batch_of

PLACES = Places(["m.events", "m.retry"])
APRIL = int(np.datetime64("2013-04", "M").astype(np.int64))
FIELDS: dict[str, Any] = {
    "event_id": "Zürich 1",
    "source_topic": "m.events",
    "source_partition": 3,
    "source_offset": 41,
    "model": "m",
    "version": "v1",
    "digest": b"x" * 32,
    "role": "champion",
    "score": 0.25,
    "class": "no",
    "scores": [],
    "event_time": 1_364_774_400_000_000,
    "scored_time": 1_500_000_000_000_000,
    "flags": 1,
    "carried": {"carrier": "AA", "delay": 3, "share": 0.5, "none": None},
}


def predictions(framing: Framing = Framing.CONFLUENT) -> Predictions:
    return Predictions(schema_files.own("prediction"), framing, 1001, PLACES)


def labels(framing: Framing = Framing.CONFLUENT) -> Labels:
    schema = parse(schema_files.own("label"), "label.avsc")
    return Labels(Decoder({0 if framing is Framing.BARE else 1003: schema}, framing))


def made(**changes: Any) -> bytes:
    return framed(1001, PREDICTION, FIELDS | changes)


def test_a_prediction_is_read_to_the_bit() -> None:
    score = 0.1 + 0.2
    read = predictions().read(batch_of([made(score=score), made(source_topic="m.retry", role="trial")]))
    assert read.bad == []
    assert read.rows == [
        (
            "Zürich 1".encode(),
            Prediction(1_500_000_000_000_000, PLACES.of("m.events", 3, 41), score, Cell(APRIL, "champion", "v1")),
        ),
        (
            "Zürich 1".encode(),
            Prediction(1_500_000_000_000_000, PLACES.of("m.retry", 3, 41), 0.25, Cell(APRIL, "trial", "v1")),
        ),
    ]


def test_a_prediction_from_a_topic_that_is_not_read_has_no_place() -> None:
    [(_, found)] = predictions().read(batch_of([made(source_topic="other")])).rows
    assert found.place == NOWHERE


@pytest.mark.parametrize(
    ("time", "month"),
    [
        ("2013-04-01T00:00:00.000000", "2013-04"),
        ("2013-03-31T23:59:59.999999", "2013-03"),
        ("2012-02-29T23:59:59.999999", "2012-02"),
        ("1969-12-31T23:59:59.999999", "1969-12"),
        ("9999-12-31T23:59:59.999999", "9999-12"),
        ("0001-01-01T00:00:00.000000", "0001-01"),
    ],
)
def test_months_are_those_of_utc(time: str, month: str) -> None:
    micros = int(np.datetime64(time, "us").astype(np.int64))
    [(_, found)] = predictions().read(batch_of([made(event_time=micros)])).rows
    assert str(np.datetime64(found.cell.month, "M")) == month


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (None, "framing", "begins with nothing"),
        (b"", "framing", "begins with nothing"),
        (b"\0\0\0\3", "framing", "00000003"),
        (b"\0\0\0\3\xea" + made()[5:], "framing", "00000003ea, not with 00000003e9"),
        (made()[:-1], "avro", "EOFError"),
        (made() + b"\0", "avro", "1 bytes are left over"),
        (made()[:6] + b"\xff" * 12 + made()[18:], "avro", "cannot be decoded"),
        (made(**{"class": None}), "value", "two classes"),
        (made(scores=[0.25, 0.5, 0.25]), "value", "two classes"),
        (made(score=1.5), "value", "score 1.5 is no probability"),
        (made(score=float("nan")), "value", "no probability"),
        (made(event_time=None), "value", "event time None"),
        (made(event_time=2**62), "value", "lies in no month"),
    ],
)
def test_a_bad_prediction_is_named_and_its_neighbours_are_read(value: bytes | None, code: str, text: str) -> None:
    read = predictions().read(batch_of([made(event_id="a"), value, made(event_id="b")]))
    assert [event_id for event_id, _ in read.rows] == [b"a", b"b"]
    [bad] = read.bad
    assert (bad.code, bad.where) == (code, "events-0-1")
    assert text in bad.text


@given(st.data())
def test_no_bytes_are_too_bad(data: st.DataObject) -> None:
    value = bytearray(made())
    for place in data.draw(st.lists(st.integers(5, len(value) - 1), max_size=4)):
        value[place] = data.draw(st.integers(0, 255))
    value = value[: data.draw(st.integers(5, len(value)))] + data.draw(st.binary(max_size=12))
    read = predictions().read(batch_of([bytes(value)]))
    assert len(read.rows) + len(read.bad) == 1
    for event_id, found in read.rows:
        fields = fastavro.schemaless_reader(io.BytesIO(bytes(value[5:])), PREDICTION, None)
        assert isinstance(fields, dict)
        assert (event_id.decode(), found.score, found.cell.version) == (
            fields["event_id"], fields["score"], fields["version"],
        )  # fmt: skip


def test_labels_are_read() -> None:
    values = [framed(1003, LABEL, {"event_id": f"e{n}", "label": n % 2, "label_time": n}) for n in range(3)]
    read = labels().read(batch_of(values))
    assert (read.rows, read.bad) == ([(b"e0", Label(0, 0)), (b"e1", Label(1, 1)), (b"e2", Label(2, 0))], [])


@pytest.mark.parametrize("label", [0.5, 2.0, -1.0, float("nan"), float("inf")])
def test_a_label_is_zero_or_one(label: float) -> None:
    read = labels().read(batch_of([framed(1003, LABEL, {"event_id": "e", "label": label, "label_time": 0})]))
    assert [(bad.code, bad.text) for bad in read.bad] == [("value", f"label {label:g} is neither 0 nor 1")]
    assert read.rows == []


def test_bad_labels_are_named() -> None:
    good = framed(1003, LABEL, {"event_id": "e", "label": 1.0, "label_time": 0})
    read = labels().read(batch_of([None, good[:-1], b"\0\0\0\0\1" + good[5:], good, b"{}"]))
    assert [bad.code for bad in read.bad] == ["tombstone", "truncated", "unknown_schema", "unknown_magic"]
    assert [bad.where for bad in read.bad] == ["events-0-0", "events-0-1", "events-0-2", "events-0-4"]
    assert read.rows == [(b"e", Label(0, 1))]


def test_bare_records() -> None:
    label = framed(1, LABEL, {"event_id": "e", "label": 1.0, "label_time": 0})[5:]
    assert labels(Framing.BARE).read(batch_of([label])).rows == [(b"e", Label(0, 1))]
    assert len(predictions(Framing.BARE).read(batch_of([made()[5:]])).rows) == 1


@given(st.sampled_from(["m.events", "m.retry"]), st.integers(0, (1 << 20) - 1), st.integers(0, (1 << 42) - 1))
def test_a_place_belongs_to_one_event(topic: str, partition: int, offset: int) -> None:
    place = PLACES.of(topic, partition, offset)
    assert (place & 1, place >> 1 & (1 << 20) - 1, place >> 21) == (
        ["m.events", "m.retry"].index(topic),
        partition,
        offset,
    )
    assert 0 <= place < 1 << 63
