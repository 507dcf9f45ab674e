"""From margins to scores: the links that several kernels share.

``exp`` is that of the C library in compiled code and numpy's own in the references; each is within one unit in the
last place of the true value, so a probability of one may differ from that of the other by two. Margins do not differ.
"""

from __future__ import annotations

import math

import numpy as np

from scorer.batch import Floats
from scorer.compiled import helper
from scorer.model.program import SIGMOID, SOFTMAX, STRIDE, Given, Program

LINKS = {"regression": "identity", "binary": "sigmoid", "multiclass": "softmax"}
"""The link that each kind of output needs."""


def emit_link(program: Program, given: Given, link: str, first: int, count: int) -> None:
    """Turn the ``count`` margins from register ``first`` on into scores, in place."""
    if link == "sigmoid":
        program.op(SIGMOID, first)
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
