"""Writing versions: the same arguments, the same bytes; nothing unproven is written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scorer.batch import Floats
from scorer.errors import VersionRefused
from scorer.model import build, golden
from scorer.model.build import Proof
from scorer.model.inputs import Raw
from scorer.model.version import load
from tests.model import earlier, samples

SMALL = samples.small()


def probabilities(rows: list[list[Raw]]) -> Floats:
    margins = [2 * float(a or 0) - (0.5 if b is None else float(b)) + 0.125 for a, b in rows]
    return np.asarray(1 / (1 + np.exp(-np.array([margins]))))


ROWS: list[list[Raw]] = [[0.0, 0.0], [1.5, None], [-3.0, 2.0]]


def test_the_same_arguments_make_the_same_bytes() -> None:
    proof = Proof(ROWS, probabilities(ROWS))
    assert build.version(SMALL, proof) == build.version(samples.small(), proof)
    renamed = build.version(replace(SMALL, name="v2"), proof)
    assert load(renamed).digest != load(build.version(SMALL, proof)).digest


def test_what_is_not_proven_is_not_written() -> None:
    with pytest.raises(VersionRefused, match="golden row 2") as caught:
        build.version(SMALL, Proof(ROWS, probabilities(ROWS) + np.array([[0, 0, 1e-6]])))
    assert caught.value.reason == "golden"
    build.version(SMALL, Proof(ROWS, probabilities(ROWS) + np.array([[0, 0, 1e-6]]), atol=1e-5))


def test_golden_rows_hold_what_is_not_finite_and_what_is_missing() -> None:
    tree = earlier.Tree([0, 0, 0], [0.0, 0, 0], [1, -1, -1], [2, -1, -1], [1, 0, 0], [0, 1.0, 2.0])
    kernel = earlier.boosted_trees(["gaps"], [tree], [0.0], "identity")
    design = samples.design((samples.INPUTS["gaps"],), [], kernel)
    inf = float("inf")
    rows: list[list[Raw]] = [[None], [float("nan")], [inf], [-inf], [-0.0]]
    stored = build.version(design, Proof(rows, np.array([[1.0, 1.0, 2.0, 1.0, 1.0]]), 0.0, 0.0))
    assert b'"inputs":[[null],["NaN"],["Infinity"],["-Infinity"],[-0.0]]' in stored.manifest
    assert golden.admit(stored).manifest.golden.inputs[2] == (inf,)


def test_scores_that_are_not_finite_must_be_met_exactly() -> None:
    design = samples.design((samples.INPUTS["plain"],), [], build.linear(["plain"], [1.0], 0.0))
    inf = float("inf")
    rows: list[list[Raw]] = [[inf], [-inf], [1.0]]
    stored = build.version(design, Proof(rows, np.array([[inf, -inf, 1.0]])))
    assert b'"expected":[["Infinity"],["-Infinity"],[1.0]]' in stored.manifest
    for wrong in ([-inf, -inf, 1.0], [inf, -1e308, 1.0], [inf, float("nan"), 1.0], [inf, -inf, inf]):
        with pytest.raises(VersionRefused, match="golden row"):
            build.version(design, Proof(rows, np.array([wrong]), 1e-4, 1e-4))


def test_trees_may_come_in_any_order_of_nodes() -> None:
    shuffled = earlier.Tree(
        feature=[0, 9, 1, 9, 9],
        threshold=[0.5, 7.0, 1.5, 7.0, 7.0],
        left=[4, -1, 3, -1, -1],
        right=[2, -1, 1, -1, -1],
        missing_left=[0, 1, 1, 0, 1],
        value=[8.0, 3.0, 8.0, 2.0, 1.0],
    )
    part = earlier.boosted_trees(["a", "b"], [shuffled], [0.0], "identity")
    assert part.arrays["left"].tolist() == [1, 1, 3, 3, 4]
    assert part.arrays["feature"].tolist() == [0, 0, 1, 0, 0]
    assert part.arrays["threshold"].tolist() == [0.5, 0, 1.5, 0, 0]
    assert part.arrays["missing_left"].tolist() == [0, 0, 1, 0, 0]
    assert part.arrays["value"].tolist() == [0, 1, 0, 2, 3]
