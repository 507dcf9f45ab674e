"""Writing versions: from what a training library fitted, as plain arrays, to the bytes that are stored.

A training script or importer describes its preparation and kernel as :class:`Part`, gives raw rows with the scores
that the library itself made of them, and gets a version that has reproduced them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from scorer.batch import Bools, Floats, Int64s
from scorer.model import golden, tensors
from scorer.model.canonical import Json, number_to_json
from scorer.model.evidence import Golden, Profile
from scorer.model.inputs import Input, Raw
from scorer.model.limits import DEFAULT, Limits
from scorer.model.manifest import Algorithm, Manifest, TrainedWith
from scorer.model.outputs import PROBABILITY, Outputs
from scorer.model.tensors import Tensor
from scorer.model.version import VersionBytes


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A preparation step, or the kernel, whose ``made`` is empty: its name, columns, parameters and tensors by role."""

    name: str
    taken: Sequence[str]
    made: Sequence[str] = ()
    params: Mapping[str, Json] = field(default_factory=dict)
    arrays: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """Raw rows and the scores ``(outputs, rows)`` that the training library gave them; how near ours must be."""

    rows: Sequence[Sequence[Raw]]
    scores: Floats
    atol: float = 1e-12
    rtol: float = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """What a version is, before it is proven and stored. ``trained_with`` is the library's name and release.

    ``kind``, ``classes``, ``scale`` and ``threshold`` are those of :class:`scorer.model.outputs.Outputs`.
    """

    model: str
    name: str
    serial: int
    trained_with: tuple[str, str]
    inputs: Sequence[Input]
    steps: Sequence[Part]
    kernel: Part
    kind: str
    classes: Sequence[str] = ()
    profile: Profile | None = None
    scale: str = PROBABILITY
    threshold: float | None = None


def version(design: Design, proof: Proof, limits: Limits = DEFAULT) -> VersionBytes:
    """The bytes of a version, unsigned. The same arguments give the same bytes.

    Raises ``VersionRefused`` as the loader would, so nothing is written that could not be read; reason ``"golden"``
    where the proof is not reproduced.
    """
    stored = draft(design, proof)
    golden.admit(stored, limits)
    return stored


def draft(design: Design, proof: Proof) -> VersionBytes:
    """The bytes of a version that nothing has been checked of: for looking into one that is refused."""
    named: dict[str, Tensor] = {}
    steps = tuple(_algorithm(step, f"{place:03}.{step.name}", named) for place, step in enumerate(design.steps))
    kernel = _algorithm(design.kernel, design.kernel.name, named)
    blob, info = tensors.write(named)
    manifest = Manifest(
        model=design.model,
        version=design.name,
        serial=design.serial,
        trained_with=TrainedWith(*design.trained_with),
        inputs=tuple(design.inputs),
        pipeline=steps,
        kernel=kernel,
        outputs=Outputs(design.kind, tuple(design.classes), design.scale, design.threshold),
        blob=info,
        profile=design.profile,
        golden=Golden(
            tuple(tuple(row) for row in proof.rows),
            tuple(tuple(row) for row in proof.scores.T.tolist()),
            proof.atol,
            proof.rtol,
        ),
    )
    return VersionBytes(manifest.to_bytes(), blob)


def _algorithm(part: Part, prefix: str, named: dict[str, Tensor]) -> Algorithm:
    roles = {role: f"{prefix}.{role}" for role in part.arrays}
    named |= {roles[role]: array for role, array in part.arrays.items()}
    return Algorithm(part.name, tuple(part.taken), tuple(part.made), dict(part.params), roles)


def impute(taken: Sequence[str], made: Sequence[str], fill: npt.ArrayLike) -> Part:
    """Numbers for what is missing in numeric columns."""
    return Part("impute@1", taken, made, {}, {"fill": np.array(fill, np.float64)})


def impute_categories(taken: Sequence[str], made: Sequence[str], fill: Sequence[str]) -> Part:
    """Categories for what is missing in text columns."""
    return Part("impute@1", taken, made, {"fill": list(fill)})


def standardise(taken: Sequence[str], made: Sequence[str], mean: npt.ArrayLike, scale: npt.ArrayLike) -> Part:
    """Shift and scale numeric columns."""
    arrays = {"mean": np.array(mean, np.float64), "scale": np.array(scale, np.float64)}
    return Part("standardise@1", taken, made, {}, arrays)


def one_hot(
    taken: str,
    categories: Sequence[str],
    *,
    drop: str | None = None,
    missing_column: bool = False,
    made: Sequence[str] | None = None,
) -> Part:
    """A column for each category but ``drop``, then one for missing values.

    ``made`` names them; else they are called ``taken=CATEGORY`` and ``taken is missing``.
    """
    if made is None:
        made = [f"{taken}={category}" for category in categories if category != drop]
        made += [f"{taken} is missing"] if missing_column else []
    params: dict[str, Json] = {
        "categories": list(categories),
        "drop": drop,
        "missing": "column" if missing_column else "zeros",
    }
    return Part("one_hot@1", [taken], made, params)


def ordinal(
    taken: str, made: str, categories: Sequence[str], *, unknown: float = np.nan, missing: float = np.nan
) -> Part:
    """The position of a category in ``categories``."""
    params: dict[str, Json] = {
        "categories": list(categories),
        "unknown": number_to_json(float(unknown)),
        "missing": number_to_json(float(missing)),
    }
    return Part("ordinal@1", [taken], [made], params)


def linear(taken: Sequence[str], coef: npt.ArrayLike, intercept: npt.ArrayLike) -> Part:
    """The kernel linear@1; ``coef`` ``(scores, columns)`` or ``(columns,)``, ``intercept`` ``(scores,)``."""
    return Part("linear@1", taken, arrays=_sums(coef, intercept))


def logistic(taken: Sequence[str], coef: npt.ArrayLike, intercept: npt.ArrayLike) -> Part:
    """The kernel logistic@1; ``coef`` ``(margins, columns)``, ``intercept`` ``(margins,)``."""
    return Part("logistic@1", taken, arrays=_sums(coef, intercept))


def _sums(coef: npt.ArrayLike, intercept: npt.ArrayLike) -> dict[str, Tensor]:
    return {
        "coef": np.atleast_2d(np.array(coef, np.float64)),
        "intercept": np.atleast_1d(np.array(intercept, np.float64)),
    }


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """One tree in any order of nodes, node 0 its root: arrays of the same length, ``left`` and ``right`` -1 in leaves.

    ``value`` counts in leaves, the others in inner nodes; ``output`` is the margin that the tree adds to.
    """

    feature: npt.ArrayLike
    threshold: npt.ArrayLike
    left: npt.ArrayLike
    right: npt.ArrayLike
    missing_left: npt.ArrayLike
    value: npt.ArrayLike
    output: int = 0


def boosted_trees(
    taken: Sequence[str],
    trees: Sequence[Tree],
    base: npt.ArrayLike,
    link: str,
    *,
    comparison: str = "<=",
    in_dtype: str = "float64",
) -> Part:
    """The kernel boosted_trees@1; ``base`` has the value that each margin begins with."""
    laid = [_laid_out(tree) for tree in trees]
    sizes = [len(tree["left"]) for tree in laid]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
    arrays: dict[str, Tensor] = {
        role: np.concatenate([tree[role] for tree in laid])
        for role in ("feature", "threshold", "missing_left", "value")
    }
    arrays["left"] = np.concatenate([tree["left"] + root for tree, root in zip(laid, roots, strict=True)])
    arrays["root"] = roots
    arrays["output"] = np.array([tree.output for tree in trees], np.int32)
    arrays["base"] = np.atleast_1d(np.array(base, np.float64))
    return Part("boosted_trees@1", taken, (), {"comparison": comparison, "in_dtype": in_dtype, "link": link}, arrays)


def _laid_out(tree: Tree) -> dict[str, Tensor]:
    """The nodes in the order of :mod:`scorer.model.kernels.trees`."""
    nodes, leaf, children = level_order(tree.left, tree.right)

    def taken(values: npt.ArrayLike, dtype: str, where: Bools) -> Tensor:
        return np.where(where, np.asarray(values)[nodes], 0).astype(dtype)

    return {
        "feature": taken(tree.feature, "int32", ~leaf),
        "threshold": taken(tree.threshold, "float64", ~leaf),
        "missing_left": taken(tree.missing_left, "uint8", ~leaf),
        "value": taken(tree.value, "float64", leaf),
        "left": children.astype(np.int32),
    }


def level_order(left: npt.ArrayLike, right: npt.ArrayLike) -> tuple[Int64s, Bools, Int64s]:
    """The nodes of a tree level by level, siblings side by side; which are leaves; and the place of each left child.

    ``left`` and ``right`` are -1 in leaves, which come to name themselves.
    """
    lefts, rights = np.asarray(left, np.int64), np.asarray(right, np.int64)
    order = [np.zeros(1, np.int64)]
    while order[-1].size and len(order) <= len(lefts):
        inner = order[-1][lefts[order[-1]] >= 0]
        order.append(np.stack([lefts[inner], rights[inner]], axis=1).reshape(-1))
    nodes = np.concatenate(order)
    leaf: Bools = lefts[nodes] < 0
    children = np.arange(len(nodes))
    children[~leaf] = 1 + 2 * np.arange(int((~leaf).sum()))
    return nodes, leaf, children
