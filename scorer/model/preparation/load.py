"""The first operations of every program: raw numeric inputs into registers, and which rows lack what they must have."""

from __future__ import annotations

import numpy as np

from scorer.batch import Bytes, Floats, Int64s
from scorer.compiled import borrowing, inlined
from scorer.model.ops import MISSING, OUTSIDE


@borrowing
def load(
    registers: Floats,
    target: int,
    values: Floats | Int64s,
    slot: int,
    valid: Bytes,
    field: int,
    floats: Floats,
    known: int,
    required: int,
    position: int,
    rows: Int64s,
    start: int,
    width: int,
    adjoining: bool,
    flags: Int64s,
    missing: Int64s,
) -> None:
    """LOAD_NUMBER and LOAD_INTEGER: ``width`` rows from ``rows[start]`` on as float64, NaN where there is no value.

    ``floats[known:]`` has the sentinel and the range of the training data. NaN and the sentinel (NaN for none) are no
    values, and flagged like numbers outside of the range. Where a value is ``required``, ``missing`` gets the input's
    ``position`` unless an earlier one is there. Integers beyond 2**53 are rounded to the nearest float64. Rows that are
    ``adjoining`` are read by vector instructions.
    """
    made = registers[target : target + width]
    sentinel, low, high = floats[known], floats[known + 1], floats[known + 2]
    odd = False
    if adjoining:
        first = rows[start]
        column, there = values[slot, first : first + width], valid[field, first : first + width]
        for j in range(width):
            value = float(column[j])
            made[j] = np.nan if (there[j] == 0) | (value == sentinel) | np.isnan(value) else value
            odd |= np.isnan(made[j]) | (made[j] < low) | (made[j] > high)
    else:
        for j in range(width):
            row = rows[start + j]
            value = float(values[slot, row])
            made[j] = np.nan if not valid[field, row] or value == sentinel or np.isnan(value) else value
            odd |= np.isnan(made[j]) | (made[j] < low) | (made[j] > high)
    if odd:
        for j in range(width):
            flags[j] |= (MISSING if np.isnan(made[j]) else 0) | (OUTSIDE if (made[j] < low) | (made[j] > high) else 0)
        if required:
            for j in range(width):
                missing[j] = position if np.isnan(made[j]) & (missing[j] < 0) else missing[j]


@inlined
def require(
    valid: Bytes,
    field: int,
    required: int,
    position: int,
    rows: Int64s,
    start: int,
    width: int,
    flags: Int64s,
    missing: Int64s,
) -> None:
    """LOAD_NOTHING: only say which rows lack a category, and maybe must have it; encoders look up its bytes later."""
    for j in range(width):
        if not valid[field, rows[start + j]]:
            flags[j] |= MISSING
            if required and missing[j] < 0:
                missing[j] = position
