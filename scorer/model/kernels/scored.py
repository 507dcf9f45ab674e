"""A kernel in the pipeline: its scores become columns that later steps and kernels take.

So calibration, voting and stacking are compositions of what is there, and need no kernels of their own. Such a step
has the parameter ``scores`` besides those of the kernel, which says what each of its columns is: ``"estimate"``
(exactly one column); ``"probability"`` (one column, of the second of two classes, or one per class of three and more);
``"margin"`` (the same of margins; two columns and more are those of as many classes).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scorer.model.limits import Limits
from scorer.model.ops import STRIDE
from scorer.model.outputs import MARGIN, PROBABILITY, Outputs
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Number, Program

if TYPE_CHECKING:
    from scorer.model.kernels import Kernel, KernelType


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A kernel that makes the columns ``made``."""

    kernel: Kernel
    made: tuple[str, ...]

    @classmethod
    def read(cls, kernel: KernelType, given: Given, limits: Limits) -> Scored:
        """Check what the version gives. Raises ``VersionRefused``."""
        if "scores" not in given.params:
            raise given.refused("a kernel in the pipeline has the parameter 'scores'")
        meaning = given.params["scores"].one_of("estimate", PROBABILITY, MARGIN)
        outputs = _outputs(meaning, given)
        own = {name: value for name, value in given.params.items() if name != "scores"}
        return cls(kernel.read(replace(given, params=own, outputs=()), outputs, limits), given.outputs)

    def emit(self, program: Program) -> None:
        """Write the kernel's operations; its scores are the columns."""
        first = self.kernel.emit(program)
        for k, name in enumerate(self.made):
            program.columns[name] = Number(first + k * STRIDE, may_be_missing=False)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for name, scores in zip(self.made, self.kernel.reference(prepared), strict=True):
            prepared.numbers[name] = scores


def _outputs(meaning: str, given: Given) -> Outputs:
    """The outputs that the kernel serves here: classes are called as their columns."""
    count = len(given.outputs)
    if meaning == "estimate":
        if count != 1:
            raise given.refused(f"an estimate is one column, not {count}")
        return Outputs("regression")
    if meaning == PROBABILITY and count == 2:
        raise given.refused("of two classes the probability of the second is given, which is one column")
    if count == 1:
        return Outputs("binary", ("no", *given.outputs), meaning)
    return Outputs("multiclass", given.outputs, meaning)
