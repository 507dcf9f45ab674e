"""Labels become rows: values, revisions, retractions, in the old form and the new one."""

from __future__ import annotations

import io
import struct
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.intake.labels import Labels
from monitor.judge.outputs import Outputs
from monitor.rows import LABEL as COLUMNS
from monitor.rows import shaped
from monitor.store.admission import REASONS
from scorer import schema_files
from scorer.wire.framing import Framing
from scorer.wire.schema import parse
from scorer.wire.siphash import siphash
from tests.monitor.intake.support import LABEL, LABEL_ID, OLD_LABEL, START, label, old_label, prediction, read
from tests.wire.support import batch_of

SCHEMA = parse(schema_files.own("label"), "label.avsc")
BINARY = Outputs("binary", ("no", "yes"))


def reader(outputs: Outputs = BINARY) -> Labels:
    return Labels(SCHEMA, Framing.CONFLUENT, LABEL_ID, outputs)


def ids(*texts: bytes) -> list[tuple[int, int]]:
    batch = batch_of(texts)
    high, low = siphash(batch.payload_address, batch.payload_length)
    return list(zip(high.tolist(), low.tolist(), strict=True))


def reasons(outputs: Outputs, *payloads: bytes | None) -> list[str]:
    _, refused = reader(outputs).read(read(payloads), {})
    return [REASONS[number] for number in refused]


def test_labels_of_both_forms_and_retractions() -> None:
    batch = read(
        [label("a", 1.0, START, 7), old_label("b", 0.0, START + 1), None, label("c", 1.0, -5)],
        [b"a", b"b", b"a", None],
        time=123,
        offset=10,
        partition=2,
    )
    rows, refused = reader().read(batch, {})
    assert refused.tolist() == [0] * 4
    assert list(zip(rows["id_high"].tolist(), rows["id_low"].tolist(), strict=True)) == ids(b"a", b"b", b"a", b"c")
    assert rows["value"].tolist() == [1.0, 0.0, 0.0, 1.0]
    assert rows["time"].tolist() == [START, START + 1, 123_000, -5]
    assert rows["revision"].tolist() == [7, 0, 0, 0]
    assert rows["retracted"].tolist() == [False, False, True, False]
    assert (rows["partition"].tolist(), rows["position"].tolist()) == ([2] * 4, [10, 11, 12, 13])
    assert shaped(rows, COLUMNS).keys() == COLUMNS.keys()


_LABELS = st.tuples(
    st.text(max_size=6), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**63), 2**63 - 1),
    st.none() | st.integers(-(2**63), 2**63 - 1), st.booleans(),
)  # fmt: skip


@given(st.lists(_LABELS, min_size=1, max_size=8))
def test_rows_say_what_fastavro_says(made: list[tuple[str, float, int, int | None, bool]]) -> None:
    payloads = [old_label(name, value, time) if old else label(name, value, time, revision)
                for name, value, time, revision, old in made]  # fmt: skip
    rows, refused = reader(Outputs("regression", ())).read(read(payloads), {})
    assert not refused.any()
    for row, (*_, old) in enumerate(made):
        said: Any = fastavro.schemaless_reader(io.BytesIO(payloads[row][5:]), OLD_LABEL if old else LABEL, None)
        assert struct.pack("d", rows["value"][row]) == struct.pack("d", said["label"])
        assert rows["time"][row] == said["label_time"]
        assert rows["revision"][row] == (said.get("revision") or 0)
        assert (int(rows["id_high"][row]), int(rows["id_low"][row])) == ids(said["event_id"].encode())[0]


@pytest.mark.parametrize(
    ("outputs", "value", "reason"),
    [
        (BINARY, 2.0, "unknown_class"),
        (BINARY, -1.0, "unknown_class"),
        (BINARY, 0.5, "wrong_type"),
        (BINARY, float("nan"), "not_finite"),
        (BINARY, float("inf"), "not_finite"),
        (Outputs("multiclass", ("a", "b", "c")), 2.0, ""),
        (Outputs("multiclass", ("a", "b", "c")), 3.0, "unknown_class"),
        (Outputs("regression", ()), -2.5, ""),
        (Outputs("regression", ()), float("nan"), "not_finite"),
    ],
)
def test_what_is_no_label_is_named(outputs: Outputs, value: float, reason: str) -> None:
    assert reasons(outputs, label(), label(value=value), old_label(value=value), old_label()) == [
        "",
        reason,
        reason,
        "",
    ]


def test_bytes_that_are_no_label_are_unreadable() -> None:
    good, old = label(), old_label()
    odd = [b"", good + b"\0", old[:-1], b"\1" + old[1:], b"\0\0\0\0\1" + good[5:], prediction(), good[:-1] + b"\4"]
    assert reasons(BINARY, good, *odd, old) == ["", *["unreadable"] * len(odd), ""]


@given(st.binary(max_size=40))
def test_no_bytes_are_a_label_of_both_forms(data: bytes) -> None:
    [reason] = reasons(Outputs("regression", ()), b"\0\0\0\3\xeb" + data)
    if reason in ("", "not_finite"):
        forms = []
        for schema in (LABEL, OLD_LABEL):
            stream = io.BytesIO(data)
            try:
                fastavro.schemaless_reader(stream, schema, None)
            except (EOFError, IndexError, ValueError):
                continue
            forms.append(stream.tell() == len(data))
        assert forms.count(True) == 1


def test_a_retraction_needs_a_key_and_a_time() -> None:
    _, refused = reader().read(read([None, None], [b"a", None]), {})
    assert [REASONS[number] for number in refused] == ["", "unreadable"]
    for time in (-1, 2**62):
        _, refused = reader().read(read([None], [b"a"], time=time), {})
        assert [REASONS[number] for number in refused] == ["no_time"]


def test_a_retraction_bears_the_revision_that_its_header_says() -> None:
    rows, refused = reader().read(
        read([None, label(revision=2), None, None], [b"a", None, b"b", b"c"]), {0: 9, 2: None}
    )
    assert rows["revision"].tolist() == [9, 2, 0, 0]
    assert [REASONS[number] for number in refused] == ["", "", "unreadable", ""]


def test_old_labels_alone_and_none_at_all() -> None:
    rows, refused = reader().read(read([old_label(f"e{k}", k % 2) for k in range(700)]), {})
    assert not refused.any()
    assert rows["value"].tolist() == [k % 2 for k in range(700)]
    _, refused = reader().read(read([]), {})
    assert len(refused) == 0


def test_a_schema_with_something_behind_the_revision_is_refused() -> None:
    with pytest.raises(ValueError, match="last field"):
        Labels(parse(schema_files.own("prediction"), "prediction.avsc"), Framing.BARE, 0, BINARY)
