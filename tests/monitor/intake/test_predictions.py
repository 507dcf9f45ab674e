"""Prediction records become rows: each field where it belongs, what cannot be used under its reason."""

from __future__ import annotations

import io
from typing import Any

import fastavro
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.intake import texts
from monitor.intake.predictions import Predictions
from monitor.judge.outputs import Outputs, carried
from monitor.rows import Layout, shaped
from monitor.store.admission import REASONS
from scorer import schema_files
from scorer.errors import SchemaError
from scorer.wire.framing import Framing
from scorer.wire.schema import parse
from scorer.wire.siphash import siphash
from tests.monitor.intake.support import (
    LABEL,
    PREDICTED,
    PREDICTION,
    PREDICTION_ID,
    START,
    Book,
    label,
    prediction,
    read,
)
from tests.monitor.stage import framed
from tests.wire.support import batch_of

BINARY = Outputs("binary", ("no", "yes"))
THREE = Outputs("multiclass", ("a", "b", "c"))
ESTIMATE = Outputs("regression", ())
SEGMENTS = ("carrier", "origin")
SCHEMA = parse(schema_files.own("prediction"), "prediction.avsc")


def reader(outputs: Outputs = BINARY, segments: tuple[str, ...] = SEGMENTS) -> Predictions:
    return Predictions(SCHEMA, Framing.CONFLUENT, PREDICTION_ID, model="m", outputs=outputs, segments=segments)


def reasons(outputs: Outputs, *payloads: bytes | None) -> list[str]:
    _, refused = reader(outputs).read(read(payloads), Book().codes)
    return [REASONS[number] for number in refused]


def test_every_field_comes_to_its_place() -> None:
    book = Book()
    rows, refused = reader().read(read([prediction()], partition=5, offset=40), book.codes)
    assert refused.tolist() == [0]
    batch = batch_of([b"e1"])
    high, low = siphash(batch.payload_address, batch.payload_length)
    found = {name: column[0].item() for name, column in rows.items()}
    assert found == {
        "id_high": int(high[0]),
        "id_low": int(low[0]),
        "version": 0,
        "source_topic": 0,
        "source_partition": 3,
        "source_offset": 17,
        "partition": 5,
        "position": 40,
        "time": START,
        "role": 0,
        "predicted": 1,
        "scored": START + 1_000,
        "score_0": 0.75,
        "segment_0": 0,
        "segment_1": -1,
    }
    assert book.known == {
        "version": {"v1": 0},
        "topic": {"m.events": 0},
        "segment:carrier": {"AA": 0},
        "segment:origin": {},
    }
    assert shaped(rows, Layout(carried(BINARY, SEGMENTS)).prediction).keys() == found.keys()


_RECORDS = st.fixed_dictionaries(
    {
        "event_id": st.text(max_size=12),
        "source_topic": st.sampled_from(["m.events", "m.retry"]),
        "source_partition": st.integers(0, 2**31 - 1),
        "source_offset": st.integers(0, 2**62),
        "version": st.sampled_from(["v1", "v2", "é"]),
        "role": st.sampled_from(["champion", "trial", "challenger"]),
        "class": st.sampled_from(["no", "yes"]),
        "score": st.floats(allow_nan=False, allow_infinity=False),
        "event_time": st.integers(-(2**62), 2**62),
        "scored_time": st.integers(-(2**62), 2**62),
        "carried": st.dictionaries(
            st.sampled_from(["carrier", "origin", "x"]),
            st.none() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=3),
        ),
    }
)


@given(st.lists(_RECORDS, min_size=1, max_size=8))
def test_rows_say_what_fastavro_says(records: list[dict[str, Any]]) -> None:
    payloads = [prediction(**record) for record in records]
    book = Book()
    rows, refused = reader().read(read(payloads), book.codes)
    assert refused.tolist() == [0] * len(records)
    for row, payload in enumerate(payloads):
        said: Any = fastavro.schemaless_reader(io.BytesIO(payload[5:]), PREDICTION, None)
        assert book.names("version")[rows["version"][row]] == said["version"]
        assert book.names("topic")[rows["source_topic"][row]] == said["source_topic"]
        for name, field in {"source_partition": "source_partition", "source_offset": "source_offset",
                            "time": "event_time", "scored": "scored_time", "score_0": "score"}.items():  # fmt: skip
            assert rows[name][row] == said[field]
        assert ["champion", "trial", "challenger"][rows["role"][row]] == said["role"]
        assert ["no", "yes"][rows["predicted"][row]] == said["class"]
        for number, field in enumerate(SEGMENTS):
            value = said["carried"].get(field)
            text = value if isinstance(value, str) else repr(value)
            code = rows[f"segment_{number}"][row]
            assert (code == -1) if value is None else (book.names(f"segment:{field}")[code] == text)
        equal = [said["event_id"] == record["event_id"] for record in records]
        assert equal == (
            (rows["id_high"] == rows["id_high"][row]) & (rows["id_low"] == rows["id_low"][row])
        ).tolist()  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "other"}, "other_model"),
        ({"role": "boss"}, "unknown_role"),
        ({"class": "maybe"}, "other_outputs"),
        ({"class": None}, "other_outputs"),
        ({"scores": [0.1, 0.2, 0.7]}, "other_outputs"),
        ({"score": float("nan")}, ""),
        ({"score": float("inf")}, ""),
        ({"event_time": None}, "no_time"),
        ({"model": "other", "role": "boss", "event_time": None}, "other_model"),
    ],
)
def test_what_cannot_be_used_is_named(changes: dict[str, Any], reason: str) -> None:
    assert reasons(BINARY, prediction(), prediction(**changes), prediction()) == ["", reason, ""]


def test_bytes_that_are_no_prediction_are_unreadable() -> None:
    good = prediction()
    odd = [None, b"", good[:-1], good + b"\0", b"\1" + good[1:], b"\0\0\0\0\1" + good[5:], label()]
    assert reasons(BINARY, good, *odd) == ["", *["unreadable"] * len(odd)]


def test_the_scores_of_several_classes() -> None:
    good = {"class": "c", "scores": [0.2, 0.3, 0.5], "score": 0.5}
    rows, refused = reader(THREE).read(
        read([prediction(**good), prediction(), prediction(**{**good, "scores": [0.5, 0.5]}),
              prediction(**{**good, "scores": [0.2, float("nan"), 0.5]}), prediction(**{**good, "class": None})]),
        Book().codes,
    )  # fmt: skip
    assert [REASONS[number] for number in refused] == [
        "",
        "other_outputs",
        "other_outputs",
        "",
        "other_outputs",
    ]
    assert [rows[f"score_{k}"][0] for k in range(3)] == [0.2, 0.3, 0.5]
    assert rows["predicted"][0] == 2


def test_an_estimate_has_no_class() -> None:
    assert reasons(ESTIMATE, prediction(**{"class": None, "score": -17.5}), prediction()) == ["", "other_outputs"]


def test_names_are_given_only_to_what_is_used() -> None:
    book = Book()
    reader().read(
        read([prediction(model="other", version="theirs", carried={"carrier": "ZZ"}), prediction()]), book.codes
    )
    assert set(book.known["version"]) == {"v1"}
    assert set(book.known["segment:carrier"]) == {"AA"}


def test_there_is_an_end_to_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(texts.MOST, "version", 2)
    monkeypatch.setattr(texts, "MOST_VALUES", 2)
    payloads = [prediction(version=f"v{k % 4}", carried={"carrier": f"c{k % 3}"}) for k in range(12)]
    rows, refused = reader().read(read(payloads), Book().codes)
    assert [REASONS[number] for number in refused] == ["", "", "too_many_names", "too_many_names"] * 3
    assert rows["segment_0"].tolist() == [0, 1, -1] * 4


def test_long_names_are_not_kept() -> None:
    book, long = Book(), "x" * (texts.LONGEST + 1)
    payloads = [prediction(version=long), prediction(carried={"carrier": long}), prediction(event_id=long)]
    rows, refused = reader().read(read(payloads), book.codes)
    assert [REASONS[number] for number in refused] == ["too_many_names", "", ""]
    assert rows["segment_0"].tolist()[1:] == [-1, 0]
    assert not any(long in name for names in book.known.values() for name in names)


def test_bare_records() -> None:
    one = Predictions(SCHEMA, Framing.BARE, 9, model="m", outputs=BINARY, segments=())
    _, refused = one.read(read([prediction()[5:]]), Book().codes)
    assert refused.tolist() == [0]


def test_another_schema_is_refused() -> None:
    with pytest.raises(SchemaError, match="no map `carried`"):
        Predictions(
            parse(schema_files.own("label"), "label.avsc"), Framing.BARE, 0, model="m", outputs=BINARY, segments=()
        )


def test_no_record_and_many() -> None:
    one, book = reader(), Book()
    rows, refused = one.read(read([]), book.codes)
    assert (len(refused), len(rows["time"])) == (0, 0)
    rng = np.random.default_rng(1)
    versions = rng.integers(0, 50, 3_000)
    payloads = [prediction(version=f"v{number}", event_id=str(k)) for k, number in enumerate(versions.tolist())]
    rows, refused = one.read(read(payloads), book.codes)
    assert not refused.any()
    names = book.names("version")
    assert [names[code] for code in rows["version"].tolist()] == [f"v{number}" for number in versions.tolist()]
    assert len(set(zip(rows["id_high"].tolist(), rows["id_low"].tolist(), strict=True))) == 3_000


def test_the_example_is_one() -> None:
    assert framed(PREDICTION_ID, PREDICTION, dict(PREDICTED)) == prediction()
    assert LABEL is not PREDICTION


@given(st.lists(st.none() | st.integers(-2, 2) | st.sampled_from(["", "q1", "q2"]), min_size=1, max_size=9))
def test_rows_of_one_list_have_one_hash_and_rows_without_one_have_none(queries: list[Any]) -> None:
    one = Predictions(
        SCHEMA, Framing.CONFLUENT, PREDICTION_ID, model="m", outputs=ESTIMATE, segments=SEGMENTS,
        lists=("carrier", "query"),
    )  # fmt: skip
    given_ = [{"carrier": value, "query": value} for value in queries]
    records = [prediction(carried=carried_, **{"class": None}) for carried_ in given_]
    book = Book()
    rows, refused = one.read(read(records), book.codes)
    assert refused.tolist() == [0] * len(queries)
    assert rows["list_0"].tolist() == rows["list_1"].tolist()
    hashes = dict(zip(map(repr, queries), rows["list_1"].tolist(), strict=True))
    assert [hashes[repr(value)] for value in queries] == rows["list_1"].tolist()
    assert len(set(hashes.values())) == len(hashes)
    assert [value is None for value in queries] == [one == 0 for one in rows["list_1"].tolist()]
    assert "segment:query" not in book.known
    assert shaped(rows, Layout(carried(ESTIMATE, SEGMENTS, ("carrier", "query"))).prediction).keys() == rows.keys()
