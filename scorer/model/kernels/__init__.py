"""Kernels, one algorithm a file, and the closed list of them.

Each file has the kernel as a version gives it (``read`` with all checks, ``emit`` into a program, ``reference`` in
plain numpy) and the functions that compiled code calls. If the bits of a kernel ever change, it gets a new revision
beside the old one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from scorer.batch import Floats
from scorer.model.kernels import boosted_trees, columns, forest, linear, logistic, loglinear
from scorer.model.limits import Limits
from scorer.model.outputs import Outputs
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program


class Kernel(Protocol):
    """The kernel of one version."""

    def emit(self, program: Program) -> int:
        """Append its operations; returns the register of the first score."""

    def reference(self, prepared: Prepared) -> Floats:
        """The scores in plain numpy, ``(scores, rows)``."""


class KernelType(Protocol):
    """How a kernel is read out of a manifest."""

    def read(self, given: Given, outputs: Outputs, limits: Limits) -> Kernel:
        """Check what a version gives; raises ``VersionRefused``."""


KERNELS: Mapping[str, KernelType] = {
    linear.NAME: linear.Linear,
    logistic.NAME: logistic.Logistic,
    loglinear.NAME: loglinear.LogLinear,
    columns.NAME: columns.ColumnsAsTheyAre,
    boosted_trees.NAME: boosted_trees.BoostedTrees,
    forest.NAME: forest.Forest,
}
"""All kernels that a manifest may name."""
