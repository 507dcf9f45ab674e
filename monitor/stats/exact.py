"""Sums that do not depend on order: integers in units of 2**-64.

A value is rounded once to the nearest whole unit, away from zero at a tie, and then only integers are added. So adding
in any order, merging in any order, and taking back what was added give equal sums. Rounding costs at most half a unit a
value, 2**-65, and so at most 2**-65 of a mean; a float64 of at least 2**-12 is not rounded at all.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types

from scorer.batch import Floats, Int64s
from scorer.compiled import entry, helper
from scorer.wire.arrays import INT64S, TABLE

BITS = 64
LIMBS = 8
LARGEST = 2.0**188
"""The largest magnitude that a value may have."""

ROWS = 2**31
"""The number of rows from which on a part of a sum could overflow."""

_LOW = 0xFFFFFFFF
_SUMS = types.int64[:, :, ::1]


@helper
def _spread(value: float, sign: int, limbs: Any) -> None:
    """Add ``sign * value`` to ``limbs`` (LIMBS,), of which each stands for 2**32 times the one before it."""
    part, exponent = math.frexp(abs(value))
    mantissa = np.int64(part * 9007199254740992.0)  # 53 bits, exactly
    shift = exponent - 53 + BITS
    if shift < 0:
        if shift < -54:
            return
        mantissa = (mantissa + (np.int64(1) << (-shift - 1))) >> -shift
        shift = 0
    place, offset = shift >> 5, shift & 31
    low = np.uint64(mantissa & _LOW) << np.uint64(offset)
    high = (np.uint64(mantissa >> 32) << np.uint64(offset)) + (low >> np.uint64(32))
    if value < 0.0:
        sign = -sign
    limbs[place] += sign * np.int64(low & np.uint64(_LOW))
    limbs[place + 1] += sign * np.int64(high & np.uint64(_LOW))
    limbs[place + 2] += sign * np.int64(high >> np.uint64(32))


@helper
def _carry(limbs: Any) -> None:
    """Bring ``limbs`` (LIMBS,) into the one form in which all but the last are from 0 to 2**32 - 1."""
    for place in range(LIMBS - 1):
        limbs[place + 1] += limbs[place] >> 32
        limbs[place] &= _LOW


@entry(types.int64(types.float64[:, ::1], TABLE, INT64S, _SUMS))
def _add(values: Floats, cells: Int64s, sign: Int64s, limbs: Int64s) -> int:
    """Add column ``row`` of ``values`` to the sums of all ``cells[:, row]``; -1, or the first impossible row."""
    own = np.zeros(LIMBS, np.int64)
    for row in range(values.shape[1]):
        for one in range(values.shape[0]):
            if not abs(values[one, row]) <= LARGEST:
                return row
            own[:] = 0
            _spread(values[one, row], sign[row], own)
            for group in range(cells.shape[0]):
                if cells[group, row] >= 0:
                    for place in range(LIMBS):
                        limbs[cells[group, row], one, place] += own[place]
    for cell in range(limbs.shape[0]):
        for one in range(limbs.shape[1]):
            _carry(limbs[cell, one])
    return -1


@entry(types.void(TABLE))
def _settle(limbs: Int64s) -> None:
    for one in range(limbs.shape[0]):
        _carry(limbs[one])


def sums(values: Floats, cells_of: Int64s, sign: Int64s, cells: int) -> Int64s:
    """``Σ sign * value`` in units of 2**-64, for each cell and each of the ``values``: int64 ``(cells, sums, LIMBS)``.

    Each limb stands for 2**32 times the one before it, and all but the last are from 0 to 2**32 - 1. ``values`` float64
    ``(sums, n)``; ``cells_of`` int64 ``(groups, n)``, below ``cells``, -1 for none: a row is added once for each group;
    ``sign`` int64 ``(n,)``: 1 to add, -1 to take back. Raises ``ValueError`` for a value that is not finite or above
    ``LARGEST``, and for 2**31 rows at once.
    """
    count, rows = values.shape
    if rows >= ROWS:
        raise ValueError(f"{rows} rows at once; add fewer than {ROWS}")
    if cells_of.size and not -1 <= cells_of.min() <= cells_of.max() < cells:
        raise ValueError(f"a cell is none of {cells}")
    found = np.zeros((cells, count, LIMBS), np.int64)
    bad = _add(np.ascontiguousarray(values), np.ascontiguousarray(cells_of), np.ascontiguousarray(sign), found)
    if bad >= 0:
        raise ValueError(f"row {bad} has a value that is not finite or above {LARGEST:g}: {values[:, bad]}")
    return found


def settled(limbs: Int64s) -> Int64s:
    """Sums ``(sums, LIMBS)`` that were added limb by limb, fewer than 2**31 of them, in the form of :func:`sums`."""
    found = np.ascontiguousarray(limbs).copy()
    _settle(found)
    return found


def numbers(limbs: Int64s) -> list[int]:
    """The whole numbers that ``limbs`` ``(sums, LIMBS)`` stand for."""
    return [sum(limb << (32 * place) for place, limb in enumerate(one)) for one in limbs.tolist()]


def mean(total: int, n: int) -> float:
    """The mean of ``n`` values with the sum ``total``, correctly rounded."""
    return total / (n << BITS)


def variance(total: int, squares: int, n: int) -> float:
    """``Σ(x - mean)² / (n - 1)`` of ``n`` > 1 values, from their sum and the sum of their squares, without loss.

    The squares were rounded one by one, as float64 is, so what comes out has an error of about 2**-52 of the mean
    square; it is never negative.
    """
    return max(0, (n * squares << BITS) - total * total) / (n * (n - 1) << 2 * BITS)
