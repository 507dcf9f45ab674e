"""Gaps, categories that are new and values out of range are flagged on the prediction, and counted."""

from __future__ import annotations

import json

import numpy as np

from scorer.model import build, build_steps, golden
from scorer.model.build import Design, Proof
from scorer.model.build_trees import ForestTree, forest
from scorer.model.inputs import Input
from scorer.model.profile import profile
from scorer.model.table import values_of
from scorer.scoring.models import Active, Models
from scorer.scoring.score import Scoring
from scorer.wire.decode import Decoder
from scorer.wire.schema import parse
from tests.scoring.support import EVENT, FORM, SCHEMA_ID, batch, event, predictions

NOW = 1_700_000_000_000_000


def test_every_flag_is_on_its_prediction_and_counted() -> None:
    made = Scoring(Decoder({SCHEMA_ID: parse(json.dumps(EVENT), "event.avsc")}), FORM)
    steps = [
        build.impute(["x"], ["x.known"], [0.0]),
        build_steps.clip(["x.known"], ["x.clipped"], -1.0, 1.0),
        build.one_hot("place", ["a", "b"]),
    ]
    inputs = [Input("x", "float64", nullable=True), Input("place", "category")]
    kernel = build.linear(["x.clipped", "place=a", "place=b"], [1.0, 2.0, 4.0], 0.0)
    design = Design("m", "v1", 1, ("numpy", "2"), inputs, steps, kernel, "regression")
    raw: list[list[float | int | str | None]] = [[float(x), "a"] for x in np.linspace(-1, 1, 32)]
    model = golden.admit(build.version(design, Proof(raw, np.linspace(-1, 1, 32)[None] + 2)))
    active = Active("v1", model.digest, model.bind(made.decoder.layout))
    rows = [(0.5, "a"), (None, "a"), (7.0, "b"), (-7.0, "a"), (0.5, "c"), (None, "c"), (1.0, "b"), (9.0, "c")]
    scored = made.score(batch([event(x=x, place=place) for x, place in rows]), Models(active), NOW)
    found = predictions(scored)
    assert [one["flags"] for one in found] == [0, 9, 2, 2, 4, 13, 0, 6]
    assert [one["score"] for one in found] == [2.5, 2.0, 5.0, 1.0, 0.5, 0.0, 5.0, 1.0]
    assert scored.by_flag == {"imputed": 2, "clipped": 3, "unseen": 3, "missing": 2, "outside": 0}


def test_gaps_that_a_version_leaves_alone_and_numbers_beyond_the_training_data_are_flagged_too() -> None:
    made = Scoring(Decoder({SCHEMA_ID: parse(json.dumps(EVENT), "event.avsc")}), FORM)
    inputs = [Input("x", "float64", nullable=True), Input("place", "category", nullable=True)]
    tree = ForestTree([0, -1, -1], [0.0, 0.0, 0.0], [1, -1, -1], [2, -1, -1], [True, False, False], [0.0, 1.0, 2.0])
    steps = [build.ordinal("place", "n", ["a", "b"], unknown=np.nan)]
    kernel = forest(["x", "n"], [tree], [0.0], "identity")
    raw: list[list[float | int | str | None]] = [[float(x), "a"] for x in np.linspace(-1, 1, 33)]
    scores = np.where(np.linspace(-1, 1, 33) <= 0, 1.0, 2.0)
    seen = profile(inputs, values_of(inputs, raw), scores[None])
    design = Design("m", "v1", 1, ("numpy", "2"), inputs, steps, kernel, "regression", profile=seen)
    model = golden.admit(build.version(design, Proof(raw, scores[None])))
    rows = [(0.5, "a"), (None, "a"), (1.0, "b"), (1.5, "a"), (-1.0, None), (-9.0, None), (None, "c")]
    active = Active("v1", model.digest, model.bind(made.decoder.layout))
    scored = made.score(batch([event(x=x, place=place) for x, place in rows]), Models(active), NOW)
    assert [one["flags"] for one in predictions(scored)] == [0, 8, 0, 16, 8, 24, 12]
    assert scored.by_flag == {"imputed": 0, "clipped": 0, "unseen": 1, "missing": 4, "outside": 2}
