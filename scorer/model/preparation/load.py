"""The first operations of every program: raw numeric inputs into registers, and which rows lack what they must have."""

from __future__ import annotations

import numpy as np

from scorer.batch import Bytes, Floats, Int64s
from scorer.compiled import borrowing, inlined


@borrowing
def load(
    registers: Floats,
    target: int,
    values: Floats | Int64s,
    slot: int,
    valid: Bytes,
    field: int,
    sentinel: float,
    required: int,
    position: int,
    rows: Int64s,
    start: int,
    width: int,
    adjoining: bool,
    missing: Int64s,
) -> None:
    """LOAD_NUMBER and LOAD_INTEGER: ``width`` rows from ``rows[start]`` on as float64, NaN where there is no value.

    NaN and the ``sentinel`` (NaN for none) are no values. Where a value is ``required``, ``missing`` gets the input's
    ``position`` unless an earlier one is there. Integers beyond 2**53 are rounded to the nearest float64. Rows that are
    ``adjoining`` are read by vector instructions.
    """
    made = registers[target : target + width]
    if adjoining:
        first = rows[start]
        column, there = values[slot, first : first + width], valid[field, first : first + width]
        for j in range(width):
            value = float(column[j])
            made[j] = np.nan if (there[j] == 0) | (value == sentinel) | np.isnan(value) else value
    else:
        for j in range(width):
            row = rows[start + j]
            value = float(values[slot, row])
            made[j] = np.nan if not valid[field, row] or value == sentinel or np.isnan(value) else value
    if required:
        for j in range(width):
            missing[j] = position if np.isnan(made[j]) & (missing[j] < 0) else missing[j]


@inlined
def require(
    valid: Bytes, field: int, required: int, position: int, rows: Int64s, start: int, width: int, missing: Int64s
) -> None:
    """LOAD_NOTHING: only say which rows lack a required category; encoders look up its bytes later."""
    if required:
        for j in range(width):
            if not valid[field, rows[start + j]] and missing[j] < 0:
                missing[j] = position
