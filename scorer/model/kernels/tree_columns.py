"""The columns that trees compare: a kernel's columns after rounding, gaps and codes, so that every test is ``x <= t``.

A split that treats a missing value or zero in its own way compares another register instead, in which this has been
done to the whole block at once: -inf where a missing value goes left, NaN (which is never ``<=``) where zero goes where
missing values go. Each is made once, however many nodes compare it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.compiled import inlined
from scorer.model.kernels.trees import MISSING_IS_ZERO, MISSING_LEFT, ZERO_LEFT, ZERO_RIGHT, Trees
from scorer.model.ops import TREAT
from scorer.model.program import Given, Number, Program

# How TREAT changes a column; ``p`` is its parameter.
ROUND = 0
"""To the nearest float32."""
SNAP = 1
"""0 where ``|x| <= p``."""
GAP = 2
"""NaN where ``x == p``."""
FILL = 3
"""``p`` where missing."""
CODE = 4
"""``k + 2`` for category ``k``, 1 for what is none, 0 where missing; a category is what lies above ``p``, cut off."""

CODES = 2**31
"""No category has this code or a higher one."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a kernel reads all of its columns, before any node looks at them.

    ``rounds``: they are rounded to float32. ``missing``: the number that counts as missing besides NaN, after rounding;
    NaN for none. ``zero``: what is at most this far from 0 counts as 0. ``above``: a value is a category where it is
    above this; -1 takes what lies between -1 and 0 for category 0, as a cast to an integer does.
    """

    rounds: bool = False
    missing: float = np.nan
    zero: float = 0.0
    above: float = -1.0

    def columns(self, raw: Floats) -> Floats:
        """``raw`` as nodes compare it, in plain numpy."""
        found = raw
        if self.rounds:
            with np.errstate(over="ignore"):
                found = found.astype(np.float32).astype(np.float64)
        found = np.where(found == self.missing, np.nan, found)
        return np.where(np.abs(found) <= self.zero, 0.0, found)

    def codes(self, columns: Floats) -> Int64s:
        """The same as categories; -1 for what is none."""
        known = (columns > self.above) & (columns < CODES)
        return np.where(known, columns, -1.0).astype(np.int64)


@dataclass(slots=True)
class TreeColumns:
    """Writes the registers that nodes compare, each when it is first asked for."""

    program: Program
    given: Given
    reading: Reading
    _made: dict[tuple[int, int, float], int] = field(default_factory=dict)
    _read: dict[int, Number] = field(default_factory=dict)

    def registers(self, trees: Trees) -> Int64s:
        """The register of each node that is no leaf; 0 for leaves."""
        kind = np.where(trees.set_of >= 0, np.int64(CODE), trees.missing.astype(np.int64) + 16)
        kind[trees.leaf] = -1
        found = np.zeros(len(kind), np.int64)
        pairs, which = np.unique(np.stack([trees.feature, kind]), axis=1, return_inverse=True)
        registers = [self._register(feature, kind) if kind >= 0 else 0 for feature, kind in pairs.T.tolist()]
        found[:] = np.array(registers)[which.reshape(-1)]
        return found

    def _register(self, feature: int, kind: int) -> int:
        column = self._column(feature)
        if kind == CODE:
            return self._treated(column.register, CODE, self.reading.above)
        missing, register, gaps = kind - 16, column.register, column.may_be_missing
        if missing == MISSING_IS_ZERO:
            return self._treated(register, FILL, 0.0) if gaps else register
        if missing in {ZERO_RIGHT, ZERO_LEFT}:
            register, gaps = self._treated(register, GAP, 0.0), True
        return self._treated(register, FILL, -np.inf) if gaps and missing in {MISSING_LEFT, ZERO_LEFT} else register

    def _column(self, feature: int) -> Number:
        """The kernel's column as all nodes read it."""
        if feature not in self._read:
            found, reading = self.program.number(self.given.inputs[feature], self.given), self.reading
            register = self._treated(found.register, ROUND, 0.0) if reading.rounds else found.register
            if not np.isnan(reading.missing):
                register = self._treated(register, GAP, reading.missing)
            if reading.zero > 0:
                register = self._treated(register, SNAP, reading.zero)
            self._read[feature] = Number(register, found.may_be_missing or not np.isnan(reading.missing))
        return self._read[feature]

    def _treated(self, source: int, how: int, parameter: float) -> int:
        key = (source, how, parameter)
        if key not in self._made:
            self._made[key] = self.program.scratch()
            self.program.op(TREAT, self._made[key], source, how, self.program.floats(np.array([parameter])))
        return self._made[key]


@inlined
def treat(registers: Floats, target: int, source: int, how: int, parameter: float, width: int) -> None:
    """The operation TREAT on the first ``width`` rows of a block."""
    if how == ROUND:
        for j in range(width):
            registers[target + j] = np.float64(np.float32(registers[source + j]))
    elif how == SNAP:
        for j in range(width):
            value = registers[source + j]
            registers[target + j] = 0.0 if abs(value) <= parameter else value
    elif how == GAP:
        for j in range(width):
            value = registers[source + j]
            registers[target + j] = np.nan if value == parameter else value
    elif how == FILL:
        for j in range(width):
            value = registers[source + j]
            registers[target + j] = parameter if np.isnan(value) else value
    else:
        for j in range(width):
            value = registers[source + j]
            code = np.floor(value) if value > 0.0 else 0.0
            known = value > parameter and value < CODES
            registers[target + j] = 0.0 if np.isnan(value) else code + 2.0 if known else 1.0
