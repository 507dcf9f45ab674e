"""What differs between two versions, and how scores move."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scorer.model import build, compare, golden
from scorer.model.build import Design
from scorer.model.evidence import CategoryProfile
from scorer.model.inputs import Input
from scorer.model.model import Model
from scorer.model.movement import movement
from scorer.model.profile import profile
from scorer.model.table import Results, table
from scorer.model.version import load
from tests.model import samples

A = load(samples.store(samples.small()))


def differences(other: Design, one: Design | None = None) -> dict[str, Any]:
    """All facts that say something."""
    found = compare.versions(A if one is None else load(samples.store(one)), load(samples.store(other)))
    return {name: fact for name, fact in found.items() if fact and fact != {"added": [], "removed": [], "changed": {}}}


def test_a_version_is_the_same_as_itself() -> None:
    assert differences(samples.small()) == {"same": True}


def test_a_weight_is_named_by_its_column() -> None:
    small = samples.small()
    kernel = build.logistic(small.kernel.taken, [[2.0, -1.5]], [0.25])
    found = differences(replace(small, kernel=kernel))
    assert [(fact["tensor"], fact["changed"], fact["of"], fact["largest"]) for fact in found["coefficients"]] == [
        ("coef", 1, 2, 0.5),
        ("intercept", 1, 1, 0.125),
    ]
    assert found["weights"] == [
        {"column": "gaps.filled", "score": None, "from": -1.0, "to": -1.5, "change": -0.5},
        {"column": "(intercept)", "score": None, "from": 0.125, "to": 0.25, "change": 0.125},
    ]
    assert set(found) == {"coefficients", "weights", "golden"}


def test_weights_of_several_classes_are_named_by_class() -> None:
    one = samples.everything("multinomial")
    weights = one.kernel.arrays["coef"].copy()
    weights[2, 1] += 1.0
    [fact] = differences(samples.with_tensors(one, one.kernel, coef=weights), one)["weights"]
    assert (fact["column"], fact["score"]) == (one.kernel.taken[1], "c")


def test_the_weights_of_a_step_are_not_named_by_the_classes_of_the_last_kernel() -> None:
    """A step that makes three margins, in a version of three other classes."""
    inputs = (samples.INPUTS["plain"],)
    made = ["one", "two", "three"]

    def stacked(weight: float) -> Design:
        params = {"scores": "margin"}
        step = replace(build.linear(["plain"], [[1.0], [weight], [3.0]], np.zeros(3)), made=made, params=params)
        kernel = build.logistic(made, np.eye(3), np.zeros(3))
        return samples.design(inputs, [step], kernel, "multiclass", ("a", "b", "c"))

    [fact] = differences(stacked(2.5), stacked(2.0))["weights"]
    assert (fact["column"], fact["score"], fact["change"]) == ("plain", "1", 0.5)


def test_a_tensor_of_another_type_is_not_compared_number_by_number() -> None:
    version = load(samples.store(samples.small()))
    name = version.manifest.kernel.tensors["coef"]
    narrow = replace(version, tensors={**version.tensors, name: version.tensors[name].astype(np.float32)})
    [fact] = compare.versions(version, narrow)["coefficients"]
    assert (fact["shape"], fact["changed"]) == (["float64 [1, 2]", "float32 [1, 2]"], None)


def test_a_zero_that_changes_its_sign_is_a_change() -> None:
    small = samples.small()
    one, other = (
        replace(small, kernel=build.logistic(small.kernel.taken, [[2.0, zero]], [1.0])) for zero in (0.0, -0.0)
    )
    [fact] = differences(other, one)["coefficients"]
    assert (fact["changed"], fact["largest"]) == (1, 0.0)


def test_columns_that_come_and_go_keep_the_weights_of_the_others() -> None:
    small = samples.small()
    inputs = (*small.inputs, Input("whole", "int64"))
    kernel = build.logistic(["whole", "plain"], [[0.5, 2.0]], [0.125])
    found = differences(replace(small, inputs=inputs, kernel=kernel))
    assert found["inputs"]["added"] == ["whole"]
    assert found["weights"] == [
        {"column": "gaps.filled", "score": None, "from": -1.0, "to": None, "change": 1.0},
        {"column": "whole", "score": None, "from": None, "to": 0.5, "change": 0.5},
    ]
    assert found["parts"] == [
        {"part": "logistic@1", "change": "changed", "what": {"takes": [["plain", "gaps.filled"], ["whole", "plain"]]}}
    ]


def test_steps_that_come_go_and_change() -> None:
    one = samples.everything()
    steps = [*one.steps[:1], *one.steps[2:]]
    steps[1] = build.one_hot("carrier", samples.WORDS[::-1], drop="B6", made=steps[1].made)
    kept = [name for name in one.kernel.taken if not name.endswith(".scaled")] + ["plain.filled"]
    other = replace(one, steps=steps, kernel=build.linear(kept, np.ones(len(kept)), 0.0))
    found = {(fact["part"].split(" ")[0], fact["change"]): fact for fact in differences(other, one)["parts"]}
    assert set(found) == {("standardise@1", "removed"), ("one_hot@1", "changed"), ("linear@1", "changed")}
    assert found["one_hot@1", "changed"]["what"] == {"categories": [samples.WORDS, samples.WORDS[::-1]]}
    assert {fact["part"] for fact in differences(other, one)["coefficients"]} == {"linear@1"}


def test_another_kernel_is_not_compared_number_by_number() -> None:
    one = samples.forest([5, 6], "binary")
    other = replace(one, kernel=build.logistic(["plain"], [[1.0]], [0.0]), inputs=[samples.INPUTS["plain"]], steps=[])
    found = differences(other, one)
    assert [fact["change"] for fact in found["parts"]] == ["removed", "removed", "added"]
    assert "coefficients" not in found
    assert found["trees"][0]["trees"] == [2, None]


def test_trees_are_counted() -> None:
    one, other = samples.forest([5, 6, 7]), samples.forest([5, 9])
    [fact] = differences(other, one)["trees"]
    assert (fact["trees"], fact["leaves"]) == ([3, 2], [18, 14])
    names = set(one.kernel.taken)
    assert set(fact["columns_added"]) | set(fact["columns_removed"]) <= names


def test_inputs_outputs_and_who_trained_it() -> None:
    small = samples.small()
    inputs = (Input("plain", "float64"), Input("gaps", "float64", nullable=True, missing_sentinel=-1.0))
    found = differences(replace(small, inputs=inputs, classes=("no", "late"), trained_with=("R", "4.4")))
    assert found["inputs"]["changed"] == {"gaps": {"missing_sentinel": [None, -1.0]}}
    assert found["outputs"] == {"classes": [["no", "yes"], ["no", "late"]]}
    assert found["trained_with"][1] == "R 4.4"


def test_profiles() -> None:
    def trained(seed: int, count: int) -> Design:
        what = samples.everything()
        raw = samples.raw_values(what, count, seed)
        shape = profile(what.inputs, raw, np.random.default_rng(seed).normal(size=(1, count)))
        return replace(what, profile=shape)

    found = differences(trained(2, 40), trained(1, 50))["profile"]
    assert found["rows"] == [50, 40]
    assert set(found["inputs"]) == set(samples.INPUTS)
    assert len(found["inputs"]["plain"]["median"]) == 2
    assert {"came", "went", "missing"} == set(found["inputs"]["carrier"])
    assert differences(trained(1, 50), samples.everything())["profile"] == {"there": [False, True]}


def test_categories_that_came_and_went() -> None:
    what = samples.everything()
    shape = profile(what.inputs, samples.raw_values(what, 50, 1), np.zeros((1, 50)))

    def shown(*words: str) -> Design:
        carriers = CategoryProfile(50 - len(words), tuple((word, 1) for word in words), 0)
        return replace(what, profile=replace(shape, inputs={**shape.inputs, "carrier": carriers}))

    found = differences(shown("AA", "US"), shown("AA", "B6", "UA"))["profile"]["inputs"]["carrier"]
    assert (found["came"], found["went"], found["missing"]) == (["US"], ["B6", "UA"], [0.94, 0.96])


def moved(kind: str, shift: float) -> tuple[Model, Results, Model, Results, np.ndarray]:
    """Two versions that differ in their constants, and their scores of the same 500 rows, some of them unscored."""
    what = samples.everything("logistic@1" if kind == "binary" else "multinomial")
    constants = np.array(what.kernel.arrays["intercept"]) + shift * np.arange(
        1, len(what.kernel.arrays["intercept"]) + 1
    )
    other = samples.with_tensors(what, what.kernel, intercept=constants)
    models = [golden.admit(samples.store(one)) for one in (what, other)]
    raw = samples.raw_values(what, 500, 3)
    first, second = (golden.score(model, table(model.inputs, raw, 500)) for model in models)
    return models[0], first, models[1], second, second.scores - first.scores


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_how_scores_move(kind: str) -> None:
    a, before, b, after, difference = moved(kind, 0.3)
    both = np.isfinite(difference).all(axis=0)
    found = movement(a, before, b, after, 7)
    assert (found["rows"], found["compared"]) == (500, both.sum())
    name = "score" if kind == "binary" else "b"
    run = pd.Series(difference[0 if kind == "binary" else 1, both])
    assert found["quantiles"][name]["0.5"] == np.quantile(run, 0.5, method="inverted_cdf")
    assert found["quantiles"][name]["1"] == run.max()
    classes = [model.classify(results.scores[:, both]) for model, results in ((a, before), (b, after))]
    assert found["changed_classes"] == np.mean(classes[0] != classes[1]) > 0
    assert sum(move["rows"] for move in found["classes"]) == (classes[0] != classes[1]).sum()
    sizes = [abs(mover["change"]) for mover in found["movers"]]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == np.abs(difference[:, both]).max()
    assert len(sizes) == 7
    first = found["movers"][0]
    assert first["from"] == before.scores[:, first["row"] - 1].tolist()


def test_nothing_moves_between_equals() -> None:
    a, before, _, _, _ = moved("binary", 0.3)
    found = movement(a, before, a, before, 5)
    assert found["movers"] == [] == found["classes"]
    assert found["unchanged"] == found["compared"]
    nothing = Results(before.scores * np.nan, before.flags, before.missing)
    assert movement(a, before, a, nothing, 5)["only_first"] == found["compared"]
    assert movement(a, before, a, nothing, 5)["quantiles"] == {}


def test_scores_of_another_sort_do_not_compare() -> None:
    a, before, _, _, _ = moved("binary", 0.3)
    b, after, _, _, _ = moved("multiclass", 0.3)
    with pytest.raises(ValueError, match="mean different things"):
        movement(a, before, b, after, 5)
