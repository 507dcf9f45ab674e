"""From margins to scores: the links that several kernels share.

``identity``; ``sigmoid``, ``1 / (1 + exp(-x))`` of each margin by itself; ``softmax``, ``exp(x[k]) / sum``; ``exp``;
``log1p_exp``, ``log(1 + exp(x))``; ``signed_square``, ``x * x`` with the sign of ``x``.

``exp`` is that of the C library in compiled code and numpy's own in the references; each is within one unit in the
last place of the true value, so a probability of one may differ from that of the other by two. Margins do not differ.
"""

from __future__ import annotations

import math

import numpy as np

from scorer.batch import Floats
from scorer.compiled import helper
from scorer.model.ops import EXP, LOG1P_EXP, SIGMOID, SIGNED_SQUARE, SOFTMAX, STRIDE
from scorer.model.program import Given, Program

_EACH = {"sigmoid": SIGMOID, "exp": EXP, "log1p_exp": LOG1P_EXP, "signed_square": SIGNED_SQUARE}

LINKS = {"regression": "identity", "binary": "sigmoid", "multiclass": "softmax"}
"""The link that each kind of output needs."""


def emit_link(program: Program, given: Given, link: str, first: int, count: int) -> None:
    """Turn the ``count`` margins from register ``first`` on into scores, in place."""
    if link in _EACH:
        for k in range(count):
            program.op(_EACH[link], first + k * STRIDE)
    elif link == "softmax":
        program.op(SOFTMAX, first, count)
    elif link != "identity":
        raise given.refused(f"link {link!r} is not known")


def link_reference(link: str, margin: Floats) -> Floats:
    """The scores of ``margin`` ``(count, rows)`` in plain numpy."""
    if link == "sigmoid":
        small = np.exp(-np.abs(margin))
        return np.where(margin >= 0, 1.0, small) / (1.0 + small)
    if link == "softmax":
        powers = np.exp(margin - margin.max(axis=0))
        total = powers[0]
        for power in powers[1:]:
            total = total + power
        return np.asarray(powers / total)
    if link == "exp":
        return np.exp(margin)
    if link == "log1p_exp":
        return np.log1p(np.exp(margin))
    if link == "signed_square":
        return np.sign(margin) * margin * margin
    return margin


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
