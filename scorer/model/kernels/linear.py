"""linear@1: a weighted sum.

``score = intercept + in[0] * coef[0] + in[1] * coef[1] + …``, added from left to right, one rounding per operation.
Tensors: ``coef`` float64 ``(scores, columns)``, ``intercept`` float64 ``(scores,)``. For regression, one score, and for
margins of classes. Missing values are not allowed: a column in which one may be left is refused when the version is
compiled.

Equal, up to the order of the sum, to ``predict`` of scikit-learn's linear regressions and ``decision_function`` of its
linear classifiers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import borrowing, inlined
from scorer.model.limits import Limits
from scorer.model.ops import LINEAR, STRIDE
from scorer.model.outputs import PROBABILITY, Outputs
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "linear@1"


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """The kernel as a version gives it."""

    given: Given
    coef: Floats
    intercept: Floats

    @classmethod
    def read(cls, given: Given, outputs: Outputs, limits: Limits) -> Linear:  # noqa: ARG003 - all kernels are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect([], ["coef", "intercept"])
        if outputs.meaning == PROBABILITY:
            raise given.refused(f"makes an estimate or margins, so it cannot serve outputs of kind {outputs.kind}")
        coef = given.floats("coef", outputs.count, len(given.inputs))
        return cls(given, coef, given.floats("intercept", outputs.count))

    def emit(self, program: Program) -> int:
        """Write the operation; returns the register of the first score."""
        return emit_sums(program, self.given, self.coef, self.intercept)

    def reference(self, prepared: Prepared) -> Floats:
        """The scores in plain numpy, ``(scores, rows)``."""
        return sums(prepared, self.given, self.coef, self.intercept)


def emit_sums(program: Program, given: Given, coef: Floats, intercept: Floats) -> int:
    """Write the operation LINEAR for ``coef`` ``(sums, columns)``; returns the register of the first sum."""
    registers = []
    for name in given.inputs:
        column = program.number(name, given)
        if column.may_be_missing:
            raise given.refused(f"column {name!r} may be missing, which a sum cannot be: impute it first (impute@1)")
        registers.append(column.register)
    first, *_ = [program.scratch() for _ in intercept]
    words = program.words(np.array(registers, np.int64))
    floats = program.floats(np.concatenate([intercept, coef.reshape(-1)]))
    program.op(LINEAR, first, len(intercept), len(registers), words, floats)
    return first


def sums(prepared: Prepared, given: Given, coef: Floats, intercept: Floats) -> Floats:
    """The same in plain numpy, ``(sums, rows)``: elementwise, so in the same order."""
    columns = [prepared.numbers[name] for name in given.inputs]
    found = np.empty((len(intercept), len(columns[0])))
    for k, constant in enumerate(intercept):
        total = np.full(len(columns[0]), constant)
        for i, column in enumerate(columns):
            total = total + column * coef[k, i]
        found[k] = total
    return found


@borrowing
def linear(
    registers: Floats,
    first: int,
    count: int,
    features: int,
    words: Int64s,
    at: int,
    floats: Floats,
    where: int,
    width: int,
) -> None:
    """The operation LINEAR on the first ``width`` rows of a block.

    ``words[at:]`` has the registers of the features; ``floats[where:]`` the ``count`` intercepts, then the
    coefficients of each sum. Four features at a time halve the traffic to the sum; they are still added one by one.
    """
    for k in range(count):
        total = registers[first + k * STRIDE : first + k * STRIDE + width]
        for j in range(width):
            total[j] = floats[where + k]
        coef = floats[where + count + k * features : where + count + (k + 1) * features]
        fours = features - features % 4
        for i in range(0, fours, 4):
            a, b = _register(registers, words[at + i], width), _register(registers, words[at + i + 1], width)
            c, d = _register(registers, words[at + i + 2], width), _register(registers, words[at + i + 3], width)
            for j in range(width):
                total[j] = total[j] + a[j] * coef[i] + b[j] * coef[i + 1] + c[j] * coef[i + 2] + d[j] * coef[i + 3]
        for i in range(fours, features):
            a = _register(registers, words[at + i], width)
            for j in range(width):
                total[j] = total[j] + a[j] * coef[i]


@inlined
def _register(registers: Floats, at: int, width: int) -> Floats:
    return registers[at : at + width]
