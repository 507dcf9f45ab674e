"""Kernels in the pipeline, the steps that combine their scores, and outputs that are margins or have a threshold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from scorer.batch import Floats
from scorer.errors import VersionRefused
from scorer.model import build, build_scores, golden
from scorer.model.build import Design, Part, Proof
from scorer.model.inputs import Input
from scorer.model.manifest import parse
from scorer.model.model import Model
from scorer.model.outputs import MARGIN
from scorer.model.table import from_rows
from scorer.model.version import load
from tests.model import samples

INPUTS = tuple(Input(name, "float64") for name in "abc")
CLASSES = {"regression": (), "binary": ("no", "yes"), "multiclass": ("x", "y", "z")}


def model(
    steps: list[Part], kernel: Part, kind: str = "regression", inputs: tuple[Input, ...] = INPUTS, **outputs: Any
) -> Model:
    design = Design("m", "v", 0, ("none", "0"), inputs, steps, kernel, kind, CLASSES[kind], **outputs)
    count = 3 if kind == "multiclass" else 1
    return Model(load(build.draft(design, Proof([[0.0] * len(inputs)], np.zeros((count, 1))))))


def column(step: Part, numbers: Floats, *, before: tuple[Part, ...] = ()) -> Floats:
    """What ``step`` makes of rows ``(rows, 3)``, all columns of it ``(columns, rows)``."""
    made = list(step.made)
    taken = {name for part in (*before, step) for name in part.taken}
    unused = build.linear(list("abc"), [0.0, 0.0, 0.0], 0.0)
    keep = replace(unused, made=["unused"], params={"scores": "estimate"})
    found = []
    for name in made:
        one = model([*before, step, keep], build_scores.columns([name]))
        found.append(golden.score(one, from_rows(one.inputs, numbers.tolist())).scores[0])
    assert taken
    return np.array(found)


def numbers(seed: int, count: int = 500) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, 3)) * 3


def test_average_is_that_of_numpy() -> None:
    rows = numbers(1)
    weights = [0.3, 2.0, 1.7]
    got = column(build_scores.average(list("abc"), ["m"], weights), rows)
    np.testing.assert_array_equal(got[0], np.average(rows.T, axis=0, weights=weights))
    equal = column(build_scores.average(list("abc"), ["m"], [1, 1, 1]), rows)
    np.testing.assert_array_equal(equal[0], np.mean(rows.T, axis=0))


def test_a_sigmoid_calibrates_as_scipy_does() -> None:
    rows = numbers(2) * 100
    got = column(build_scores.calibrate_sigmoid(["a", "b"], ["p", "q"], [-1.0, 0.5], [0.0, -2.0]), rows)
    np.testing.assert_allclose(got, [expit(rows[:, 0]), expit(-(0.5 * rows[:, 1] - 2.0))], rtol=1e-15, atol=1e-300)


@pytest.mark.parametrize("outside", ["clip", "nan"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("increasing", [True, False])
def test_piecewise_linear_calibration_is_isotonic_regression(outside: str, dtype: Any, increasing: bool) -> None:
    rng = np.random.default_rng(3)
    x = np.round(rng.normal(size=200), 1).astype(dtype)
    y = (x if increasing else -x) + rng.normal(size=200)
    fitted = IsotonicRegression(out_of_bounds=outside, increasing=increasing).fit(x, y.astype(dtype))
    step = build_scores.calibrate_isotonic(
        "a", "p", fitted.X_thresholds_, fitted.y_thresholds_,
        outside="clip" if outside == "clip" else "missing", dtype=np.dtype(dtype).name,
    )  # fmt: skip
    knots = fitted.X_thresholds_.astype(np.float64)
    tried = np.concatenate([knots, np.nextafter(knots, -9), np.nextafter(knots, 9), numbers(4)[:, 0], [0.0, -0.0]])
    rows = np.stack([tried, tried, tried], axis=1)
    expected = fitted.predict(tried.astype(dtype)).astype(np.float64)
    np.testing.assert_array_equal(column(step, rows)[0], expected)
    assert np.isnan(expected).any() == (outside == "nan")


def test_shares_add_up_to_one_or_are_what_is_said() -> None:
    rows = np.abs(numbers(5))
    rows[::7] = 0.0
    total = rows.sum(axis=1)
    with np.errstate(invalid="ignore"):
        expected = (rows / total[:, None]).T
    got = column(build_scores.shares(list("abc"), ["p", "q", "r"]), rows)
    np.testing.assert_allclose(got, np.where(total == 0, 1 / 3, expected), rtol=1e-15)
    zeros = column(build_scores.shares(list("abc"), ["p", "q", "r"], when_zero="zeros"), rows)
    np.testing.assert_allclose(zeros, np.where(total == 0, 0.0, expected), rtol=1e-15)


def test_the_first_of_the_highest_is_chosen() -> None:
    rows = np.round(numbers(6))
    best = rows.argmax(axis=1)
    np.testing.assert_array_equal(column(build_scores.choose(list("abc"), ["k"]), rows)[0], best)
    votes = column(build_scores.choose(list("abc"), ["p", "q", "r"]), rows)
    np.testing.assert_array_equal(votes, np.equal.outer(np.arange(3), best))
    np.testing.assert_array_equal(column(build_scores.choose(["a"], ["k"], 1.0), rows)[0], rows[:, 0] > 1)


def test_log_odds() -> None:
    rows = np.random.default_rng(7).random((200, 3))
    rows[0], rows[1] = 0.0, 1.0
    edge = float(np.finfo(np.float64).eps)
    inside = np.clip(rows, edge, 1 - edge)
    got = column(build_scores.log_odds(["a"], ["m"], edge), rows)
    np.testing.assert_allclose(got[0], logit(inside[:, 0]), rtol=1e-13, atol=1e-15)
    several = column(build_scores.log_odds(list("abc"), ["l", "m", "n"], edge), rows)
    logs = np.log(inside).T
    np.testing.assert_allclose(several, logs - logs.mean(axis=0), rtol=1e-12, atol=1e-14)


def test_a_count_is_the_exponential_of_a_sum() -> None:
    rows = numbers(8)
    one = model([], build_scores.loglinear(list("abc"), [0.1, -0.2, 0.3], 0.5))
    got = golden.score(one, from_rows(INPUTS, rows.tolist())).scores[0]
    np.testing.assert_allclose(got, np.exp(0.5 + rows @ [0.1, -0.2, 0.3]), rtol=1e-13)


def scored(kernel: Part, made: list[str], scores: Any) -> Part:
    return replace(kernel, made=made, params={**kernel.params, "scores": scores})


LOGISTIC = build.logistic(list("abc"), [[1.0, 2.0, 3.0]], [0.5])
SEVERAL = build.logistic(list("abc"), np.eye(3), [0.5, 0.0, 1.0])
LINEAR = build.linear(list("abc"), [1.0, 2.0, 3.0], 0.5)


def test_a_kernel_on_kernels() -> None:
    """Stacking, as a composition."""
    steps = [scored(LOGISTIC, ["p"], "probability"), scored(SEVERAL, ["q", "r", "s"], "probability")]
    steps.append(scored(LINEAR, ["t"], "estimate"))
    rows = numbers(9)
    got = golden.score(
        model(steps, build.linear(["p", "q", "r", "s", "t"], [1.0, 10.0, 100.0, 1000.0, 0.5], 0.0)),
        from_rows(INPUTS, rows.tolist()),
    )
    powers = np.exp(rows + np.array([0.5, 0.0, 1.0]))
    shares = powers / powers.sum(axis=1, keepdims=True)
    total = 0.5 + rows @ [1.0, 2.0, 3.0]
    np.testing.assert_allclose(got.scores[0], expit(total) + shares @ [10.0, 100.0, 1000.0] + 0.5 * total, rtol=1e-12)


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (replace(LOGISTIC, made=["p"]), "a kernel in the pipeline has the parameter 'scores'"),
        (scored(LOGISTIC, ["p"], "share"), "expected one of estimate, probability, margin"),
        (scored(LOGISTIC, ["p"], "estimate"), "makes probabilities"),
        (scored(LOGISTIC, ["p"], "margin"), "makes probabilities"),
        (scored(LINEAR, ["p"], "probability"), "makes an estimate or margins"),
        (scored(LINEAR, ["p", "q"], "estimate"), "an estimate is one column, not 2"),
        (scored(SEVERAL, ["p", "q"], "probability"), "which is one column"),
        (
            scored(SEVERAL, ["p", "q", "r", "s"], "probability"),
            r"'coef' must be float64 \[4, 3\], found float64 \[3, 3\]",
        ),
        (scored(LINEAR, ["p"], 1), "expected one of"),
        (build_scores.average(list("abc"), ["p", "q"], [1.0]), "not 3 to make 2"),
        (build_scores.average(list("abc"), ["p"], [1.0, -2.0, 1.0]), "adds up to 0"),
        (build_scores.average(list("abc"), ["p"], [1e308, 1e308, 1.0]), "adds up to 0 or overflows"),
        (build_scores.average(list("abc"), ["p"], [1.0]), r"'weights' must be float64 \[3\]"),
        (build_scores.calibrate_sigmoid(["a"], ["p", "q"], [1.0], [0.0]), "must make as many"),
        (build_scores.calibrate_isotonic("a", "p", [0.0, 0.0], [0.0, 1.0]), "'x' must increase"),
        (build_scores.calibrate_isotonic("a", "p", [-1e308, 1e308], [0.0, 1.0]), "further apart than a float64"),
        (build_scores.calibrate_isotonic("a", "p", [], []), "at least one point"),
        (build_scores.calibrate_isotonic("a", "p", [0.0, 1.0], [0.0, np.nan]), "not finite"),
        (build_scores.calibrate_isotonic("a", "p", [0.0], [1.0], outside="raise"), "expected one of clip, missing"),
        (build_scores.calibrate_isotonic("a", "p", [0.1], [1.0], dtype="float32"), "must be float32 where it calcula"),
        (build_scores.shares(["a", "b"], ["p"]), "must make as many"),
        (build_scores.shares(["a", "b"], ["p", "q"], when_zero="nan"), "expected one of uniform, zeros"),
        (build_scores.choose(["a"], ["p"]), "expected a number with a decimal point"),
        (build_scores.choose(["a", "b"], ["p"], 0.5), "null, for the highest of several"),
        (build_scores.choose(["a", "b", "c"], ["p", "q"]), "one column, or one for each of the 3"),
        (build_scores.log_odds(["a"], ["p"], 0.5), "between 0 and 0.5"),
        (build_scores.log_odds(["a", "b"], ["p"], 0.1), "must make as many"),
    ],
)
def test_what_does_not_fit_is_refused(step: Part, text: str) -> None:
    with pytest.raises(VersionRefused, match=text):
        model([step], build.linear(["a", "b", "c", *step.made], [0.0] * (3 + len(step.made)), 0.0))


def test_combining_refuses_what_may_be_missing() -> None:
    inputs = (Input("a", "float64", nullable=True), *INPUTS[1:])
    for step in (
        build_scores.average(list("abc"), ["p"], [1, 1, 1]),
        build_scores.calibrate_sigmoid(["a"], ["p"], [1.0], [0.0]),
        build_scores.calibrate_isotonic("a", "p", [0.0], [1.0]),
        build_scores.shares(["a", "b"], ["p", "q"]),
        build_scores.choose(["a"], ["p"], 0.0),
        build_scores.log_odds(["a"], ["p"], 0.1),
    ):
        with pytest.raises(VersionRefused, match="'a' may be missing"):
            model([step], build.linear(["b", "c", "p"], [1.0, 1.0, 1.0], 0.0), inputs=inputs)


def test_outside_of_the_points_there_is_no_score_and_sums_refuse_the_column() -> None:
    step = build_scores.calibrate_isotonic("a", "p", [0.0, 1.0], [0.0, 1.0], outside="missing")
    with pytest.raises(VersionRefused, match="'p' may be missing"):
        model([step], build.linear(["b", "c", "p"], [1.0, 1.0, 1.0], 0.0))


def test_columns_must_be_as_many_as_scores() -> None:
    with pytest.raises(VersionRefused, match="must take 3 columns, one for each score, not 2"):
        model([], build_scores.columns(["a", "b"]), "multiclass", inputs=INPUTS[:2])


def test_margins_decide_at_zero_and_thresholds_where_they_are() -> None:
    scores = np.array([[-1.0, 0.0, 0.25, 0.5, 0.75]])
    assert model([], LINEAR, "binary", scale=MARGIN).classify(scores).tolist() == [0, 0, 1, 1, 1]
    assert model([], LOGISTIC, "binary").classify(scores).tolist() == [0, 0, 0, 0, 1]
    assert model([], LOGISTIC, "binary", threshold=0.25).classify(scores).tolist() == [0, 0, 0, 1, 1]
    assert model([], LINEAR, "binary", scale=MARGIN, threshold=-0.5).classify(scores).tolist() == [0, 1, 1, 1, 1]
    several = model([], build.linear(list("abc"), np.eye(3), [0.0] * 3), "multiclass", scale=MARGIN)
    assert several.classify(np.array([[-3.0, 1.0], [-2.0, 1.0], [-2.5, 0.0]])).tolist() == [1, 0]
    assert (several.scale, several.n_outputs) == (MARGIN, 3)


def test_a_probability_cannot_be_called_a_margin() -> None:
    with pytest.raises(VersionRefused, match="makes probabilities"):
        model([], LOGISTIC, "binary", scale=MARGIN)
    with pytest.raises(VersionRefused, match="makes an estimate or margins"):
        model([], LINEAR, "binary")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"scale": "probability"}, "expected one of margin"),
        ({"scale": "logit"}, "expected one of margin"),
        ({"threshold": 0.5}, "this one is meant anyhow"),
        ({"threshold": "0.3"}, "expected a number"),
        ({"threshold": 1}, "expected a number with a decimal point"),
        ({"threshold": None}, "expected a number"),
        ({"scale": "margin", "threshold": 0.0}, "this one is meant anyhow"),
        ({"bound": 0.3}, "'bound' is not known"),
    ],
)
def test_what_outputs_may_not_say(change: dict[str, object], text: str) -> None:
    stored = samples.edited(samples.store(samples.small()), lambda document: document["outputs"].update(change))
    with pytest.raises(VersionRefused, match=text):
        parse(stored.manifest)


@pytest.mark.parametrize(("kind", "field"), [("regression", "scale"), ("regression", "threshold")])
def test_an_estimate_has_neither_scale_nor_threshold(kind: str, field: str) -> None:
    design = samples.design(INPUTS, [], LINEAR)
    value = {"scale": "margin", "threshold": 0.25}[field]
    stored = samples.edited(samples.store(design), lambda document: document["outputs"].update({field: value}))
    with pytest.raises(VersionRefused, match=f"outputs.{field}: expected no {field}"):
        parse(stored.manifest)


def test_several_classes_have_no_threshold() -> None:
    design = replace(samples.design(INPUTS, [], SEVERAL, "multiclass", CLASSES["multiclass"]), threshold=0.25)
    with pytest.raises(VersionRefused, match="only the second of two classes has one"):
        samples.store(design)


def test_outputs_as_usual_are_written_as_ever() -> None:
    """Manifests from before there were scales keep their bytes."""
    manifest = parse(samples.store(samples.small()).manifest)
    assert b'"outputs":{"classes":["no","yes"],"kind":"binary"}' in manifest.to_bytes()
    moved = replace(samples.small(), threshold=0.25)
    assert b'"outputs":{"classes":["no","yes"],"kind":"binary","threshold":0.25}' in samples.store(moved).manifest
