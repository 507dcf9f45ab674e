"""Writing versions: from what a training library fitted, as plain arrays, to the bytes that are stored.

A training script or importer describes its preparation and kernel as :class:`Part`, gives raw rows with the scores
that the library itself made of them, and gets a version that has reproduced them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from scorer.batch import Floats
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
