"""Events as raw rows: what a case holds scores to the same bits as the event did."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import fastavro
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scorer import schema_files
from scorer.cases import capture, comparing
from scorer.errors import SchemaError, VersionRefused
from scorer.scoring.evaluation import Evaluation
from scorer.scoring.models import Active
from scorer.settings import Settings
from scorer.wire.decode import Decoder
from tests.cases import versions

SCHEMA = {
    "type": "record",
    "name": "E",
    "fields": [
        {"name": "word", "type": ["null", "string"]},
        {"name": "other", "type": "bytes"},
        {"name": "n", "type": "long"},
        {"name": "x", "type": ["null", "long"]},
    ],
}
"""x is a whole number here, and a float64 to the version."""


def deployed(folder: Path, schema: Mapping[str, object] = SCHEMA) -> Settings:
    file = folder / "event.avsc"
    file.write_text(json.dumps(schema))
    return Settings.model_validate({"scorer": {"model": "m"}, "schemas": {"framing": "bare", "events": {0: file}}})


def encoded(record: Mapping[str, object]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(SCHEMA), {"other": b"\xff", **record})
    return out.getvalue()


LONGS = st.integers(-(2**63), 2**63 - 1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(x=st.none() | LONGS, n=LONGS | st.integers(-5, 5), word=st.none() | st.text(max_size=8) | st.sampled_from("ab"))
def test_a_row_scores_as_its_event(tmp_path: Path, x: int | None, n: int, word: str | None) -> None:
    model, where = versions.model(), deployed(tmp_path)
    value = encoded({"x": x, "n": n, "word": word})
    row = capture.row(where, model, value)
    assert row == (None if x is None else float(x), n, word)
    assert [type(one) for one in row] == [type(None) if x is None else float, int, type(word)]
    evaluation = Evaluation(Decoder(schema_files.events(where.schemas), schema_files.framing(where.schemas)))
    bound = Active("v1", b"", model.bind(evaluation.decoder.layout))
    rows, scores = evaluation.all(capture.alone(value), bound)
    [outcome] = comparing.outcomes(model, [row])
    assert rows.tolist() == [0]
    assert np.array(outcome.scores).tobytes() == scores[:, 0].tobytes()


def test_what_is_no_row(tmp_path: Path) -> None:
    where = deployed(tmp_path)
    cut = encoded({"x": 1, "n": 2, "word": "a"})[:-1]
    for value, why in ((None, "tombstone"), (b"", "truncated"), (cut, "truncated")):
        with pytest.raises(SchemaError, match=why):
            capture.row(where, versions.model(), value)
    lacking = deployed(tmp_path, {**SCHEMA, "fields": SCHEMA["fields"][:3]})
    with pytest.raises(VersionRefused, match="'x' is not a field of the events"):
        capture.row(lacking, versions.model(), b"")
