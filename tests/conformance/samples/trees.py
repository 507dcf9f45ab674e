"""Samples of trees, of all sizes and on both sides of every change of method."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scorer.model import build
from scorer.model.build_trees import forest as grown_forest
from tests.conformance.samples.sample import Sample, of_design, of_kernel
from tests.model import grown
from tests.model.samples import NUMBERS, WORDS, forest


def of_forest(
    leaves: list[int],
    link: str = "identity",
    classes: tuple[str, ...] = (),
    *,
    width: int = 1,
    sets: float = 0.0,
    categories: str = "from 0",
    ulps: int = 0,
    **params: str | float,
) -> Sample:
    """Random trees with so many leaves each, on raw numbers with gaps and a category that may be missing."""
    rng = np.random.default_rng(len(leaves))
    margins = max(len(classes), 1) if len(classes) != 2 or link.startswith("softmax") else 1
    trees = [
        grown.tree(rng, count, len(NUMBERS) + 1, width, 0 if width > 1 else int(rng.integers(margins)), sets=sets)
        for count in leaves
    ]
    base = rng.normal(size=margins)
    kernel = grown_forest([*NUMBERS, "maker.code"], trees, base, link, categories=categories)
    kernel = replace(kernel, params={**kernel.params, **params})
    kind = {0: "regression", 2: "binary"}.get(len(classes), "multiclass")
    return of_kernel(kernel, kind, classes, steps=[build.ordinal("maker", "maker.code", WORDS)], ulps=ulps)


NARROW = 2**31
"""Units in the last place of float64 that make four of float32."""

SAMPLES: dict[str, Sample] = {
    "trees of all sizes up to 64 leaves": of_design(forest([1, 2, 3, 31, 32, 33, 63, 64, 5, 17])),
    "trees, one of them large": of_design(forest([31, 65, 300, 1, 7, 100])),
    "one leaf": of_design(forest([1])),
    "trees, <": of_design(forest([20] * 12, comparison="<", seed=2)),
    "trees, float32": of_design(forest([20] * 12, in_dtype="float32", seed=3)),
    "trees, float32, <": of_design(forest([20] * 12, in_dtype="float32", comparison="<", seed=4)),
    "trees, binary": of_design(forest([16] * 20, "binary", seed=5)),
    "trees, three classes": of_design(forest([16] * 30, "multiclass", seed=6)),
    "trees, three classes, large": of_design(forest([90] * 30, "multiclass", seed=7)),
    "forest": of_forest([1, 2, 31, 64, 65, 100, 200]),
    "forest, sets": of_forest([1, 2, 31, 64, 65, 100], sets=0.5, categories="above -1"),
    "forest, sets alone": of_forest([20, 40, 70], sets=1.0),
    "forest, float32": of_forest(
        [20, 80, 30], in_dtype="float32", sum_dtype="float32", comparison="<", missing_value=-1.0, sets=0.3
    ),
    "forest, zero is wide": of_forest([20, 80, 30], zero_within=0.5),
    "forest, mean of vectors": of_forest([40, 90, 30], classes=("a", "b", "c"), width=3, divisor=3.0),
    "forest, mean for two classes": of_forest([40, 90, 30], classes=("no", "yes"), divisor=3.0),
    "forest, two margins": of_forest([40, 90, 30], "softmax", ("no", "yes"), ulps=4),
    "forest, sigmoids": of_forest([40, 90, 30], "sigmoid", ("a", "b", "c"), slope=0.5),
    "forest, exp": of_forest([40, 90, 30], "exp", ulps=2),
    "forest, sigmoid in float32": of_forest([40, 90, 30], "sigmoid_float32", ("no", "yes"), ulps=NARROW),
    "forest, softmax in float32": of_forest([40, 90, 30], "softmax_float32", ("a", "b", "c"), ulps=NARROW),
    "forest, exp in float32": of_forest([40, 90, 30], "exp_float32", ulps=NARROW),
    "forest, log1p_exp": of_forest([40, 90, 30], "log1p_exp", ulps=4),
    "forest, signed_square": of_forest([40, 90, 30], "signed_square"),
}
