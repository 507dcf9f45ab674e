"""log_odds@1: probabilities become margins again, for ensembles that go on from another estimator's.

From one column, the probability of the second of two classes: ``out = log(p / (1 - p))``. From one per class:
``out[k] = log(p[k]) - (log(p[0]) + log(p[1]) + …) / classes``. Before that every probability is moved into
``[edge, 1 - edge]``; tensor ``edge`` float64 ``(1,)``. Missing values are not allowed.

Equal, within rounding, to how scikit-learn's GradientBoostingClassifier starts from its ``init`` estimator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import helper
from scorer.model.limits import Limits
from scorer.model.ops import LOG_ODDS, STRIDE
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "log_odds@1"


@dataclass(frozen=True, slots=True, eq=False)
class LogOdds:
    """The step as a version gives it."""

    given: Given
    edge: float

    @classmethod
    def read(cls, given: Given, limits: Limits) -> LogOdds:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect([], ["edge"])
        if len(given.outputs) != len(given.inputs):
            raise given.refused(f"takes {len(given.inputs)} columns and must make as many, not {len(given.outputs)}")
        edge = float(given.floats("edge", 1)[0])
        if not 0 < edge < 0.5:
            raise given.refused("tensor 'edge' must lie between 0 and 0.5")
        return cls(given, edge)

    def emit(self, program: Program) -> None:
        """Write the operation; the columns that it makes lie side by side."""
        sources = [program.whole(name, self.given).register for name in self.given.inputs]
        first, *_ = [program.make(name, may_be_missing=False) for name in self.given.outputs]
        words, floats = program.words(np.array(sources, np.int64)), program.floats(np.array([self.edge]))
        program.op(LOG_ODDS, first, len(sources), words, floats)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        columns = [np.clip(prepared.numbers[name], self.edge, 1 - self.edge) for name in self.given.inputs]
        if len(columns) == 1:
            prepared.numbers[self.given.outputs[0]] = np.log(columns[0] / (1 - columns[0]))
            return
        logs = [np.log(column) for column in columns]
        total = np.zeros_like(logs[0])
        for one in logs:
            total = total + one
        for one, made in zip(logs, self.given.outputs, strict=True):
            prepared.numbers[made] = one - total / len(logs)


@helper
def log_odds(registers: Floats, first: int, count: int, words: Int64s, at: int, edge: float, width: int) -> None:
    """The operation LOG_ODDS: ``words[at:]`` has the sources."""
    for j in range(width):
        total = 0.0
        for k in range(count):
            share = registers[words[at + k] + j]
            share = edge if share < edge else 1 - edge if share > 1 - edge else share
            if count == 1:
                registers[first + j] = math.log(share / (1 - share))
            else:
                registers[first + k * STRIDE + j] = math.log(share)
                total += registers[first + k * STRIDE + j]
        if count > 1:
            for k in range(count):
                registers[first + k * STRIDE + j] -= total / count
