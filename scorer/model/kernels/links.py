"""From margins to scores: the links that several kernels share.

``identity``; ``sigmoid``, ``1 / (1 + exp(-x))`` of each margin by itself; ``softmax``, ``exp(x[k]) / sum``; ``exp``;
``log1p_exp``, ``log(1 + exp(x))``; ``signed_square``, ``x * x`` with the sign of ``x``; ``sigmoid_float32``,
``softmax_float32`` and ``exp_float32``: in float32, operation by operation as XGBoost does it, whose bits they have.

``exp`` is that of the C library in compiled code and numpy's own in the references; each is within one unit in the
last place of the true value, so a probability of one may differ from that of the other by two. Margins do not differ.
Of the links in float32 it is a unit in the last place of float32 instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from scorer.batch import Floats
from scorer.compiled import helper
from scorer.model.ops import (
    EXP,
    EXP_FLOAT32,
    LOG1P_EXP,
    SIGMOID,
    SIGMOID_FLOAT32,
    SIGNED_SQUARE,
    SOFTMAX,
    SOFTMAX_FLOAT32,
    STRIDE,
)
from scorer.model.program import Given, Program

_EACH = {
    "sigmoid": SIGMOID, "exp": EXP, "log1p_exp": LOG1P_EXP, "signed_square": SIGNED_SQUARE,
    "sigmoid_float32": SIGMOID_FLOAT32, "exp_float32": EXP_FLOAT32,
}  # fmt: skip
_TOGETHER = {"softmax": SOFTMAX, "softmax_float32": SOFTMAX_FLOAT32}

Narrow: TypeAlias = npt.NDArray[np.float32]

_ONE, _TINY, _FAR = np.float32(1), np.float32(1e-16), np.float32(88.7)
"""XGBoost's: what keeps it from dividing by 0, and how far a margin goes before ``exp`` of it has no float32."""

LINKS = {"regression": "identity", "binary": "sigmoid", "multiclass": "softmax"}
"""The link that each kind of output needs."""


def emit_link(program: Program, given: Given, link: str, first: int, count: int) -> None:
    """Turn the ``count`` margins from register ``first`` on into scores, in place."""
    if link in _EACH:
        for k in range(count):
            program.op(_EACH[link], first + k * STRIDE)
    elif link in _TOGETHER:
        program.op(_TOGETHER[link], first, count)
    elif link != "identity":
        raise given.refused(f"link {link!r} is not known")


def link_reference(link: str, margin: Floats) -> Floats:
    """The scores of ``margin`` ``(count, rows)`` in plain numpy."""
    if link.endswith("_float32"):
        return _NARROW[link](margin.astype(np.float32)).astype(np.float64)
    return _WIDE[link](margin)


def _sigmoid(margin: Floats) -> Floats:
    small = np.exp(-np.abs(margin))
    return np.where(margin >= 0, 1.0, small) / (1.0 + small)


def _sum(powers: Floats | Narrow) -> Floats:
    """In float64, from the first to the last."""
    total: Floats = powers[0].astype(np.float64)
    for power in powers[1:]:
        total = total + power
    return total


def _softmax(margin: Floats) -> Floats:
    powers = np.exp(margin - margin.max(axis=0))
    return np.asarray(powers / _sum(powers))


_WIDE: dict[str, Callable[[Floats], Floats]] = {
    "identity": lambda margin: margin,
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "exp": np.exp,
    "log1p_exp": lambda margin: np.log1p(np.exp(margin)),
    "signed_square": lambda margin: np.sign(margin) * margin * margin,
}


def _power(margin: Narrow) -> Narrow:
    """Rounded from float64, for numpy's own ``exp`` in float32 is two units off at times."""
    return np.exp(margin.astype(np.float64)).astype(np.float32)


def _narrow_softmax(margin: Narrow) -> Narrow:
    powers = _power(margin - margin.max(axis=0))
    return np.asarray(powers / _sum(powers).astype(np.float32))


_NARROW: dict[str, Callable[[Narrow], Narrow]] = {
    "sigmoid_float32": lambda margin: _ONE / (_power(np.minimum(-margin, _FAR)) + _ONE + _TINY),
    "softmax_float32": _narrow_softmax,
    "exp_float32": _power,
}


@helper
def sigmoid(registers: Floats, first: int, width: int) -> None:
    """The operation SIGMOID: ``1 / (1 + exp(-x))``, written so that ``exp`` never overflows."""
    for j in range(width):
        margin = registers[first + j]
        small = math.exp(-abs(margin))
        registers[first + j] = (1.0 if margin >= 0 else small) / (1.0 + small)


@helper
def softmax(registers: Floats, first: int, count: int, width: int) -> None:
    """The operation SOFTMAX: ``exp(x[k] - max) / sum``, summed from the first margin to the last."""
    end = first + count * STRIDE
    for j in range(width):
        highest = registers[first + j]
        for k in range(first + STRIDE, end, STRIDE):
            highest = max(highest, registers[k + j])
        total = 0.0
        for k in range(first, end, STRIDE):
            registers[k + j] = math.exp(registers[k + j] - highest)
            total += registers[k + j]
        for k in range(first, end, STRIDE):
            registers[k + j] /= total


@helper
def exp(registers: Floats, first: int, width: int) -> None:
    """The operation EXP."""
    for j in range(width):
        registers[first + j] = math.exp(registers[first + j])


@helper
def sigmoid_float32(registers: Floats, first: int, width: int) -> None:
    """The operation SIGMOID_FLOAT32."""
    for j in range(width):
        power = math.exp(min(-np.float32(registers[first + j]), _FAR))
        registers[first + j] = _ONE / (np.float32(power) + _ONE + _TINY)


@helper
def softmax_float32(registers: Floats, first: int, count: int, width: int) -> None:
    """The operation SOFTMAX_FLOAT32; the sum is in float64."""
    end = first + count * STRIDE
    for j in range(width):
        highest = registers[first + j]
        for k in range(first + STRIDE, end, STRIDE):
            highest = max(highest, registers[k + j])
        total = 0.0
        for k in range(first, end, STRIDE):
            registers[k + j] = math.exp(np.float32(np.float32(registers[k + j]) - np.float32(highest)))
            total += registers[k + j]
        for k in range(first, end, STRIDE):
            registers[k + j] = np.float32(registers[k + j]) / np.float32(total)


@helper
def exp_float32(registers: Floats, first: int, width: int) -> None:
    """The operation EXP_FLOAT32."""
    for j in range(width):
        registers[first + j] = math.exp(np.float32(registers[first + j]))


@helper
def log1p_exp(registers: Floats, first: int, width: int) -> None:
    """The operation LOG1P_EXP: infinite where ``exp`` overflows, as in LightGBM."""
    for j in range(width):
        registers[first + j] = math.log1p(math.exp(registers[first + j]))


@helper
def signed_square(registers: Floats, first: int, width: int) -> None:
    """The operation SIGNED_SQUARE."""
    for j in range(width):
        margin = registers[first + j]
        registers[first + j] = -margin * margin if margin < 0 else margin * margin
