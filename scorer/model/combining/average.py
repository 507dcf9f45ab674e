"""average@1: the mean of several estimators' scores, perhaps weighted.

Takes the columns of one estimator after the other, each with as many columns as the step makes:
``out[k] = (in[k] * w[0] + in[n + k] * w[1] + …) / (w[0] + w[1] + …)`` for ``n`` outputs, added from the first
estimator to the last. Tensor ``weights`` float64 ``(estimators,)``, which do not add up to 0. A single estimator and
the weight 4 divide it by 4. Missing values are not allowed.

Equal to scikit-learn's VotingClassifier(voting="soft") and VotingRegressor, and to ``numpy.average`` over axis 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import helper
from scorer.model.limits import Limits
from scorer.model.ops import AVERAGE, STRIDE
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "average@1"


@dataclass(frozen=True, slots=True, eq=False)
class Average:
    """The step as a version gives it: one weight per estimator."""

    given: Given
    weights: Floats

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Average:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect([], ["weights"])
        estimators, left = divmod(len(given.inputs), len(given.outputs))
        if left or not estimators:
            raise given.refused(
                f"takes the same columns of each estimator, so not {len(given.inputs)} to make {len(given.outputs)}"
            )
        weights = given.floats("weights", estimators)
        if not np.isfinite(total(weights)) or total(weights) == 0:
            raise given.refused("tensor 'weights' adds up to 0 or overflows, by which nothing can be divided")
        return cls(given, weights)

    def emit(self, program: Program) -> None:
        """Write the operation; the columns that it makes lie side by side."""
        sources = [program.whole(name, self.given).register for name in self.given.inputs]
        first, *_ = [program.make(name, may_be_missing=False) for name in self.given.outputs]
        words = program.words(np.array(sources, np.int64))
        floats = program.floats(np.append(self.weights, total(self.weights)))
        program.op(AVERAGE, first, len(self.given.outputs), len(self.weights), words, floats)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        count = len(self.given.outputs)
        for k, made in enumerate(self.given.outputs):
            mine = [prepared.numbers[name] for name in self.given.inputs[k::count]]
            added = np.zeros_like(mine[0])
            for column, weight in zip(mine, self.weights, strict=True):
                added = added + column * weight
            prepared.numbers[made] = added / total(self.weights)


def total(weights: Floats) -> float:
    """The sum of the weights, from the first to the last."""
    return float(sum(weights.tolist()))


@helper
def average(
    registers: Floats, first: int, count: int, estimators: int, words: Int64s, at: int, floats: Floats, where: int,
    width: int,
) -> None:  # fmt: skip
    """The operation AVERAGE: ``words[at:]`` has the sources, ``floats[where:]`` the weights and their sum."""
    divisor = floats[where + estimators]
    for k in range(count):
        target = first + k * STRIDE
        for j in range(width):
            registers[target + j] = 0.0
        for e in range(estimators):
            source, weight = words[at + e * count + k], floats[where + e]
            for j in range(width):
                registers[target + j] = registers[target + j] + registers[source + j] * weight
        for j in range(width):
            registers[target + j] /= divisor
