"""choose@1: an estimator's class, as the vote of voting ensembles and a number for stacked ones.

From one column, the score of the second of two classes, and the parameter ``threshold``: ``out = 1 if in > threshold
else 0``. From several, one per class: ``out[k] = 1`` for the first of the highest, else 0; or, where it makes only one
column, ``out = k``. ``threshold`` is null where there are several. Missing values are not allowed.

Equal to ``predict`` of scikit-learn's classifiers, as the index of the class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import helper
from scorer.model.limits import Limits
from scorer.model.ops import ABOVE, CHOOSE, STRIDE
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import Given, Program

NAME = "choose@1"


@dataclass(frozen=True, slots=True, eq=False)
class Choose:
    """The step as a version gives it."""

    given: Given
    threshold: float

    @classmethod
    def read(cls, given: Given, limits: Limits) -> Choose:  # noqa: ARG003 - all steps are read alike
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(["threshold"], [])
        count, threshold = len(given.inputs), given.params["threshold"]
        if len(given.outputs) not in (1, count):
            raise given.refused(f"makes one column, or one for each of the {count} that it takes")
        if count == 1:
            return cls(given, threshold.number())
        if threshold.value is not None:
            threshold.refuse("null, for the highest of several needs no threshold")
        return cls(given, 0.0)

    def emit(self, program: Program) -> None:
        """Write the operation; the columns that it makes lie side by side."""
        sources = [program.whole(name, self.given).register for name in self.given.inputs]
        first, *_ = [program.make(name, may_be_missing=False) for name in self.given.outputs]
        if len(sources) == 1:
            program.op(ABOVE, first, sources[0], program.floats(np.array([self.threshold])))
        else:
            words = program.words(np.array(sources, np.int64))
            program.op(CHOOSE, first, len(self.given.outputs), len(sources), words)

    def reference(self, prepared: Prepared) -> None:
        """The same in plain numpy."""
        columns = np.array([prepared.numbers[name] for name in self.given.inputs])
        if len(columns) == 1:
            prepared.numbers[self.given.outputs[0]] = (columns[0] > self.threshold).astype(np.float64)
            return
        best = np.zeros(columns.shape[1], np.int64)
        for k in range(1, len(columns)):
            best[columns[k] > columns[best, np.arange(len(best))]] = k
        if len(self.given.outputs) == 1:
            prepared.numbers[self.given.outputs[0]] = best.astype(np.float64)
            return
        for k, made in enumerate(self.given.outputs):
            prepared.numbers[made] = (best == k).astype(np.float64)


@helper
def above(registers: Floats, target: int, source: int, threshold: float, width: int) -> None:
    """The operation ABOVE: 1 where a score exceeds the threshold, else 0."""
    for j in range(width):
        registers[target + j] = 1.0 if registers[source + j] > threshold else 0.0


@helper
def choose(registers: Floats, first: int, made: int, count: int, words: Int64s, at: int, width: int) -> None:
    """The operation CHOOSE: ``words[at:]`` has the sources; one column per class is made, or the index in one."""
    for j in range(width):
        best = 0
        for k in range(1, count):
            if registers[words[at + k] + j] > registers[words[at + best] + j]:
                best = k
        if made == 1:
            registers[first + j] = best
        else:
            for k in range(made):
                registers[first + k * STRIDE + j] = 1.0 if k == best else 0.0
