"""From the bytes of a category to its code, for every step that encodes categories.

A code is the category's position in the step's list, as float64; UNSEEN_CODE for any other text, with the flag UNSEEN;
MISSING_CODE where there is no value, unless an earlier impute@1 named the category to take then, with the flag
IMPUTED. Bytes are compared exactly: no case folding, no normalisation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scorer.batch import Bytes, Floats, Int64s
from scorer.compiled import helper
from scorer.model.categories import find, table
from scorer.model.preparation.prepared import Prepared
from scorer.model.program import IMPUTED, MISSING_CODE, UNSEEN, UNSEEN_CODE, Given, Program


def emit_lookup(program: Program, given: Given, categories: Sequence[str]) -> tuple[int, bool]:
    """Write the lookup of the step's input; returns the register of codes and whether any can be MISSING_CODE."""
    column = program.category(given.inputs[0], given)
    known = [category.encode() for category in categories]
    fill = MISSING_CODE
    if column.fill is not None:
        fill = categories.index(column.fill) if column.fill in categories else UNSEEN_CODE
    words, text = table(known)
    return program.look_up(column, words, text, fill), column.may_be_missing


def codes(prepared: Prepared, given: Given, categories: Sequence[str]) -> Floats:
    """The same in plain Python; the fill of an earlier impute@1 is in the column already."""
    known = {category.encode(): float(code) for code, category in enumerate(categories)}
    column = prepared.categories[given.inputs[0]]
    found = [MISSING_CODE if word is None else known.get(word, UNSEEN_CODE) for word in column]
    code = np.array(found, np.float64)
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
    rows: Int64s,
    start: int,
    width: int,
    flags: Int64s,
) -> None:
    """The operation LOOK_UP for ``width`` rows from ``rows[start]`` on of one text column."""
    for j in range(width):
        row = rows[start + j]
        if valid[field, row]:
            code = find(words, at, text, begin, address[slot, row], length[slot, row])
        else:
            code = fill
            if fill != MISSING_CODE:
                flags[j] |= IMPUTED
        if code == UNSEEN_CODE:
            flags[j] |= UNSEEN
        registers[target + j] = code
