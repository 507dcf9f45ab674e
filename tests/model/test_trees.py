"""Trees: what is refused, and that every walk reaches the leaf that a plain one reaches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorer.batch import Floats
from scorer.errors import VersionRefused
from scorer.model import build, golden, reference
from scorer.model.build import Design, Part, Proof
from scorer.model.inputs import Input
from scorer.model.kernels.walks import FEW
from scorer.model.limits import Limits
from scorer.model.model import Model
from scorer.model.table import table
from scorer.model.tensors import Tensor
from scorer.model.version import load
from tests.model import earlier, samples
from tests.model.earlier import Tree

NAMES = ["a", "b", "c"]
INPUTS = tuple(Input(name, "float64", nullable=True) for name in NAMES)


def model_of(part: Part, limits: Limits = Limits()) -> Model:  # noqa: B008 - it is frozen
    design = Design("m", "v", 0, ("numpy", "2"), INPUTS, [], part, "regression")
    return Model(load(build.draft(design, Proof([[0.0] * 3], np.zeros((1, 1)))), limits), limits)


def scores(model: Model, x: Floats) -> Floats:
    """Scores of ``x`` ``(features, rows)``."""
    found: Floats = golden.score(model, table(INPUTS, [(run, ~np.isnan(run)) for run in x], x.shape[1])).scores[0]
    return found


def by_hand(tree: Tree, row: list[float]) -> float:
    """Follow one row by the words of the layout's description."""
    feature, threshold, left, right, missing, value = (
        np.asarray(values).tolist()
        for values in (tree.feature, tree.threshold, tree.left, tree.right, tree.missing_left, tree.value)
    )
    node = 0
    while left[node] >= 0:
        x = row[feature[node]]
        goes_left = missing[node] == 1 if np.isnan(x) else x <= threshold[node]
        node = left[node] if goes_left else right[node]
    return float(value[node])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 70), min_size=1, max_size=6), st.integers(1, 40), st.booleans())
def test_every_walk_reaches_the_right_leaf(seed: int, sizes: list[int], count: int, chain: bool) -> None:
    rng = np.random.default_rng(seed)
    trees = [samples.tree(rng, size, 3, chain=chain) for size in sizes]
    model = model_of(earlier.boosted_trees(NAMES, trees, [0.5], "identity"))
    x = np.round(rng.normal(size=(3, count)), 1)
    x[rng.random(x.shape) < 0.3] = rng.choice([np.nan, np.inf, -np.inf, 0.0, 1.0])
    expected = [sum((by_hand(tree, row) for tree in trees), 0.5) for row in x.T.tolist()]
    np.testing.assert_array_equal(scores(model, x), expected)
    np.testing.assert_array_equal([scores(model, x[:, [row]])[0] for row in range(count)], expected)


@pytest.mark.parametrize("count", [1, FEW - 1, FEW, 300])
@pytest.mark.parametrize("threshold", [0.0, -0.0, 1.5, 5e-324, -5e-324, 1e308, np.inf, -np.inf])
@pytest.mark.parametrize("missing_left", [0, 1])
def test_thresholds_and_their_neighbours(threshold: float, missing_left: int, count: int) -> None:
    near = [np.nextafter(threshold, -np.inf), threshold, np.nextafter(threshold, np.inf), np.nan, np.inf, -np.inf, 0.0]
    x = np.tile(np.repeat(near, count), (3, 1))
    tree = Tree([1, 0, 0], [threshold, 0, 0], [1, -1, -1], [2, -1, -1], [missing_left, 0, 0], [0, 1.0, 2.0])
    for comparison in ("<=", "<"):
        if comparison == "<" and threshold == -np.inf:
            continue
        model = model_of(earlier.boosted_trees(NAMES, [tree], [0.0], "identity", comparison=comparison))
        goes = x[1] <= threshold if comparison == "<=" else x[1] < threshold
        expected = np.where(np.where(np.isnan(x[1]), missing_left == 1, goes), 1.0, 2.0)
        np.testing.assert_array_equal(scores(model, x), expected)
        each = [scores(model, x[:, [place]])[0] for place in range(0, x.shape[1], count)]
        np.testing.assert_array_equal(each, expected[::count])


def test_a_threshold_that_nothing_is_below_is_refused() -> None:
    tree = Tree([0, 0, 0], [-np.inf, 0, 0], [1, -1, -1], [2, -1, -1], [0, 0, 0], [0, 1.0, 2.0])
    with pytest.raises(VersionRefused, match="Infinity"):
        model_of(earlier.boosted_trees(NAMES, [tree], [0.0], "identity", comparison="<"))


def test_float32_rounds_the_columns_but_not_the_thresholds() -> None:
    threshold = 0.1  # Lies below the nearest float32.
    tree = Tree([0, 0, 0], [threshold, 0, 0], [1, -1, -1], [2, -1, -1], [0, 0, 0], [0, 1.0, 2.0])
    x = np.tile(
        [0.1, float(np.float32(0.1)), np.nextafter(np.float32(0.1), np.float32(0)), 1e300, -1e300, np.nan], (3, 1)
    )
    narrow = model_of(earlier.boosted_trees(NAMES, [tree], [0.0], "identity", in_dtype="float32"))
    with np.errstate(over="ignore"):
        rounded = x[0].astype(np.float32).astype(np.float64)
    np.testing.assert_array_equal(scores(narrow, x), np.where(rounded <= threshold, 1.0, 2.0))
    assert scores(narrow, x)[0] == 2
    assert scores(model_of(earlier.boosted_trees(NAMES, [tree], [0.0], "identity")), x)[0] == 1


def test_leaves_are_added_in_the_order_of_the_trees() -> None:
    """A sum in any other order would not be 1."""
    values = [1e16, 1.0, -1e16, 1.0]
    leaves = [Tree([0], [0], [-1], [-1], [0], [value]) for value in values]
    split = [Tree([0, 0, 0], [0.0, 0, 0], [1, -1, -1], [2, -1, -1], [0, 0, 0], [0, value, value]) for value in values]
    deep = samples.tree(np.random.default_rng(0), 40, 3, chain=True)
    deep = Tree(deep.feature, deep.threshold, deep.left, deep.right, deep.missing_left, np.zeros(79))
    for trees in (leaves, split, [split[0], deep, *split[1:]], [deep, *split]):
        model = model_of(earlier.boosted_trees(NAMES, trees, [0.0], "identity"))
        for count in (1, 20):
            np.testing.assert_array_equal(scores(model, np.zeros((3, count))), np.ones(count))


def example() -> dict[str, Tensor]:
    """Two sound trees: a root with two leaves, and one with an inner node on its right."""
    return {
        "feature": np.array([1, 0, 0, 2, 0, 0, 0, 0], np.int32),
        "threshold": np.array([0.5, 0, 0, 1.5, 0, -2.0, 0, 0]),
        "left": np.array([1, 1, 2, 4, 4, 6, 6, 7], np.int32),
        "missing_left": np.array([1, 0, 0, 0, 0, 1, 0, 0], np.uint8),
        "value": np.array([0, 1.0, 2.0, 0, 3.0, 0, 4.0, 5.0]),
        "root": np.array([0, 3], np.int32),
        "output": np.array([0, 0], np.int32),
        "base": np.zeros(1),
    }


def part_of(arrays: dict[str, Tensor]) -> Part:
    return Part("boosted_trees@1", NAMES, (), {"comparison": "<=", "in_dtype": "float64", "link": "identity"}, arrays)


def test_the_example_is_sound() -> None:
    model = model_of(part_of(example()))
    np.testing.assert_array_equal(scores(model, np.array([[0.0, -3], [0, 1], [0, 2]])), [1 + 3, 2 + 4])


BAD: list[tuple[str, int, float, str]] = [
    ("feature", 0, 3, "feature"),
    ("feature", 0, -1, "feature"),
    ("feature", 1, 1, "leaf"),
    ("threshold", 0, np.nan, "threshold"),
    ("threshold", 1, 1.0, "leaf"),
    ("threshold", 1, np.inf, "leaf"),
    ("missing_left", 0, 2, "missing_left"),
    ("missing_left", 1, 1, "leaf"),
    ("value", 0, 1.0, "inner"),
    ("value", 1, np.nan, "finite"),
    ("value", 1, np.inf, "finite"),
    ("left", 0, 3, "children"),  # in the next tree
    ("left", 0, 2, "children"),  # its right child is in the next tree
    ("left", 5, 3, "children"),  # back to the root
    ("left", 5, 4, "children"),  # back, to a leaf
    ("left", 5, 7, "children"),  # beyond the last node
    ("left", 5, 2**31 - 1, "children"),
    ("left", 0, -1, "children"),
    ("left", 5, -(2**31), "children"),
    ("left", 3, 6, "child of exactly one"),  # a leaf with two parents
    ("left", 3, 3, "leaf"),  # an inner node that names itself
    ("root", 0, 1, "root"),
    ("root", 1, 0, "root"),
    ("root", 1, 8, "root"),
    ("root", 1, -3, "root"),
    ("root", 1, 2, "children|child|root"),
    ("output", 0, 1, "output"),
    ("output", 0, -1, "output"),
    ("base", 0, np.inf, "finite"),
]


@pytest.mark.parametrize(("role", "place", "value", "text"), BAD)
def test_what_is_not_a_tree_is_refused(role: str, place: int, value: float, text: str) -> None:
    arrays = example()
    arrays[role] = arrays[role].copy()
    arrays[role][place] = value
    with pytest.raises(VersionRefused, match=text) as caught:
        model_of(part_of(arrays))
    assert caught.value.reason == "pipeline"


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["feature", "left", "root", "output", "missing_left"]), st.integers(0, 7), st.integers(-3, 12))
def test_whatever_the_indices_it_is_refused_or_a_tree(role: str, place: int, value: int) -> None:
    arrays = example()
    arrays[role] = arrays[role].copy()
    if place >= len(arrays[role]) or (role == "missing_left" and value < 0):
        return
    arrays[role][place] = value
    try:
        model = model_of(part_of(arrays))
    except VersionRefused:
        return
    x = np.random.default_rng(0).normal(size=(3, 50))
    values = [(run, np.ones(50, np.bool_)) for run in x]
    np.testing.assert_array_equal(scores(model, x), reference.score(model, values, 50).scores[0])


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Limits(trees=1), "1 trees"),
        (Limits(nodes=7), "7 nodes"),
        (Limits(depth=1), "deeper than 1"),
    ],
)
def test_sizes_are_limited(limits: Limits, text: str) -> None:
    model_of(part_of(example()), Limits(trees=2, nodes=8, depth=2))
    with pytest.raises(VersionRefused, match=text):
        model_of(part_of(example()), limits)


def test_no_trees_are_refused() -> None:
    arrays = example()
    for role in ("root", "output"):
        arrays[role] = arrays[role][:0]
    with pytest.raises(VersionRefused, match="1 to"):
        model_of(part_of(arrays))


def test_a_cycle_that_a_builder_makes_is_no_endless_loop() -> None:
    tree = Tree([0, 0, 0], [0.0, 0, 0], [1, 0, -1], [2, 2, -1], [0, 0, 0], [0, 1.0, 2.0])
    with pytest.raises(VersionRefused):
        model_of(earlier.boosted_trees(NAMES, [tree], [0.0], "identity"))


def test_a_link_must_fit_the_outputs() -> None:
    arrays = example()
    part = Part("boosted_trees@1", NAMES, (), {"comparison": "<=", "in_dtype": "float64", "link": "sigmoid"}, arrays)
    with pytest.raises(VersionRefused, match="link"):
        model_of(part)
