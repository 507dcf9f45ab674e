"""Versions of every sort, and raw rows that try hard: gaps, infinities, sentinels, unseen categories, thresholds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from scorer.model import build, reference
from scorer.model.build import Design, Part, Proof
from scorer.model.canonical import encode
from scorer.model.inputs import Input, Raw
from scorer.model.model import Model
from scorer.model.table import Values, values_of
from scorer.model.tensors import Tensor
from scorer.model.version import VersionBytes, load
from tests.model import earlier
from tests.model.earlier import Tree

WORDS = ["AA", "B6", "", "Zürich", "a\x00b", "DL" * 20]
UNSEEN = ["XX", "aa", "AA ", "DL" * 19]

INPUTS = {
    "plain": Input("plain", "float64"),
    "gaps": Input("gaps", "float64", nullable=True),
    "marked": Input("marked", "float64", nullable=True, missing_sentinel=-999.0),
    "whole": Input("whole", "int64"),
    "counted": Input("counted", "int64", nullable=True, missing_sentinel=-1),
    "carrier": Input("carrier", "category"),
    "maker": Input("maker", "category", nullable=True),
}
_YEAR = 365 * 86_400_000_000
"""Microseconds of a year."""
NUMBERS = [name for name, entry in INPUTS.items() if entry.dtype != "category"]


def rows(inputs: tuple[Input, ...], count: int, seed: int, *, extreme: bool = True) -> list[list[Raw]]:
    """``count`` raw rows; ``extreme`` ones also hold infinities, huge and tiny numbers, gaps that are not allowed."""
    rng = np.random.default_rng(seed)
    return [[_value(rng, entry, extreme=extreme) for entry in inputs] for _ in range(count)]


def _value(rng: np.random.Generator, entry: Input, *, extreme: bool) -> Raw:
    chance = rng.random()
    if chance < 0.15 and (entry.nullable or extreme):
        return None
    if entry.dtype == "category":
        return str(rng.choice(WORDS if chance < 0.8 else UNSEEN))
    if chance < 0.25 and entry.missing_sentinel is not None:
        return entry.missing_sentinel
    if entry.dtype == "int64":
        reach = (-40 * _YEAR, 120 * _YEAR) if entry.name == "moment" else (-5, 6)
        return int(rng.integers(*(-(2**63), 2**63 - 1) if extreme and chance < 0.3 else reach))
    if extreme and chance < 0.4:
        return float(rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -1e308, 1e308, 1e-36]))
    return float(np.round(rng.normal(), int(rng.integers(0, 3)))) if chance < 0.7 else float(rng.normal())


def tree(rng: np.random.Generator, leaves: int, features: int, output: int = 0, *, chain: bool = False) -> Tree:
    """A random tree with so many leaves; ``chain`` always splits the newest leaf, which makes it deep."""
    feature, threshold, left, right, missing, value = [0], [0.0], [-1], [-1], [0], [float(rng.normal())]
    for _ in range(leaves - 1):
        open_nodes = [node for node, child in enumerate(left) if child < 0]
        node = open_nodes[-1] if chain else int(rng.choice(open_nodes))
        feature[node] = int(rng.integers(features))
        threshold[node] = float(rng.choice([np.inf, 0.0, -1.0, 1.0, np.round(rng.normal(), 1), rng.normal()]))
        missing[node] = int(rng.integers(2))
        left[node], right[node] = len(left), len(left) + 1
        for _ in range(2):
            feature.append(0)
            threshold.append(0.0)
            left.append(-1)
            right.append(-1)
            missing.append(0)
            value.append(float(rng.normal()))
    return Tree(feature, threshold, left, right, missing, value, output)


def design(
    inputs: tuple[Input, ...], steps: list[Part], kernel: Part, kind: str = "regression", classes: tuple[str, ...] = ()
) -> Design:
    """A design under the names that all samples share."""
    return Design("sample", "v1", 3, ("numpy", np.__version__), inputs, steps, kernel, kind, classes)


def store(what: Design) -> VersionBytes:
    """The version's bytes, proven by what the plain reference makes of it."""
    raw = rows(tuple(what.inputs), 40, 7, extreme=False)
    outputs = len(what.classes) if what.kind == "multiclass" else 1
    draft = build.draft(what, Proof(raw, np.zeros((outputs, len(raw)))))
    expected = reference.score(Model(load(draft)), values_of(what.inputs, raw), len(raw))
    scored = expected.missing < 0
    raw = [row for row, keep in zip(raw, scored, strict=True) if keep]
    return build.version(what, Proof(raw, expected.scores[:, scored]))


def everything(kernel: str = "linear@1") -> Design:
    """All preparation steps on all sorts of inputs."""
    inputs = tuple(INPUTS.values())
    filled, scaled = [f"{name}.filled" for name in NUMBERS], [f"{name}.scaled" for name in NUMBERS]
    steps = [
        build.impute(NUMBERS, filled, [0.5, -1.25, 1e-3, 7.0, 0.0]),
        build.standardise(filled, scaled, [0.1, -0.2, 3.0, 1 / 3, 0.0], [1.5, -0.7, 3.0, 1e3, 1.0]),
        build.one_hot("carrier", WORDS, drop="B6", made=[f"carrier.{code}" for code in range(5)]),
        build.one_hot("maker", WORDS[:3], missing_column=True),
        build.impute_categories(["maker"], ["maker.filled"], ["Zürich"]),
        build.ordinal("maker.filled", "maker.code", WORDS, unknown=-1.0, missing=-2.0),
        build.ordinal("carrier", "carrier.code", WORDS[::-1], unknown=99.0),
    ]
    columns = [*scaled, *steps[2].made, *steps[3].made, "maker.code", "carrier.code"]
    rng = np.random.default_rng(5)
    if kernel == "linear@1":
        return design(inputs, steps, build.linear(columns, rng.normal(size=len(columns)), 0.25))
    if kernel == "logistic@1":
        core = build.logistic(columns, rng.normal(size=(1, len(columns))), [-0.5])
        return design(inputs, steps, core, "binary", ("no", "yes"))
    core = build.logistic(columns, rng.normal(size=(4, len(columns))), rng.normal(size=4))
    return design(inputs, steps, core, "multiclass", ("a", "b", "c", "d"))


def forest(leaves: list[int], kind: str = "regression", *, seed: int = 1, **options: str) -> Design:
    """Random trees with so many leaves each, on raw numbers with gaps and a category that may be missing."""
    rng = np.random.default_rng(seed)
    inputs = tuple(INPUTS[name] for name in (*NUMBERS, "maker"))
    columns = [*NUMBERS, "maker.code"]
    classes = {"regression": (), "binary": ("no", "yes"), "multiclass": ("a", "b", "c")}[kind]
    margins = 3 if kind == "multiclass" else 1
    trees = [
        tree(rng, count, len(columns), int(rng.integers(margins)), chain=number % 7 == 3)
        for number, count in enumerate(leaves)
    ]
    link = {"regression": "identity", "binary": "sigmoid", "multiclass": "softmax"}[kind]
    kernel = earlier.boosted_trees(columns, trees, rng.normal(size=margins), link, **options)
    return design(inputs, [build.ordinal("maker", "maker.code", WORDS)], kernel, kind, classes)


def small() -> Design:
    """The smallest logistic version that has a step and a gap to fill."""
    inputs = (INPUTS["plain"], INPUTS["gaps"])
    steps = [build.impute(["gaps"], ["gaps.filled"], [0.5])]
    kernel = build.logistic(["plain", "gaps.filled"], [[2.0, -1.0]], [0.125])
    return design(inputs, steps, kernel, "binary", ("no", "yes"))


def edited(stored: VersionBytes, change: Callable[[dict[str, Any]], object]) -> VersionBytes:
    """``stored`` with a change to the JSON of its manifest, which stays canonical."""
    document = json.loads(stored.manifest)
    change(document)
    return VersionBytes(encode(document), stored.tensors)


def with_tensors(what: Design, part: Part, **arrays: Tensor) -> Design:
    """``what`` with other tensors in one of its parts."""
    other = replace(part, arrays={**part.arrays, **arrays})
    if part is what.kernel:
        return replace(what, kernel=other)
    return replace(what, steps=[other if step is part else step for step in what.steps])


def raw_values(what: Design, count: int, seed: int) -> list[Values]:
    """Raw values that try hard, one run per input."""
    return values_of(what.inputs, rows(tuple(what.inputs), count, seed))
