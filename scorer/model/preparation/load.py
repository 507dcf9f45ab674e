"""The first operations of every program: raw numeric inputs into registers, and which rows lack what they must have."""

from __future__ import annotations

import numpy as np

from scorer.batch import Bytes, Floats, Int64s
from scorer.compiled import inlined


@inlined
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
    missing: Int64s,
) -> None:
    """LOAD_NUMBER and LOAD_INTEGER: ``width`` rows from ``rows[start]`` on as float64, NaN where there is no value.

    NaN and the ``sentinel`` (NaN for none) are no values. Where a value is ``required``, ``missing`` gets the input's
    ``position`` unless an earlier one is there. Integers beyond 2**53 are rounded to the nearest float64.
    """
    for j in range(width):
        row = rows[start + j]
        value = float(values[slot, row])
        if not valid[field, row] or value == sentinel or np.isnan(value):
            value = np.nan
            if required and missing[j] < 0:
                missing[j] = position
        registers[target + j] = value


@inlined
def require(
    valid: Bytes, field: int, required: int, position: int, rows: Int64s, start: int, width: int, missing: Int64s
) -> None:
    """LOAD_NOTHING: only say which rows lack a required category; encoders look up its bytes later."""
    if required:
        for j in range(width):
            if not valid[field, rows[start + j]] and missing[j] < 0:
                missing[j] = position
