"""function@1: an elementary function of a number.

``out = name(in)``, column by column; parameter ``name``: one of FUNCTIONS, each as numpy has it. A missing value stays
missing. Where the function is not defined, as the logarithm of -1, there is no value. A row in which it is infinite
though ``in`` is not, as the logarithm of 0, is refused.

Equal to scikit-learn's FunctionTransformer of the numpy function, to 2 units in the last place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import helper
from scorer.model.limits import Limits
from scorer.model.ops import FUNCTION
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "function@1"

Function: TypeAlias = Callable[[Floats], Floats]

FUNCTIONS: Mapping[str, Function] = {
    "log": np.log, "log1p": np.log1p, "log2": np.log2, "log10": np.log10, "sqrt": np.sqrt, "exp": np.exp,
    "expm1": np.expm1, "sin": np.sin, "cos": np.cos, "tanh": np.tanh, "abs": np.abs, "square": np.square,
    "negative": np.negative, "reciprocal": np.reciprocal, "sign": np.sign, "floor": np.floor, "ceil": np.ceil,
    "rint": np.rint,
}  # fmt: skip
"""What a version may name. Their numbers in a program are their places here."""

PARTIAL = ("log", "log1p", "log2", "log10", "sqrt")
"""Those that are not defined for all finite numbers."""

_TRANSCENDENT = 10
"""The functions before this place are not exact."""


@dataclass(frozen=True, slots=True, eq=False)
class FunctionOf:
    """The step as a version gives it."""

    given: Given
    name: str

    @classmethod
    def read(cls, given: Given, limits: Limits) -> FunctionOf:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(["name"], [])
        if len(given.outputs) != len(given.inputs):
            raise given.refused(f"takes {len(given.inputs)} columns and must make as many, not {len(given.outputs)}")
        return cls(given, given.params["name"].one_of(*FUNCTIONS))

    def emit(self, program: Program) -> None:
        """Write one operation per column."""
        which = list(FUNCTIONS).index(self.name)
        for source, made in zip(self.given.inputs, self.given.outputs, strict=True):
            column = program.number(source, self.given)
            target = program.make(made, may_be_missing=column.may_be_missing or self.name in PARTIAL)
            refusal = program.refusal(source, f"its {self.name} is infinite")
            program.op(FUNCTION, target, column.register, which, refusal)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        for source, made in zip(self.given.inputs, self.given.outputs, strict=True):
            column = prepared.numbers[source]
            found = FUNCTIONS[self.name](column)
            prepared.refuse(np.isinf(found) & np.isfinite(column))
            prepared.numbers[made] = found


@helper
def _transcendent(which: int, x: float) -> float:
    found = math.log(x)
    if which == 1:
        found = math.log1p(x)
    elif which == 2:
        found = np.log2(x)
    elif which == 3:
        found = math.log10(x)
    elif which == 4:
        found = math.sqrt(x)
    elif which == 5:
        found = math.exp(x)
    elif which == 6:
        found = math.expm1(x)
    elif which == 7:
        found = math.sin(x)
    elif which == 8:
        found = math.cos(x)
    elif which == 9:
        found = math.tanh(x)
    return float(found)


@helper
def _exact(which: int, x: float) -> float:
    found = abs(x)
    if which == 11:
        found = x * x
    elif which == 12:
        found = -x
    elif which == 13:
        found = 1.0 / x
    elif which == 14:
        found = 0.0 if x == 0 else np.sign(x)  # numpy's sign of -0.0 is 0.0
    elif which == 15:
        found = np.floor(x)
    elif which == 16:
        found = np.ceil(x)
    elif which == 17:
        found = np.rint(x)
    return float(found)


@helper
def function(
    registers: Floats, target: int, source: int, which: int, refusal: int, missing: Int64s, width: int
) -> None:
    """The operation FUNCTION on the first ``width`` rows of a block."""
    for j in range(width):
        x = registers[source + j]
        found = _transcendent(which, x) if which < _TRANSCENDENT else _exact(which, x)
        if np.isinf(found) and np.isfinite(x) and missing[j] < 0:
            missing[j] = refusal
        registers[target + j] = found
