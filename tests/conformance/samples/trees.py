"""Samples of trees, of all sizes and on both sides of every change of method."""

from __future__ import annotations

from tests.conformance.samples.sample import Sample, of_design
from tests.model.samples import forest

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
}
