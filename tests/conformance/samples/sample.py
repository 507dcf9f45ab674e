"""What a sample is, and the two ways to make one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from scorer.model import build
from scorer.model.build import Design, Part, Proof
from scorer.model.inputs import Input
from scorer.model.model import Model
from scorer.model.version import load
from tests.model import samples

MOMENT = Input("moment", "int64", nullable=True)
"""A moment in microseconds since 1970, from 1930 to 2090, for steps that read dates."""

INPUTS = {**samples.INPUTS, MOMENT.name: MOMENT}
"""The raw inputs that samples take, by name: numbers with and without gaps, sentinels, integers, text, a moment."""

_ULPS = {"regression": 0, "binary": 2, "multiclass": 4}


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A version that the suite is run over.

    ``ulps``: by how many units in the last place compiled code and numpy may differ, because the two take exp, log or
    sin from different libraries. ``columns``: what the steps under test make; each is held against numpy by itself.
    """

    design: Design
    ulps: int
    columns: tuple[str, ...] = ()

    def models(self) -> list[Model]:
        """The version, or one for each of ``columns`` whose score is that column as it is, -0.0 and all."""
        sums = [build.linear([name], [1.0], -0.0) for name in self.columns] or [self.design.kernel]
        outputs = len(self.design.classes) if self.design.kind == "multiclass" else 1
        nothing = Proof([[None] * len(self.design.inputs)], np.zeros((outputs, 1)))
        return [Model(load(build.draft(replace(self.design, kernel=kernel), nothing))) for kernel in sums]


def of_steps(*steps: Part, ulps: int = 0) -> Sample:
    """A sample for preparation steps: all columns that no later step takes are imputed and summed up.

    The steps take columns of ``INPUTS``, and of each other.
    """
    taken = list(chain.from_iterable(step.taken for step in steps))
    made = [name for step in steps for name in step.made if name not in taken]
    filled = tuple(f"{name}, filled" for name in made)
    rng = np.random.default_rng(len(made))
    fill = build.impute(made, filled, np.round(rng.normal(size=len(made)), 3))
    kernel = build.linear(filled, rng.normal(size=len(made)), 0.25)
    return Sample(samples.design(_inputs(taken), [*steps, fill], kernel), ulps, filled)


def of_kernel(
    kernel: Part, kind: str = "regression", classes: Sequence[str] = (), *, steps: Sequence[Part] = (), ulps: int = 0
) -> Sample:
    """A sample for a kernel, or for several of which those before the last stand in the pipeline as ``steps``."""
    taken = chain.from_iterable(part.taken for part in (*steps, kernel))
    design = samples.design(_inputs(list(taken)), list(steps), kernel, kind, tuple(classes))
    return of_design(design, ulps)


def of_design(design: Design, ulps: int = 0) -> Sample:
    """A sample from a whole design."""
    return Sample(design, max(ulps, _ULPS[design.kind]))


def _inputs(taken: Sequence[str]) -> tuple[Input, ...]:
    return tuple(entry for name, entry in INPUTS.items() if name in taken)
