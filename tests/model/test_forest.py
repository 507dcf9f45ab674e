"""forest@1: every walk reaches the leaf that a row reaches by hand, sums are as said, and the rest is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorer.batch import Floats
from scorer.errors import VersionRefused
from scorer.model import build, golden, reference
from scorer.model.build import Design, Part, Proof
from scorer.model.build_trees import CategorySplit, ForestTree, forest
from scorer.model.inputs import Input
from scorer.model.kernels.forest import Forest
from scorer.model.kernels.walks import FEW
from scorer.model.model import Model
from scorer.model.preparation.prepared import Prepared
from scorer.model.table import table
from scorer.model.tensors import Tensor
from scorer.model.version import load
from tests.model import grown

NAMES = ["a", "b", "c"]
INPUTS = tuple(Input(name, "float64", nullable=True) for name in NAMES)
VALUES = [
    np.nan,
    np.inf,
    -np.inf,
    0.0,
    -0.0,
    1.0,
    1e-36,
    -1e-36,
    -0.5,
    -1.0,
    2**31,
    2**40,
    61.0,
    62.0,
    63.5,
    64.0,
    128.0,
]
LEAF = ForestTree([0], [0.0], [-1], [-1], [0], [2.5])


def model_of(part: Part, kind: str = "regression", classes: tuple[str, ...] = ()) -> Model:
    design = Design("m", "v", 0, ("numpy", "2"), INPUTS, [], part, kind, classes)
    outputs = len(classes) if kind == "multiclass" else 1
    return Model(load(build.draft(design, Proof([[0.0] * 3], np.zeros((outputs, 1))))))


def scores(model: Model, x: Floats) -> Floats:
    """Scores of ``x`` ``(features, rows)``, ``(outputs, rows)``."""
    found: Floats = golden.score(model, table(INPUTS, [(run, ~np.isnan(run)) for run in x], x.shape[1])).scores
    return found


def hard(rng: np.random.Generator, count: int) -> Floats:
    """Values that try hard, ``(features, count)``."""
    x = np.round(rng.normal(scale=40, size=(3, count)), int(rng.integers(0, 3)))
    x[rng.random(x.shape) < 0.5] = rng.choice(VALUES)
    spread = rng.random(x.shape) < 0.3
    x[spread] = rng.choice(VALUES, int(spread.sum()))
    return x


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.lists(st.integers(1, 70), min_size=1, max_size=6),
    st.integers(1, 40),
    st.sampled_from([0.0, 0.4, 1.0]),
    st.sampled_from(["from 0", "above -1"]),
    st.booleans(),
)
def test_every_walk_reaches_the_right_leaf(
    seed: int, sizes: list[int], count: int, sets: float, categories: str, strictly: bool
) -> None:
    rng = np.random.default_rng(seed)
    trees = [grown.tree(rng, size, 3, sets=sets) for size in sizes]
    model = model_of(
        forest(NAMES, trees, [0.5], "identity", categories=categories, comparison="<" if strictly else "<=")
    )
    x = hard(rng, count)
    above = -1.0 if categories == "above -1" else np.nextafter(0.0, -1.0)
    reached = [
        [grown.leaf_of(tree, row, strictly=strictly, above=float(above)) for tree in trees] for row in x.T.tolist()
    ]
    worth = [[np.asarray(tree.value)[leaf, 0] for tree, leaf in zip(trees, leaves, strict=True)] for leaves in reached]
    expected = [sum(values, 0.5) for values in worth]
    np.testing.assert_array_equal(scores(model, x)[0], expected)
    np.testing.assert_array_equal([scores(model, x[:, [row]])[0, 0] for row in range(count)], expected)
    np.testing.assert_array_equal(by_numpy(model, x)[0], expected)


def by_numpy(model: Model, x: Floats) -> Floats:
    """The plain numpy reference."""
    found: Floats = reference.score(model, [(run, ~np.isnan(run)) for run in x], x.shape[1]).scores
    return found


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([5, 64, 90]), st.sampled_from([1, FEW, 300]), st.booleans())
def test_vectors_means_slopes_and_sums_in_float32(seed: int, leaves: int, count: int, narrow: bool) -> None:
    rng = np.random.default_rng(seed)
    trees = [grown.tree(rng, leaves, 3, 3, sets=0.2) for _ in range(7)]
    sum_dtype = "float32" if narrow else "float64"
    part = forest(NAMES, trees, [0.1, 0.2, 0.3], "identity", divisor=7.0, slope=0.7, sum_dtype=sum_dtype)
    x = hard(rng, count)
    expected = np.repeat(np.array([[0.1], [0.2], [0.3]]), count, axis=1)
    for row, values in enumerate(x.T.tolist()):
        for tree in trees:
            leaf = grown.leaf_of(tree, values, above=float(np.nextafter(0.0, -1.0)))
            expected[:, row] += np.asarray(tree.value)[leaf]
            if narrow:
                expected[:, row] = expected[:, row].astype(np.float32)
    model = model_of(part, "multiclass", ("x", "y", "z"))
    np.testing.assert_array_equal(scores(model, x), expected / 7.0 * 0.7)
    np.testing.assert_array_equal(by_numpy(model, x), expected / 7.0 * 0.7)


def test_narrow_sums_are_those_of_float32() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=500).astype(np.float32)
    total = np.float32(0.5)
    for value in values:
        total = np.float32(total + value)
    trees = [replace(LEAF, value=[float(value)]) for value in values]
    model = model_of(forest(NAMES, trees, [0.5], "identity", sum_dtype="float32"))
    for count in (1, 20):
        assert set(scores(model, np.zeros((3, count)))[0]) == {float(total)}
    assert set(scores(model_of(forest(NAMES, trees, [0.5], "identity")), np.zeros((3, 1)))[0]) != {float(total)}


def test_a_missing_value_is_found_after_rounding_and_zero_reaches_as_far_as_it_is_said() -> None:
    tree = ForestTree([0, 0, 0], [10.0, 0, 0], [1, -1, -1], [2, -1, -1], [0, 0, 0], [0, 1.0, 2.0])
    x = np.tile([-999.0, -999.0000001, -999.1, 5.0], (3, 1))
    part = forest(NAMES, [tree], [0.0], "identity", in_dtype="float32", missing_value=-999.0)
    np.testing.assert_array_equal(scores(model_of(part), x)[0], [2, 2, 1, 1])
    edge = replace(tree, threshold=[-1e-35, 0, 0])
    x = np.tile([-1e-35, np.nextafter(-1e-35, -1), 1e-36, np.nan], (3, 1))
    np.testing.assert_array_equal(scores(model_of(forest(NAMES, [edge], [0.0], "identity")), x)[0], [1, 1, 2, 2])
    snapped = forest(NAMES, [edge], [0.0], "identity", zero_within=1e-35)
    np.testing.assert_array_equal(scores(model_of(snapped), x)[0], [2, 1, 2, 2])


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("identity", [-2.0, 0.0, 3.0]),
        ("exp", np.exp([-2.0, 0.0, 3.0])),
        ("sigmoid", 1 / (1 + np.exp([2.0, 0.0, -3.0]))),
        ("log1p_exp", np.log1p(np.exp([-2.0, 0.0, 3.0]))),
        ("signed_square", [-4.0, 0.0, 9.0]),
        ("exp_float32", np.exp([-2.0, 0.0, 3.0]).astype(np.float32)),
        ("sigmoid_float32", (1 / (1 + np.exp([2.0, 0.0, -3.0]))).astype(np.float32)),
    ],
)
def test_links(link: str, expected: Floats) -> None:
    chain = ForestTree(
        [0, 0, 0, 0, 0], [0.0, 0, 1, 0, 0], [1, -1, 3, -1, -1], [2, -1, 4, -1, -1], [0] * 5, [0, -2, 0, 0, 3]
    )
    model, x = model_of(forest(NAMES, [chain], [0.0], link)), np.tile([-1.0, 0.5, 2.0], (3, 1))
    near = 1.2e-7 if link.endswith("float32") else 1e-15
    np.testing.assert_allclose(scores(model, x)[0], expected, rtol=near)
    np.testing.assert_allclose(by_numpy(model, x)[0], expected, rtol=near)


def test_of_two_margins_softmax_gives_the_second() -> None:
    trees = [replace(LEAF, output=0, value=[0.5]), replace(LEAF, output=1, value=[1.5])]
    model = model_of(forest(NAMES, trees, [0.0, 0.0], "softmax"), "binary", ("no", "yes"))
    for count in (1, 20):
        np.testing.assert_allclose(scores(model, np.zeros((3, count))), np.full((1, count), 1 / (1 + np.exp(-1.0))))
    np.testing.assert_allclose(by_numpy(model, np.zeros((3, 2))), np.full((1, 2), 1 / (1 + np.exp(-1.0))))


def test_leaves_are_named_for_proofs() -> None:
    tree = ForestTree([1, 0, 0], [0.0, 0, 0], [1, -1, -1], [2, -1, -1], [0, 0, 0], [0, 1.0, 2.0])
    kernel = model_of(forest(NAMES, [LEAF, tree], [0.0], "identity")).kernel
    assert isinstance(kernel, Forest)
    numbers = dict.fromkeys(NAMES, np.array([-1.0, 1.0]))
    leaves = kernel.leaves(Prepared(numbers, {}, np.zeros(2, np.uint8), np.full(2, -1, np.int32), 0))
    np.testing.assert_array_equal(leaves, [[0, 0], [2, 3]])


def example() -> Part:
    """A split on a number, one on a set; both as sound as can be."""
    tree = ForestTree(
        [0, 1, 0, 0, 0], [0.5, 0, 0, 0, 0], [1, 3, -1, -1, -1], [2, 4, -1, -1, -1], [4, 1, 0, 0, 0],
        [0, 0, 1.0, 2.0, 3.0], {1: CategorySplit([0, 69], 70)},
    )  # fmt: skip
    return forest(NAMES, [tree, LEAF], [0.0], "identity")


BAD: list[tuple[str, int, float, str]] = [
    ("feature", 0, 3, "feature"),
    ("feature", 2, 1, "leaf"),
    ("threshold", 0, np.nan, "threshold"),
    ("threshold", 1, 1.0, "set"),
    ("threshold", 2, 1.0, "leaf"),
    ("missing", 0, 5, "missing"),
    ("missing", 1, 2, "set"),
    ("missing", 2, 1, "leaf"),
    ("value", 0, np.nan, "finite"),
    ("left", 0, 4, "children|tensor"),
    ("left", 1, 1, "must be|leaf"),
    ("root", 1, 4, "child"),
    ("output", 0, 1, "output"),
    ("output", 0, -1, "output"),
    ("base", 0, np.inf, "finite"),
    ("set_node", 0, -1, "set_node"),
    ("set_node", 0, 6, "set_node"),
    ("set_node", 0, 2, "leaf"),
    ("set_size", 0, 0, "categories|words|set_bits"),
    ("set_size", 0, 2**31 - 1, "categories"),
    ("set_size", 0, 129, "set_bits"),
    ("set_size", 0, 65, "beyond"),
    ("set_other", 0, 2, "other"),
    ("set_bits", 1, 1 << 6, "beyond"),
    ("set_bits", 1, -1, "beyond"),
]


@pytest.mark.parametrize(("role", "place", "value", "text"), BAD)
def test_what_is_no_tree_is_refused(role: str, place: int, value: float, text: str) -> None:
    part = example()
    model_of(part)
    arrays = {name: array.copy() for name, array in part.arrays.items()}
    arrays[role].reshape(-1)[place] = value
    with pytest.raises(VersionRefused, match=text):
        model_of(replace(part, arrays=arrays))


@pytest.mark.parametrize("role", sorted(example().arrays))
@pytest.mark.parametrize("shape", ["single", "flat", "column", "empty"])
def test_other_shapes_are_refused(role: str, shape: str) -> None:
    part = example()
    array = part.arrays[role]
    if shaped(array, shape).shape == array.shape:
        return
    together = [name for name in part.arrays if name.startswith("set_")] if role.startswith("set_") else [role]
    for roles in ([role], together):
        changed = {name: shaped(own, shape) if name in roles else own for name, own in part.arrays.items()}
        with pytest.raises(VersionRefused):
            model_of(replace(part, arrays=changed))


def shaped(array: Tensor, shape: str) -> Tensor:
    """The same numbers in another shape, or the first, or none of them."""
    flat = array.reshape(-1)
    return {"single": flat[:1].reshape(()), "flat": flat, "column": array[..., None], "empty": array[:0]}[shape]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["feature", "left", "root", "output", "missing", "set_node", "set_size", "set_other", "set_bits"]),
    st.integers(0, 5),
    st.integers(-3, 130),
)
def test_whatever_the_numbers_it_is_refused_or_a_tree(role: str, place: int, value: int) -> None:
    part = example()
    array = part.arrays[role].copy()
    if place >= len(array) or (array.dtype == np.uint8 and value < 0):
        return
    array[place] = value
    try:
        model = model_of(replace(part, arrays={**part.arrays, role: array}))
    except VersionRefused:
        return
    x = hard(np.random.default_rng(0), 50)
    np.testing.assert_array_equal(scores(model, x), by_numpy(model, x))


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"divisor": 0.0}, "divisor"),
        ({"divisor": -1.0}, "divisor"),
        ({"missing_value": "Infinity"}, "missing_value"),
        ({"zero_within": -1.0}, "zero_within"),
        ({"link": "softmax"}, "link"),
        ({"categories": "none"}, "tensors"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(params: dict[str, float | str], text: str) -> None:
    part = example()
    with pytest.raises(VersionRefused, match=text):
        model_of(replace(part, params={**part.params, **params}))


def test_vectors_must_fit_the_margins() -> None:
    part = forest(NAMES, [replace(LEAF, value=[[1.0, 2.0]])], [0.0, 0.0, 0.0], "identity")
    with pytest.raises(VersionRefused, match="columns"):
        model_of(part, "multiclass", ("x", "y", "z"))


def test_a_set_at_infinity_below_is_refused_only_for_numbers() -> None:
    tree = ForestTree([0, 0, 0], [-np.inf, 0, 0], [1, -1, -1], [2, -1, -1], [0, 0, 0], [0, 1.0, 2.0])
    with pytest.raises(VersionRefused, match="Infinity"):
        model_of(forest(NAMES, [tree], [0.0], "identity", comparison="<"))
    model_of(forest(NAMES, [replace(tree, sets={0: CategorySplit([0], 1)})], [0.0], "identity", comparison="<"))
