"""From a category to its code, for every step that encodes categories.

A code is the category's position in the step's list, as float64; UNSEEN_CODE for any other, with the flag UNSEEN;
MISSING_CODE where there is no value, unless an earlier impute@1 named the category to take then, with the flag
IMPUTED. Text is compared byte by byte: no case folding, no normalisation. Numbers are categories by their value: -0.0
is 0.0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scorer.batch import Bytes, Floats, Int64s
from scorer.compiled import helper
from scorer.model.categories import find, table
from scorer.model.ops import FIND, IMPUTED, MISSING_CODE, UNSEEN, UNSEEN_CODE
from scorer.model.preparation.prepared import Prepared, code_of
from scorer.model.program import Given, Program


def emit_lookup(
    program: Program, given: Given, categories: Sequence[str], missing: int = MISSING_CODE
) -> tuple[int, bool]:
    """Write the lookup of the step's input, a text; returns the register of codes and whether any can be MISSING_CODE.

    ``missing`` is the code of a missing value that no impute@1 has filled.
    """
    column = program.category(given.inputs[0], given)
    words = list(categories)
    fill, gap = missing, MISSING_CODE
    if column.fill is not None:
        fill = words.index(column.fill) if column.fill in words else UNSEEN_CODE
    if column.gap is not None:
        words += [] if column.gap in words else [column.gap]
        gap = words.index(column.gap)
    hashed, text = table([word.encode() for word in words])
    return program.look_up(column, hashed, text, fill, gap), column.may_be_missing


def codes(prepared: Prepared, given: Given, categories: Sequence[str], missing: int = MISSING_CODE) -> Floats:
    """The same in plain Python; the fill of an earlier impute@1 is in the column already."""
    known = {category.encode(): code for code, category in enumerate(categories)}
    code = code_of(prepared.categories[given.inputs[0]], known, MISSING_CODE, UNSEEN_CODE)
    return _flagged(prepared, code, missing)


def emit_find(program: Program, given: Given, categories: Floats, missing: int) -> tuple[int, bool]:
    """Write the lookup of the step's input, a number, in increasing ``categories``; returns as ``emit_lookup`` does."""
    column = program.number(given.inputs[0], given)
    target = program.scratch()
    program.op(FIND, target, column.register, program.floats(categories), len(categories), missing)
    return target, column.may_be_missing


def positions(prepared: Prepared, given: Given, categories: Floats, missing: int) -> Floats:
    """The same in plain numpy."""
    column = prepared.numbers[given.inputs[0]]
    place = np.minimum(np.searchsorted(categories, column), len(categories) - 1)
    code = np.where(categories[place] == column, place.astype(np.float64), UNSEEN_CODE)
    return _flagged(prepared, np.where(np.isnan(column), MISSING_CODE, code), missing)


def _flagged(prepared: Prepared, code: Floats, missing: int) -> Floats:
    gaps = code == MISSING_CODE
    if missing != MISSING_CODE:
        prepared.flags[gaps] |= IMPUTED
    code = np.where(gaps, np.float64(missing), code)
    prepared.flags[code == UNSEEN_CODE] |= UNSEEN
    return code


@helper
def look_up(
    registers: Floats,
    target: int,
    address: Int64s,
    length: Int64s,
    slot: int,
    valid: Bytes,
    field: int,
    words: Int64s,
    at: int,
    text: Bytes,
    begin: int,
    fill: int,
    gap: int,
    rows: Int64s,
    start: int,
    width: int,
    flags: Int64s,
) -> None:
    """The operation LOOK_UP for ``width`` rows from ``rows[start]`` on of one text column."""
    for j in range(width):
        row = rows[start + j]
        code = MISSING_CODE
        if valid[field, row]:
            code = find(words, at, text, begin, address[slot, row], length[slot, row])
        if code in (gap, MISSING_CODE):
            code = fill
            if fill != MISSING_CODE:
                flags[j] |= IMPUTED
        if code == UNSEEN_CODE:
            flags[j] |= UNSEEN
        registers[target + j] = code


@helper
def find_number(
    registers: Floats,
    target: int,
    source: int,
    floats: Floats,
    at: int,
    count: int,
    missing: int,
    flags: Int64s,
    width: int,
) -> None:
    """The operation FIND on the first ``width`` rows of a block: a binary search in ``count`` increasing floats."""
    for j in range(width):
        value = registers[source + j]
        if np.isnan(value):
            code = missing
            if missing != MISSING_CODE:
                flags[j] |= IMPUTED
        else:
            low, high = 0, count
            while low < high:
                middle = (low + high) // 2
                if floats[at + middle] < value:
                    low = middle + 1
                else:
                    high = middle
            code = low if low < count and floats[at + low] == value else UNSEEN_CODE
        if code == UNSEEN_CODE:
            flags[j] |= UNSEEN
        registers[target + j] = code
