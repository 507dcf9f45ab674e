"""What preparation steps refuse to be, and the values that they refuse, flag and move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scorer.errors import VersionRefused
from scorer.model import build, build_steps
from scorer.model.build import Part
from scorer.model.canonical import Json
from scorer.model.frame import Predictor
from scorer.model.inputs import Input
from scorer.model.ops import CLIPPED, IMPUTED, MISSING, UNSEEN
from scorer.model.tensors import Tensor
from tests.model.test_model import model_of, results

A, B, C, D = (
    Input("a", "float64"),
    Input("b", "float64", nullable=True),
    Input("c", "category"),
    Input("d", "category", nullable=True),
)
SCALE = build_steps.scale(["a"], ["x"], [1.0], [0.0])
CLIP = build_steps.clip(["a"], ["x"], 0.0, 1.0)
ENCODE = build_steps.encode("c", ["x"], ["p", "q"], [1.0, 2.0])
NUMBERS = build_steps.encode("a", ["x"], np.array([1.0, 2.0]), [1.0, 2.0])
BINS = build_steps.bins(["a"], ["x"], [[0.0, 1.0, 2.0]])
QUANTILES = build_steps.quantiles(["a"], ["x"], [[0.0], [1.0], [1.0]], [0.0, 0.5, 1.0], "uniform")
POLYNOMIAL = build_steps.polynomial(["a"], ["x"], [[2]])


def with_array(part: Part, role: str, array: Tensor) -> Part:
    return replace(part, arrays={**part.arrays, role: array})


def with_param(part: Part, name: str, value: Json) -> Part:
    return replace(part, params={**part.params, name: value})


REFUSED: list[tuple[Part, str]] = [
    (replace(SCALE, taken=["a", "b"]), "takes 2 columns and must make as many, not 1"),
    (replace(CLIP, made=["x", "y"]), "takes 1 columns and must make as many, not 2"),
    (with_param(CLIP, "low", 2.0), "'low' is above 'high'"),
    (replace(ENCODE, taken=["c", "d"]), "takes exactly one column"),
    (replace(ENCODE, params={}), "'missing' and 'unknown' must be given"),
    (with_param(ENCODE, "categories", ["p", "p"]), "a category occurs twice"),
    (with_param(ENCODE, "unknown", "value"), r"tensors must be \['unknown', 'values'\]"),
    (with_array(NUMBERS, "categories", np.array([2.0, 1.0])), "tensor 'categories' does not increase"),
    (with_array(NUMBERS, "categories", np.array([1.0, 1.0])), "tensor 'categories' does not increase"),
    (with_array(NUMBERS, "categories", np.zeros(0)), "must have 1 to 65536 categories"),
    (build_steps.encode("d", ["x"], np.array([1.0]), [1.0]), "column 'd' is a category; encode it first"),
    (build_steps.encode("a", ["x"], ["p"], [1.0]), "column 'a' is a number; this step takes a category"),
    (build_steps.indicators("a", ["x", "y"], [1, 1]), "a code occurs twice"),
    (replace(build_steps.indicators("a", ["x"], [1]), taken=["a", "b"]), "takes exactly one column"),
    (build_steps.missing_if(["c"], ["x"], 1.0), "column 'c' is a category"),
    (build_steps.missing_if(["a"], ["x"], "p"), "column 'a' is a number"),
    (build_steps.require(["c"], ["x"], missing_too=True), "column 'c' is a category"),
    (with_array(BINS, "bins", np.array([0], np.int32)), "must have 1 to 65536 for each column"),
    (with_array(BINS, "bins", np.array([3], np.int32)), r"'edges' must be float64 \[4\]"),
    (with_array(BINS, "edges", np.array([0.0, 1.0, 1.0])), "does not increase within a column"),
    (build_steps.bins(["b"], ["x"], [[0.0, 1.0]]), "column 'b' may be missing"),
    (build_steps.polynomial(["b"], ["x"], [[2]]), "column 'b' may be missing"),
    (build_steps.normalise(["a", "b"], ["x", "y"], "l2"), "column 'b' may be missing"),
    (with_array(POLYNOMIAL, "powers", np.array([[-1]], np.int32)), "must have 0 to 100 in all per output"),
    (with_array(POLYNOMIAL, "powers", np.array([[101]], np.int32)), "must have 0 to 100 in all per output"),
    (with_array(QUANTILES, "quantiles", np.array([[0.0], [-1.0], [1.0]])), "decreases within a column"),
    (with_array(QUANTILES, "references", np.array([0.0, 0.0, 1.0])), "must increase from 0 to 1"),
    (with_array(QUANTILES, "references", np.array([0.1, 0.5, 1.0])), "must increase from 0 to 1"),
    (build_steps.quantiles(["a"], ["x"], [[0.0]], [0.0], "uniform"), "must increase from 0 to 1"),
    (build_steps.date(["a"], ["x"], "year", "sin"), "a year has no cycle"),
]


@pytest.mark.parametrize(("part", "text"), REFUSED, ids=lambda value: value.name if isinstance(value, Part) else None)
def test_steps_refuse_what_they_cannot_do(part: Part, text: str) -> None:
    others = [build_steps.encode("c", ["c.x"], ["p"], [1.0]), build_steps.encode("d", ["d.x"], ["p"], [1.0])]
    others.append(build.impute(["b"], ["b.filled"], [0.0]))
    with pytest.raises(VersionRefused, match=text):
        model_of((A, B, C, D), [part, *others], build.linear(["x", "a"], [1.0, 1.0], 0.0))


def test_text_that_another_step_has_changed_is_not_changed_again() -> None:
    gap = build_steps.missing_if(["d"], ["gap"], "?")
    code = build_steps.encode("gap", ["x"], ["p"], [1.0], missing=[0.0])
    for again in (build_steps.missing_if(["gap"], ["y"], "!"), build_steps.is_missing(["gap"], ["y"])):
        with pytest.raises(VersionRefused, match="text column 'gap' is not as it came"):
            model_of((D,), [gap, code, again], build.linear(["x"], [1.0], 0.0))


def test_a_step_may_leave_gaps_that_a_sum_does_not_take() -> None:
    unknown = build_steps.encode("c", ["x"], ["p"], [1.0], unknown="missing")
    for step in (unknown, build_steps.function(["a"], ["x"], "sqrt"), build_steps.missing_if(["a"], ["x"], 0.0)):
        with pytest.raises(VersionRefused, match="column 'x' may be missing"):
            model_of((A, C), [step, *([] if step is unknown else [ENCODE_C])], build.linear(["x", "a"], [1, 1], 0.0))
        steps = [step, *([] if step is unknown else [ENCODE_C]), build_steps.require(["x"], ["y"], missing_too=True)]
        model_of((A, C), steps, build.linear(["y", "a"], [1.0, 1.0], 0.0))


ENCODE_C = build_steps.encode("c", ["code"], ["p"], [1.0], unknown=[0.0])


def test_a_refused_value_says_which_column_and_why() -> None:
    """Missing inputs come first, then refusals in the order of the steps."""
    steps = [
        build_steps.encode("c", ["code"], ["p", "q"], [1.0, 2.0], unknown="refuse"),
        build_steps.function(["a"], ["log"], "log"),
        build_steps.require(["log"], ["known"], missing_too=True),
    ]
    model = model_of((A, C), steps, build.linear(["code", "known"], [1.0, 1.0], 0.0))
    got = results(model, [1.0, "p"], [None, "?"], [1.0, "?"], [0.0, "p"], [-1.0, "p"], [0.0, "?"], [np.inf, "q"])
    assert got.missing.tolist() == [-1, 0, 2, 3, 4, 2, 4]
    assert np.isnan(got.scores[0, 1:]).all()
    assert got.flags.tolist() == [0, UNSEEN | MISSING, UNSEEN, 0, 0, UNSEEN, 0]
    assert model.decisive == ("a", "c", "c", "a", "log")
    told = [(model.unscored(k).column, model.unscored(k).why) for k in range(5)]
    assert [column for column, _ in told] == list(model.decisive)
    assert "has no value" in told[0][1]
    assert "did not occur in the training data" in told[2][1]
    assert told[3][1] == "its log is infinite"
    assert told[4][1] == "it is missing or infinite"


def test_frames_name_the_column_that_was_refused() -> None:
    pandas = pytest.importorskip("pandas")
    model = model_of((C,), [build_steps.encode("c", ["x"], ["p"], [1.0])], build.linear(["x"], [1.0], 0.0))
    found = Predictor(model).predict(pandas.DataFrame({"c": ["p", "z"]}))
    assert found["missing"].tolist() == [None, "c"]


def test_what_unknown_and_missing_categories_become() -> None:
    def codes(unknown: build_steps.Choice, missing: build_steps.Choice) -> tuple[list[float], list[int]]:
        part = build_steps.encode("d", ["x"], ["p", "q"], [10.0, 20.0], unknown=unknown, missing=missing)
        filled = build.impute(["x"], ["y"], [-9.0])
        got = results(model_of((D,), [part, filled], build.linear(["y"], [1.0], 0.0)), ["q"], ["z"], [None])
        return got.scores[0].tolist(), got.flags.tolist()

    assert codes([5.0], [6.0]) == ([20, 5, 6], [0, UNSEEN, MISSING])
    assert codes([5.0], "unknown") == ([20, 5, 5], [0, UNSEEN, UNSEEN | IMPUTED | MISSING])
    assert codes("missing", [6.0]) == ([20, -9, 6], [0, UNSEEN | IMPUTED, MISSING])
    assert codes([5.0], "missing") == ([20, 5, -9], [0, UNSEEN, IMPUTED | MISSING])


def test_numbers_are_categories_by_their_value() -> None:
    part = build_steps.encode("a", ["x"], np.array([-2.5, 0.0, 1e300]), [1, 2, 3], unknown=[9])
    near = [np.nextafter(0.0, 1.0), np.nextafter(1e300, 0.0), np.inf, -np.inf]
    model = model_of((A,), [part], build.linear(["x"], [1.0], 0.0))
    got = results(model, *[[value] for value in (-2.5, 0.0, -0.0, 1e300, *near)])
    assert got.scores[0].tolist() == [1, 2, 2, 3, 9, 9, 9, 9]
    assert got.flags.tolist() == [0] * 4 + [UNSEEN] * 4


def test_a_value_is_clipped_only_where_it_moves() -> None:
    model = model_of((A,), [CLIP], build.linear(["x"], [1.0], 0.0))
    got = results(model, *[[value] for value in (0.0, 1.0, -0.0, 0.5, -5e-324, np.nextafter(1, 2), np.inf, -np.inf)])
    assert got.scores[0].tolist() == [0, 1, 0, 0.5, 0, 1, 1, 0]
    assert got.flags.tolist() == [0] * 4 + [CLIPPED] * 4
