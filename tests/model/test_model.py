"""A model: compiled into tables, bound to a layout, run by one function that is never compiled again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from numba.core import event

from scorer.batch import Columns, Floats, Kind, Layout
from scorer.errors import VersionRefused
from scorer.model import build, golden
from scorer.model.build import Design, Part, Proof
from scorer.model.inputs import Input, Raw
from scorer.model.model import BoundModel, Model
from scorer.model.ops import IMPUTED, MISSING, UNSEEN
from scorer.model.table import Results, from_rows
from scorer.model.version import load
from tests.model import samples

NAMES = ["a", "b"]


def model_of(inputs: tuple[Input, ...], steps: list[Part], kernel: Part, kind: str = "regression") -> Model:
    classes = {"regression": (), "binary": ("no", "yes"), "multiclass": ("a", "b", "c")}[kind]
    design = Design("m", "v", 0, ("none", "0"), inputs, steps, kernel, kind, classes)
    outputs = 3 if kind == "multiclass" else 1
    row: list[Raw] = ["x" if entry.dtype == "category" else 0.0 if entry.dtype == "float64" else 0 for entry in inputs]
    return Model(load(build.draft(design, Proof([row], np.zeros((outputs, 1))))))


def results(model: Model, *rows: Sequence[Raw]) -> Results:
    return golden.score(model, from_rows(model.inputs, rows))


def sums(names: list[str], coef: list[float], intercept: float = 0.0, **options: bool) -> Model:
    inputs = tuple(Input(name, "float64", **options) for name in names)
    return model_of(inputs, [], build.linear(names, coef, intercept))


def test_nothing_is_compiled_for_50_versions_and_shapes() -> None:
    golden.admit(samples.store(samples.small()))
    with event.install_recorder("numba:compile") as recorder:
        for number in range(50):
            kinds = ("regression", "binary", "multiclass")
            what = samples.forest([1 + number % 9, 40 + number], kinds[number % 3], seed=number)
            model = golden.admit(samples.store(what))
            layout = Layout([(f"other {number}", Kind.TEXT), *((e.name, _KINDS[e.dtype]) for e in model.inputs)])
            bound = model.bind(layout)
            capacity = 1 + 7 * number
            bound.score(layout.columns(capacity), np.arange(capacity), *room(model.n_outputs, capacity))
        golden.admit(samples.store(samples.everything()))
    assert recorder.buffer == []


_KINDS = {"float64": Kind.NUMBER, "int64": Kind.INTEGER, "category": Kind.TEXT}


def room(outputs: int, capacity: int) -> tuple[Floats, npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    return np.zeros((outputs, capacity)), np.zeros(capacity, np.uint8), np.zeros(capacity, np.int32)


def test_products_and_sums_are_rounded_one_by_one() -> None:
    """A fused multiply-add would keep what the rounding of the product drops."""
    model = sums(["a"], [1 - 2.0**-30], -1.0)
    count = 64
    got = results(model, *([[1 + 2.0**-30]] * count))
    np.testing.assert_array_equal(got.scores, np.zeros((1, count)))


def test_sums_are_added_from_left_to_right_beginning_with_the_intercept() -> None:
    model = sums(["a", "b", "c"], [1.0, 1.0, 1.0], 1e16)
    assert results(model, [1.0, 1.0, -1e16]).scores[0, 0] == 0.0
    assert results(model, [-1e16, 1.0, 1.0]).scores[0, 0] == 2.0
    long = sums([f"x{i}" for i in range(64)], [1.0] * 64, 2.0**53)
    assert results(long, [1.0] * 64).scores[0, 0] == 2.0**53


def test_standardising_divides() -> None:
    """49 * (1 / 49) is not 1."""
    inputs = (Input("a", "float64"),)
    step = build.standardise(["a"], ["b"], [0.0], [49.0])
    assert results(model_of(inputs, [step], build.linear(["b"], [1.0], 0.0)), [49.0]).scores[0, 0] == 1.0
    assert 49.0 * (1 / 49.0) != 1.0


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_links_are_stable_at_both_ends(kind: str) -> None:
    inputs = (Input("a", "float64"),)
    coef = [[1.0]] if kind == "binary" else [[1.0], [0.0], [-1.0]]
    model = model_of(inputs, [], build.logistic(["a"], coef, [0.0] * len(coef)), kind)
    margins = [0.0, -0.0, 1e-300, 30.0, -30.0, 700.0, -700.0, 710.0, -746.0, 1e5, -1e5, 1e308, -1e308]
    got = results(model, *[[margin] for margin in margins]).scores
    assert ((got >= 0) & (got <= 1)).all()
    low = results(model, [-709.0], [-711.0], [-740.0]).scores[0]
    if kind == "binary":
        # 1 / (1 + exp(711)) would be 0. So small, floats have few digits left.
        np.testing.assert_allclose(low, np.exp([-709.0, -711.0, -740.0]), rtol=0.05)
    if kind == "binary":
        np.testing.assert_array_equal(got[0, :3], 0.5)
        np.testing.assert_array_equal(got[0, [9, 10, 11, 12]], [1, 0, 1, 0])
        assert 0 < got[0, 6] < 1e-303
    else:
        np.testing.assert_allclose(got.sum(axis=0), 1, rtol=1e-15)
        np.testing.assert_array_equal(got[:, 9], [1, 0, 0])


def test_classes_follow_the_library_at_ties() -> None:
    inputs = (Input("a", "float64"),)
    binary = model_of(inputs, [], build.logistic(["a"], [[1.0]], [0.0]), "binary")
    assert binary.classify(np.array([[0.5, np.nextafter(0.5, 1), 0.4, 1.0]])).tolist() == [0, 1, 0, 1]
    several = model_of(inputs, [], build.logistic(["a"], [[1.0]] * 3, [0.0] * 3), "multiclass")
    assert several.classify(np.array([[0.2, 0.4, 1 / 3], [0.4, 0.4, 1 / 3], [0.4, 0.2, 1 / 3]])).tolist() == [1, 0, 0]
    assert sums(["a"], [1.0]).classify(np.zeros((1, 2))).tolist() == [-1, -1]
    assert (binary.n_outputs, several.n_outputs) == (1, 3)
    assert (binary.kind, binary.classes) == ("binary", ("no", "yes"))


def test_missing_is_null_nan_or_the_sentinel() -> None:
    inputs = (
        Input("a", "float64", nullable=True, missing_sentinel=-1.0),
        Input("n", "int64", nullable=True, missing_sentinel=9),
        Input("c", "category", nullable=True),
    )
    steps = [
        build.impute(["a", "n"], ["a.f", "n.f"], [100.0, 1000.0]),
        build.impute_categories(["c"], ["c.f"], ["y"]),
        build.ordinal("c.f", "c.o", ["x", "y"], unknown=7.0),
    ]
    model = model_of(inputs, steps, build.linear(["a.f", "n.f", "c.o"], [1.0, 1.0, 10000.0], 0.0))
    got = results(
        model,
        [2.0, 3, "x"],
        [None, 3, "x"],
        [float("nan"), 3, "x"],
        [-1.0, 3, "x"],
        [2.0, None, "x"],
        [2.0, 9, "x"],
        [2.0, 3, None],
        [2.0, 3, "z"],
        [None, None, "z"],
    )
    assert got.scores[0].tolist() == [5, 103, 103, 103, 1002, 1002, 10005, 70005, 71100]
    assert got.flags.tolist() == [0, *([IMPUTED | MISSING] * 6), UNSEEN, IMPUTED | MISSING | UNSEEN]
    assert (got.missing == -1).all()


def test_the_first_required_input_without_a_value_is_named() -> None:
    inputs = (
        Input("a", "float64", missing_sentinel=-1.0),
        Input("b", "float64", nullable=True),
        Input("c", "category"),
        Input("d", "int64"),
    )
    steps = [build.impute(["b"], ["b.f"], [0.0]), build.ordinal("c", "c.o", ["x"], unknown=0.0)]
    model = model_of(inputs, steps, build.linear(["a", "b.f", "c.o", "d"], [1.0] * 4, 0.0))
    rows: list[list[Raw]] = [
        [1.0, 1.0, "x", 1],
        [1.0, None, "x", 1],
        [None, 1.0, "x", 1],
        [-1.0, 1.0, None, None],
        [float("nan"), None, "x", 1],
        [1.0, 1.0, None, None],
        [1.0, 1.0, "x", None],
    ]
    got = results(model, *rows)
    assert got.missing.tolist() == [-1, -1, 0, 0, 0, 2, 3]
    np.testing.assert_array_equal(np.isnan(got.scores[0]), got.missing >= 0)


def test_a_category_that_nothing_encodes_is_still_required() -> None:
    """Its gap is noticed by the load, not by the lookup."""
    inputs = (Input("a", "float64"), Input("c", "category"))
    steps = [build.impute_categories(["c"], ["c.f"], ["x"]), build.one_hot("c.f", ["x", "y"])]
    model = model_of(inputs, steps, build.linear(["a", *steps[1].made], [1.0] * 3, 0.0))
    assert results(model, [1.0, None]).missing.tolist() == [1]


BINDINGS: list[tuple[str, Kind, bool]] = [
    ("float64", Kind.NUMBER, True),
    ("float64", Kind.INTEGER, True),
    ("float64", Kind.TEXT, False),
    ("float64", Kind.BYTES, False),
    ("int64", Kind.NUMBER, False),
    ("int64", Kind.INTEGER, True),
    ("int64", Kind.TEXT, False),
    ("category", Kind.TEXT, True),
    ("category", Kind.BYTES, False),
    ("category", Kind.NUMBER, False),
]


@pytest.mark.parametrize(("dtype", "kind", "fits"), BINDINGS)
def test_inputs_are_bound_by_name_and_kind(dtype: str, kind: Kind, fits: bool) -> None:
    steps = [build.ordinal("in", "code", ["x"], unknown=0.0)] if dtype == "category" else []
    model = model_of((Input("in", dtype),), steps, build.linear(["code" if steps else "in"], [1.0], 0.0))
    layout = Layout([("other", Kind.NUMBER), ("in", kind)])
    if fits:
        assert isinstance(model.bind(layout), BoundModel)
        return
    with pytest.raises(VersionRefused, match="'in'") as caught:
        model.bind(layout)
    assert caught.value.reason == "inputs"


def test_an_input_that_events_do_not_have_is_refused() -> None:
    with pytest.raises(VersionRefused, match="'b' is not a field of the events; they have a, c") as caught:
        sums(NAMES, [1.0, 1.0]).bind(Layout([("a", Kind.NUMBER), ("c", Kind.NUMBER)]))
    assert caught.value.reason == "inputs"


def test_integers_may_serve_a_number() -> None:
    model = sums(["a"], [0.5])
    layout = Layout([("a", Kind.INTEGER)])
    columns = layout.columns(3)
    columns.integers[0] = [3, 2**53 + 1, -4]
    columns.valid[0] = 1
    scores, flags, missing = room(1, 3)
    model.bind(layout).score(columns, np.arange(3), scores, flags, missing)
    assert scores[0].tolist() == [1.5, 2.0**52, -2.0]


@pytest.mark.parametrize("row", [-1, 5, 2**40, -(2**63)])
def test_a_row_outside_is_refused_before_anything_is_written(row: int) -> None:
    model = sums(["a"], [1.0])
    layout = Layout([("a", Kind.NUMBER)])
    scores, flags, missing = room(1, 5)
    with pytest.raises(ValueError, match="row"):
        model.bind(layout).score(layout.columns(5), np.array([0, row]), scores, flags, missing)
    assert (missing == 0).all()


@pytest.mark.parametrize("small", ["columns", "scores", "flags", "missing", "outputs", "layout"])
def test_arrays_that_are_too_small_are_refused(small: str) -> None:
    model = model_of((Input("a", "float64"),), [], build.logistic(["a"], [[1.0]] * 3, [0.0] * 3), "multiclass")
    layout = Layout([("a", Kind.NUMBER), ("b", Kind.TEXT)])
    columns: Columns = layout.columns(4 if small == "columns" else 5)
    if small == "layout":
        columns = Layout([("a", Kind.NUMBER)]).columns(5)
    scores = np.zeros((2 if small == "outputs" else 3, 4 if small == "scores" else 5))
    flags, missing = (
        np.zeros(4 if small == "flags" else 5, np.uint8),
        np.zeros(4 if small == "missing" else 5, np.int32),
    )
    with pytest.raises(ValueError, match=r"room|row"):
        model.bind(layout).score(columns, np.arange(5), scores, flags, missing)


def test_a_row_may_be_asked_for_twice() -> None:
    model = sums(["a"], [1.0])
    raw = from_rows(model.inputs, [[1.0], [2.0]])
    scores, flags, missing = room(1, 2)
    model.bind(raw.layout).score(raw.columns, np.array([1, 1, 0, 1]), scores, flags, missing)
    assert scores[0].tolist() == [1.0, 2.0]


def test_sums_refuse_columns_that_may_be_missing() -> None:
    inputs = (Input("a", "float64", nullable=True), Input("c", "category"))
    code = build.ordinal("c", "c.o", ["x"])  # Unknown categories become NaN.
    scaled = build.standardise(["a"], ["s"], [0.0], [1.0])
    filled = build.impute(["s"], ["f"], [0.0])
    known = build.ordinal("c", "c.o", ["x"], unknown=-1.0)  # Its gaps make the row unscored, for c is required.
    for steps, columns in (([code, scaled, filled], ["f", "c.o"]), ([known, scaled], ["s", "c.o"])):
        with pytest.raises(VersionRefused, match="may be missing"):
            model_of(inputs, steps, build.linear(columns, [1.0, 1.0], 0.0))
    model_of(inputs, [known, scaled, filled], build.linear(["f", "c.o"], [1.0, 1.0], 0.0))


@pytest.mark.parametrize(
    ("steps", "columns", "text"),
    [
        ([build.standardise(["c"], ["s"], [0.0], [1.0])], ["a", "s"], "'c' is a category"),
        ([build.one_hot("a", ["x"], made=["h"])], ["c", "h"], "'a' is a number"),
        ([], ["a", "c"], "'c' is a category"),
        ([build.impute(["a", "c"], ["f", "g"], [0.0, 0.0])], ["f", "g"], "'c' is a category"),
        ([build.impute_categories(["a"], ["f"], ["x"])], ["c", "f"], "'a' is a number"),
        ([build.impute_categories(["c"], ["f"], ["x"])], ["a"], "used by no later step"),
        ([build.impute(["a"], ["f", "g"], [0.0]), build.ordinal("c", "o", ["x"])], ["f", "o"], "as many"),
        ([build.standardise(["a"], ["s"], [0.0], [0.0]), build.ordinal("c", "o", ["x"])], ["s", "o"], "holds a 0"),
        ([build.one_hot("c", ["x", "y"], drop="y", made=["h", "i"])], ["a", "h"], "must make 1 columns"),
        ([build.one_hot("c", ["x", "y"], missing_column=True, made=["h", "i"])], ["a", "h"], "must make 3 columns"),
        ([Part("one_hot@1", ["c", "c"], ["h"], build.one_hot("c", ["x"]).params)], ["a", "h"], "exactly one"),
        ([Part("ordinal@1", ["c"], ["h", "i"], build.ordinal("c", "h", ["x"]).params)], ["a", "h"], "takes one"),
        ([build.ordinal("c", "o", ["x"], unknown=np.inf)], ["a", "o"], "finite or NaN"),
    ],
)
def test_steps_refuse_what_they_cannot_do(steps: list[Part], columns: list[str], text: str) -> None:
    inputs = (Input("a", "float64"), Input("c", "category"))
    with pytest.raises(VersionRefused, match=text):
        model_of(inputs, steps, build.linear(columns, [1.0] * len(columns), 0.0))


def test_an_infinite_input_is_scored_as_arithmetic_has_it() -> None:
    model = sums(NAMES, [1.0, 1.0])
    inf = float("inf")
    got = results(model, [inf, 1.0], [inf, -inf], [1e308, 1e308], [-inf, 1.0])
    np.testing.assert_array_equal(got.scores[0], [inf, np.nan, inf, -inf])
    assert (got.missing == -1).all()
    assert np.array_equal(got.scores[0, 1:2].view(np.int64), np.array([np.nan]).view(np.int64))
