"""One batch in, one outcome for every event out."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import FrameType
from typing import Any

import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core import event as numba_event

from scorer import schema_files
from scorer.batch import Kind
from scorer.errors import SettingsError
from scorer.model import build, build_steps, golden
from scorer.model.build import Design, Proof
from scorer.model.inputs import Input
from scorer.scoring.models import Active, Models, Trial
from scorer.scoring.prediction import PredictionForm
from scorer.scoring.routing import Share
from scorer.scoring.score import MISSING_INPUT, NOT_ENCODED, NOT_FINITE, REFUSED_VALUE, Scoring
from scorer.wire.decode import Decoder
from scorer.wire.schema import parse
from tests.scoring.support import EVENT, FORM, active, batch, event, predictions, scoring

NOW = 1_700_000_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_a_prediction_says_everything_about_itself() -> None:
    made = scoring()
    champion = active(made)
    scored = made.score(batch([event(id="a", at=1_234, x=2.0, place="Köln", number=7)], start=4), Models(champion), NOW)
    [prediction] = predictions(scored)
    assert prediction == {
        "event_id": "a",
        "source_topic": "m.events",
        "source_partition": 1,
        "source_offset": 4,
        "model": "m",
        "version": "v1",
        "digest": champion.digest,
        "role": "champion",
        "score": pytest.approx(1 / (1 + math.exp(-2)), rel=1e-15),
        "class": "yes",
        "scores": [],
        "event_time": EPOCH + timedelta(milliseconds=1_234),
        "scored_time": EPOCH + timedelta(microseconds=NOW),
        "flags": 0,
        "carried": {"place": "Köln", "number": 7, "x": 2.0},
    }
    assert scored.by_version == {("v1", "champion"): 1}
    assert not scored.dead_letters


def test_what_is_missing_is_null_or_taken_from_elsewhere() -> None:
    made = scoring()
    scored = made.score(batch([event()] * 3, keys=[b"key", None, b"\xff"]), Models(active(made)), NOW)
    found = predictions(scored)
    # The id: the field, else the key, else (also where the key is no text) the source coordinates.
    assert [p["event_id"] for p in found] == ["key", "m.retry-1-1", "m.events-2-2"]
    assert [p["event_time"] for p in found] == [None] * 3
    assert [p["flags"] for p in found] == [9] * 3
    assert found[0]["carried"] == {"place": None, "number": 0, "x": None}
    assert scored.by_flag == {"imputed": 3, "clipped": 0, "unseen": 0, "missing": 3, "outside": 0}


def test_without_fields_named_the_key_and_the_brokers_time_serve() -> None:
    made = scoring(PredictionForm("m", FORM.schema, schema_id=9))
    [prediction] = predictions(made.score(batch([event(x=1.0)], keys=[b"k"]), Models(active(made)), NOW))
    assert (prediction["event_id"], prediction["carried"]) == ("k", {})
    assert prediction["event_time"] == EPOCH + timedelta(seconds=1)


def test_a_number_may_be_the_id() -> None:
    made = scoring(PredictionForm("m", FORM.schema, schema_id=9, id_field="number"))
    scored = made.score(batch([event(number=n) for n in (-5, 0, 2**62)]), Models(active(made)), NOW)
    assert [p["event_id"] for p in predictions(scored)] == ["-5", "0", str(2**62)]


@pytest.mark.parametrize("named", ["id", "number"])
def test_ids_without_bytes_in_the_events_live_until_they_are_written(named: str) -> None:
    """So many that their memory would have gone to somebody else."""
    made = scoring(replace(FORM, id_field=named))
    count = 6_000
    scored = made.score(batch([event(number=2**62 + n) for n in range(count)]), Models(active(made)), NOW)
    topics = ("m.events", "m.retry")
    expected = [str(2**62 + n) if named == "number" else f"{topics[n % 2]}-{n % 3}-{n}" for n in range(count)]
    assert [p["event_id"] for p in predictions(scored)] == expected


def test_several_classes_and_regressions() -> None:
    made = scoring()
    rows = batch([event(x=x) for x in (-2.0, 0.1, 3.0)])
    [low, middle, high] = predictions(made.score(rows, Models(active(made, kind="multiclass")), NOW))
    assert [p["class"] for p in (low, middle, high)] == ["low", "high", "high"]
    for prediction, x in ((low, -2.0), (middle, 0.1), (high, 3.0)):
        powers = np.exp(np.array([-x, 0.0, x]))
        assert prediction["scores"] == pytest.approx(powers / powers.sum(), rel=1e-14)
        assert prediction["score"] == max(prediction["scores"])
    estimates = predictions(made.score(rows, Models(active(made, slope=3.0, kind="regression")), NOW))
    assert [(p["score"], p["class"], p["scores"]) for p in estimates] == [
        (-6.0, None, []), (pytest.approx(0.3), None, []), (9.0, None, []),
    ]  # fmt: skip


def test_an_event_that_cannot_be_scored_names_the_version_and_the_field() -> None:
    made = scoring()
    demanding = active(made, nullable=False)
    scored = made.score(batch([event(x=1.0), event(), event(x=math.inf), event(x=2.0)]), Models(demanding), NOW)
    assert scored.rows.tolist() == [0, 2, 3]  # infinity has a probability of 1
    [letter] = scored.dead_letters
    assert (letter.row, letter.code, letter.field, letter.version) == (1, MISSING_INPUT, "x", "v1")
    assert letter.text == "field `x` has no value, and version v1 cannot do without it"
    linear = active(made, slope=2.0, kind="regression")
    scored = made.score(batch([event(x=math.inf), event(x=1.0), event(x=1e308)]), Models(linear), NOW)
    assert [(letter.row, letter.code) for letter in scored.dead_letters] == [(0, NOT_FINITE), (2, NOT_FINITE)]
    assert scored.rows.tolist() == [1]


def test_an_event_whose_value_is_refused_names_the_column_and_the_reason() -> None:
    made = scoring()
    steps = [build_steps.function(["x"], ["log"], "log"), build_steps.require(["log"], ["known"], missing_too=True)]
    design = Design(
        "m", "v1", 1, ("numpy", "2"), [Input("x", "float64")], steps, build.linear(["known"], [1.0], 0.0), "regression"
    )
    model = golden.admit(build.version(design, Proof([[1.0]], np.zeros((1, 1)))))
    version = Active("v1", model.digest, model.bind(made.decoder.layout))
    scored = made.score(batch([event(x=x) for x in (1.0, 0.0, -1.0)] + [event()]), Models(version), NOW)
    assert scored.rows.tolist() == [0]
    told = [(letter.row, letter.code, letter.field, letter.text) for letter in scored.dead_letters]
    assert told == [
        (1, REFUSED_VALUE, "x", "version v1 refuses the value of column `x`: its log is infinite"),
        (2, REFUSED_VALUE, "log", "version v1 refuses the value of column `log`: it is missing or infinite"),
        (3, MISSING_INPUT, "x", "field `x` has no value, and version v1 cannot do without it"),
    ]


def test_a_time_beyond_64_bits_is_none() -> None:
    made = scoring(PredictionForm("m", FORM.schema, schema_id=9))
    latest = (2**63 - 1) // 1000
    rows = replace(batch([event()] * 4), time=np.array([-1, 0, latest, latest + 1]))
    scored = made.score(rows, Models(active(made)), NOW)
    plain = fastavro.parse_schema(json.loads(json.dumps(schema_files.own("prediction")).replace("logicalType", "x")))
    found = []
    for at, size in zip(scored.start.tolist(), scored.length.tolist(), strict=True):
        record = fastavro.schemaless_reader(io.BytesIO(scored.buffer[at + 5 : at + size].tobytes()), plain, None)
        assert isinstance(record, dict)
        found.append(record["event_time"])
    assert found == [None, 0, latest * 1000, None]


def test_a_prediction_that_cannot_be_written_is_a_dead_letter_and_counted_as_such() -> None:
    narrow = schema_files.own("prediction")
    [offset] = [field for field in narrow["fields"] if field["name"] == "source_offset"]
    offset["type"] = "int"
    made = scoring(replace(FORM, schema=parse(narrow, "narrow.avsc")))
    models = Models(active(made), Trial(active(made, "v2"), Share("t", field="number", values=(1,)), NOW + 1))
    rows = batch([event(x=1.0), event(number=1), event(number=1), event()], start=2**31 - 2)
    scored = made.score(rows, models, NOW)
    assert scored.rows.tolist() == [0, 1]
    assert [(letter.row, letter.code) for letter in scored.dead_letters] == [(2, NOT_ENCODED), (3, NOT_ENCODED)]
    assert "2147483648 does not fit" in scored.dead_letters[0].text
    assert scored.by_version == {("v1", "champion"): 1, ("v2", "trial"): 1}
    assert scored.by_flag["imputed"] == 1


GOOD = st.builds(
    event,
    id=st.none() | st.text(max_size=12),
    number=st.integers(-(2**63), 2**63 - 1),
    at=st.none() | st.integers(0, 2**40),
    x=st.none() | st.floats(-50, 50),
    place=st.none() | st.text(max_size=5),
)
ANY = st.one_of(GOOD, GOOD, GOOD, st.none(), st.binary(max_size=30), GOOD.map(lambda value: value[:-1]))


SHARES = (
    Share("t", percent=30.0),
    Share("t", percent=50.0, by="place"),
    Share("t", field="place", values=("", "a")),
    Share("t", field="number", values=(0,)),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(ANY, max_size=40), st.lists(st.integers(0, 40), max_size=5), st.data())
def test_every_event_has_one_outcome_with_the_same_bits_however_the_events_are_cut(
    payloads: list[bytes | None], cuts: list[int], data: st.DataObject
) -> None:
    made = scoring()
    champion, tried = active(made), active(made, "v2", -2.0)
    share = data.draw(st.sampled_from(SHARES))
    models = Models(champion, Trial(tried, share, NOW + 1))
    keys = [b"%d" % n for n in range(len(payloads))]
    whole = made.score(batch(payloads, keys), models, NOW)
    outcomes = sorted([*whole.rows.tolist(), *(letter.row for letter in whole.dead_letters)])
    assert outcomes == list(range(len(payloads)))
    assert sum(whole.by_version.values()) == len(whole.rows)
    together = dict(zip(whole.rows.tolist(), predictions(whole), strict=True))
    letters = {letter.row: (letter.code, letter.text) for letter in whole.dead_letters}
    edges = sorted({0, *(min(cut, len(payloads)) for cut in cuts), len(payloads)})
    for first, last in pairwise(edges):
        part = made.score(batch(payloads[first:last], keys[first:last], first), models, NOW)
        apart = {row + first: p for row, p in zip(part.rows.tolist(), predictions(part), strict=True)}
        assert apart == {row: p for row, p in together.items() if first <= row < last}
        assert {letter.row + first: (letter.code, letter.text) for letter in part.dead_letters} == {
            row: letter for row, letter in letters.items() if first <= row < last
        }
    for prediction in together.values():
        slope, x = {"v1": 1.0, "v2": -2.0}[prediction["version"]], prediction["carried"]["x"] or 0.0
        assert prediction["score"] == pytest.approx(1 / (1 + math.exp(-slope * x)), rel=1e-14)
        assert prediction["role"] == ("champion" if prediction["version"] == "v1" else "trial")


def test_nothing_is_compiled_for_new_schemas_and_new_versions() -> None:
    """Fifty schemas, and fifty flips under each of the last."""
    before = scoring()
    before.score(batch([event(x=1.0)]), Models(active(before)), NOW)
    with numba_event.install_recorder("numba:compile") as compiled:
        for number in range(50):
            extra = [{"name": f"extra{n}", "type": ["null", "double"]} for n in range(number)]
            schema = parse(json.dumps({**EVENT, "fields": [*EVENT["fields"], *extra]}), "event.avsc")
            made = Scoring(Decoder({5: schema}), FORM)
            assert len([f for f in made.decoder.layout if f.kind == Kind.NUMBER]) == number + 1
            payload = event(x=1.0) + b"\0" * number
            for flip in range(1, 3):
                scored = made.score(batch([payload] * (number + 1)), Models(active(made, f"v{flip}", flip)), NOW)
                assert len(scored.rows) == number + 1
    assert not compiled.buffer


def instructions(work: Callable[[], object]) -> int:
    """How many instructions Python's interpreter runs."""
    count = 0

    def trace(frame: FrameType, what: str, _argument: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += what == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("named", ["place", "id", "number", None])
def test_a_hundred_times_the_events_take_not_one_instruction_of_python_more(named: str | None, kind: str) -> None:
    made = scoring(replace(FORM, id_field=named))
    trial = Trial(active(made, "v2", kind=kind), Share("t", percent=50.0), NOW + 1)
    models = Models(active(made, kind=kind), trial)
    many, few = (batch([event(x=n / 7.0, number=n, place=f"place {n}") for n in range(size)]) for size in (3_000, 30))
    made.score(many, models, NOW)  # makes room
    counts = [instructions(lambda: made.score(rows, models, NOW)) for rows in (few, many)]  # noqa: B023
    assert counts[0] == counts[1] > 1_000


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"id_field": "nothing"}, "scorer.id_field: the events have no field 'nothing'; they have id, number"),
        ({"id_field": "x"}, "scorer.id_field: field 'x' holds number values; it must hold text or integer"),
        ({"time_field": "number"}, "scorer.time_field: event.avsc: field 'number' is no timestamp"),
        ({"carried": ("place", "gone")}, "scorer.carried: the events have no field 'gone'"),
    ],
)
def test_settings_that_do_not_fit_the_events_are_refused(form: dict[str, object], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        scoring(PredictionForm("m", FORM.schema, schema_id=9, **form))  # type: ignore[arg-type]
