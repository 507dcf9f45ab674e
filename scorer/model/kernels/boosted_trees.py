"""boosted_trees@1: margins are sums of the leaves that a row reaches.

``margin[k] = base[k] + value of the leaf in each tree whose output is k``, added in the order in which trees are
stored, so that a sum has the bits of the library that trained it, as long as that adds in float64. Then the link.

Parameters: ``comparison``, ``"<="`` or ``"<"``: what sends a row left; ``in_dtype``, ``"float64"`` or ``"float32"``:
what the columns are rounded to before they are compared; ``link``: ``"identity"`` for a regression, ``"sigmoid"`` for
two classes, ``"softmax"`` for more. Tensors as described in :mod:`scorer.model.kernels.trees`: ``base`` float64
``(margins,)``; ``feature`` int32, ``threshold`` float64, ``left`` int32, ``missing_left`` uint8, ``value`` float64, all
``(nodes,)``; ``root`` and ``output`` int32 ``(trees,)``. Missing values follow ``missing_left``.

Equal to scikit-learn's HistGradientBoosting and LightGBM bit for bit in the margins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scorer.batch import Floats
from scorer.compiled import inlined
from scorer.model.kernels.links import LINKS, emit_link, link_reference
from scorer.model.kernels.trees import Trees, emit_trees, walk
from scorer.model.limits import Limits
from scorer.model.manifest import Outputs
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import LOWER, ROUND, TREES, Given, Program

NAME = "boosted_trees@1"
TENSORS = ("base", "feature", "threshold", "left", "missing_left", "value", "root", "output")


@dataclass(frozen=True, slots=True, eq=False)
class BoostedTrees:
    """The kernel as a version gives it, its comparison brought to ``<=``."""

    given: Given
    trees: Trees
    rounds: bool
    link: str

    @classmethod
    def read(cls, given: Given, outputs: Outputs, limits: Limits) -> BoostedTrees:
        """Check what the version gives. Raises ``VersionRefused``."""
        given.expect(["comparison", "in_dtype", "link"], TENSORS)
        trees = Trees.read(given, outputs.count, limits)
        if given.params["comparison"].one_of("<=", "<") == "<":
            if (trees.threshold == -np.inf).any():
                raise given.refused("nothing is < -Infinity; such a threshold cannot be meant")
            # For floats x < t says the same as x <= the next float below t.
            below = np.where(trees.leaf, 0.0, np.nextafter(trees.threshold, -np.inf))
            trees = replace(trees, threshold=below)
        rounds = given.params["in_dtype"].one_of("float64", "float32") == "float32"
        return cls(given, trees, rounds, given.params["link"].one_of(LINKS[outputs.kind]))

    def emit(self, program: Program) -> int:
        """Write the operations; returns the register of the first score."""
        goes_left = np.zeros(len(self.given.inputs), np.bool_)
        goes_left[self.trees.feature[self.trees.missing_left == 1]] = True
        plain, lower = [], []
        for name, lowers in zip(self.given.inputs, goes_left, strict=True):
            column = program.number(name, self.given)
            register = column.register
            if self.rounds:
                register = _derived(program, ROUND, register)
            plain.append(register)
            lower.append(_derived(program, LOWER, register) if lowers and column.may_be_missing else register)
        first, words, floats = emit_trees(program, self.trees, plain, lower)
        program.op(TREES, first, len(self.trees.base), words, floats)
        emit_link(program, self.given, self.link, first, len(self.trees.base))
        return first

    def reference(self, prepared: Prepared) -> Floats:
        """The scores in plain numpy, ``(scores, rows)``."""
        columns = np.array([prepared.numbers[name] for name in self.given.inputs])
        if self.rounds:
            with np.errstate(over="ignore"):
                columns = columns.astype(np.float32).astype(np.float64)
        margin = np.repeat(self.trees.base[:, None], columns.shape[1], axis=1)
        for output, leaf in zip(self.trees.output, walk(self.trees, columns), strict=True):
            margin[output] += self.trees.value[leaf]
        return link_reference(self.link, margin)


def _derived(program: Program, code: int, source: int) -> int:
    register = program.scratch()
    program.op(code, register, source)
    return register


@inlined
def rounded(registers: Floats, target: int, source: int, width: int) -> None:
    """The operation ROUND: to the nearest float32, as float64."""
    for j in range(width):
        registers[target + j] = np.float64(np.float32(registers[source + j]))


@inlined
def lowered(registers: Floats, target: int, source: int, width: int) -> None:
    """The operation LOWER: -inf where a value is missing, so that it goes left at every threshold."""
    for j in range(width):
        value = registers[source + j]
        registers[target + j] = -np.inf if np.isnan(value) else value
