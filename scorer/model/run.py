"""The one function that runs every program: compiled once, when this module is imported.

It takes rows in blocks of 256 and runs the program's operations on each block. No operation looks at other rows or at
the place of a row in its block, so the bits of a row depend on nothing but its values. Sums are added in the order
that the program states; nothing is left to a library that may add differently for another shape.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numba import types

from scorer.batch import Bytes, Floats, Int32s, Int64s
from scorer.compiled import entry, helper, inlined, memory
from scorer.model.kernels.forest import sloped
from scorer.model.kernels.linear import linear
from scorer.model.kernels.links import exp, log1p_exp, sigmoid, signed_square, softmax
from scorer.model.kernels.tree_columns import treat
from scorer.model.kernels.walks import sum_trees
from scorer.model.preparation.impute import impute
from scorer.model.preparation.load import load, require
from scorer.model.preparation.lookup import look_up
from scorer.model.preparation.one_hot import one_hot
from scorer.model.preparation.ordinal import ordinal
from scorer.model.preparation.standardise import standardise
from scorer.model.program import (
    BLOCK,
    EXP,
    IMPUTE,
    LINEAR,
    LOAD_INTEGER,
    LOAD_NUMBER,
    LOADS_END,
    LOG1P_EXP,
    LOOK_UP,
    ONE_HOT,
    ORDINAL,
    PREPARATION_END,
    SIGMOID,
    SIGNED_SQUARE,
    SLOPE,
    SOFTMAX,
    STANDARDISE,
    STRIDE,
    TREAT,
    TREES,
)

A = TypeVar("A", Floats, Int64s, Int32s, Bytes)

DONE = 0
ROW_OUTSIDE = 1
TOO_SMALL = 2

_F1, _F2 = types.float64[::1], types.float64[:, ::1]
_I1, _I2 = types.int64[::1], types.int64[:, ::1]
_U1, _U2 = types.uint8[::1], types.uint8[:, ::1]
_SIGNATURE = types.int64(
    _F2, _I2, _I2, _I2, _U2, _I2, _I1, _F1, _U1, _F1, _I1, _I1, _I1, _I1, _F2, _U1, types.int32[::1]
)


@helper
def _misfit(
    numbers: Floats,
    integers: Int64s,
    address: Int64s,
    length: Int64s,
    valid: Bytes,
    words: Int64s,
    rows: Int64s,
    scores: Floats,
    flags: Bytes,
    missing: Int32s,
) -> int:
    if (
        numbers.shape[0] < words[0]
        or integers.shape[0] < words[1]
        or address.shape[0] < words[2]
        or length.shape[0] < words[2]
        or valid.shape[0] < words[3]
        or scores.shape[0] < words[4]
    ):
        return TOO_SMALL
    inputs = min(numbers.shape[1], integers.shape[1], address.shape[1], length.shape[1], valid.shape[1])
    capacity = min(inputs, scores.shape[1], flags.shape[0], missing.shape[0])
    for i in range(rows.shape[0]):
        if rows[i] < 0 or rows[i] >= capacity:
            return ROW_OUTSIDE
    return DONE


@inlined
def _load(
    ops: Int64s,
    k: int,
    numbers: Floats,
    integers: Int64s,
    address: Int64s,
    length: Int64s,
    valid: Bytes,
    words: Int64s,
    floats: Floats,
    text: Bytes,
    registers: Floats,
    flags: Int64s,
    missing: Int64s,
    rows: Int64s,
    start: int,
    width: int,
) -> None:
    """An operation that reads columns."""
    code, target, slot, field = ops[k, 0], ops[k, 1], ops[k, 2], ops[k, 3]
    a, b, c = ops[k, 4], ops[k, 5], ops[k, 6]
    if code == LOAD_NUMBER:
        load(registers, target, numbers, slot, valid, field, floats[c], a, b, rows, start, width, missing)
    elif code == LOAD_INTEGER:
        load(registers, target, integers, slot, valid, field, floats[c], a, b, rows, start, width, missing)
    elif code == LOOK_UP:
        look_up(
            registers, target, address, length, slot, valid, field, words, a, text, b, c, rows, start, width, flags
        )  # fmt: skip
    else:
        require(valid, field, a, b, rows, start, width, missing)


@inlined
def _prepare(ops: Int64s, k: int, floats: Floats, registers: Floats, flags: Int64s, width: int) -> None:
    """An operation from register to register."""
    code, target, source, a = ops[k, 0], ops[k, 1], ops[k, 2], ops[k, 3]
    if code == IMPUTE:
        impute(registers, target, source, floats[a], flags, width)
    elif code == STANDARDISE:
        standardise(registers, target, source, floats[a], floats[a + 1], width)
    elif code == ONE_HOT:
        one_hot(registers, target, source, a, width)
    elif code == ORDINAL:
        ordinal(registers, target, source, floats[a], floats[a + 1], width)


@inlined
def _score(ops: Int64s, k: int, words: Int64s, floats: Floats, registers: Floats, lanes: Int64s, width: int) -> None:
    """An operation of a kernel."""
    code, first, count = ops[k, 0], ops[k, 1], ops[k, 2]
    if code == LINEAR:
        linear(registers, first, count, ops[k, 3], words, ops[k, 4], floats, ops[k, 5], width)
    elif code == TREES:
        sum_trees(registers, first, count, words, ops[k, 3], floats, lanes, width)
    elif code == TREAT:
        treat(registers, first, count, ops[k, 3], floats[ops[k, 4]], width)
    elif code == SLOPE:
        where = ops[k, 3]
        sloped(registers, first, count, floats[where], floats[where + 1], width)
    elif code == SIGMOID:
        sigmoid(registers, first, width)
    elif code == SOFTMAX:
        softmax(registers, first, count, width)
    elif code == EXP:
        exp(registers, first, width)
    elif code == LOG1P_EXP:
        log1p_exp(registers, first, width)
    elif code == SIGNED_SQUARE:
        signed_square(registers, first, width)


@helper
def _store(
    words: Int64s,
    registers: Floats,
    block_flags: Int64s,
    block_missing: Int64s,
    rows: Int64s,
    start: int,
    width: int,
    scores: Floats,
    flags: Bytes,
    missing: Int32s,
) -> None:
    for k in range(words[4]):
        first = words[5] + k * STRIDE
        for j in range(width):
            score = registers[first + j]
            # One NaN for all: which of several an operation hands on is the processor's choice.
            nothing = block_missing[j] >= 0 or np.isnan(score)
            scores[k, rows[start + j]] = np.nan if nothing else score
    for j in range(width):
        flags[rows[start + j]] = block_flags[j]
        missing[rows[start + j]] = block_missing[j]


@inlined
def _line(array: A) -> A:
    """The same memory, not counted: numba counts who holds an array, atomically, at every call that passes one on."""
    return memory(array.ctypes.data, array.size * array.itemsize).view(array.dtype)  # type: ignore[no-any-return]


@inlined
def _plane(array: A) -> A:
    """The same for two dimensions."""
    flat = memory(array.ctypes.data, array.size * array.itemsize).view(array.dtype)
    return flat.reshape(array.shape)  # type: ignore[no-any-return]


@helper
def _run(
    numbers: Floats,
    integers: Int64s,
    address: Int64s,
    length: Int64s,
    valid: Bytes,
    ops: Int64s,
    words: Int64s,
    floats: Floats,
    text: Bytes,
    registers: Floats,
    lanes: Int64s,
    block_flags: Int64s,
    block_missing: Int64s,
    rows: Int64s,
    scores: Floats,
    flags: Bytes,
    missing: Int32s,
) -> int:
    wrong = _misfit(numbers, integers, address, length, valid, words, rows, scores, flags, missing)
    if wrong != DONE:
        return wrong
    for start in range(0, rows.shape[0], BLOCK):
        width = min(BLOCK, rows.shape[0] - start)
        for j in range(width):
            block_flags[j] = 0
            block_missing[j] = -1
        for k in range(ops.shape[0]):
            if ops[k, 0] < LOADS_END:
                _load(
                    ops, k, numbers, integers, address, length, valid, words, floats, text, registers, block_flags,
                    block_missing, rows, start, width,
                )  # fmt: skip
            elif ops[k, 0] < PREPARATION_END:
                _prepare(ops, k, floats, registers, block_flags, width)
            else:
                _score(ops, k, words, floats, registers, lanes, width)
        _store(words, registers, block_flags, block_missing, rows, start, width, scores, flags, missing)
    return DONE


@entry(_SIGNATURE)
def run(
    numbers: Floats,
    integers: Int64s,
    address: Int64s,
    length: Int64s,
    valid: Bytes,
    ops: Int64s,
    words: Int64s,
    floats: Floats,
    text: Bytes,
    registers: Floats,
    lanes: Int64s,
    block_flags: Int64s,
    block_missing: Int64s,
    rows: Int64s,
    scores: Floats,
    flags: Bytes,
    missing: Int32s,
) -> int:
    """Score ``rows``: see :meth:`scorer.model.model.BoundModel.score`.

    The first five arrays are those of ``Columns``; the next four the program's tables; the next four its working
    memory. Returns DONE, or what is wrong with the arrays before any of them was touched.
    """
    return _run(
        _plane(numbers), _plane(integers), _plane(address), _plane(length), _plane(valid), _plane(ops), _line(words),
        _line(floats), _line(text), _line(registers), _line(lanes), _line(block_flags), _line(block_missing),
        _line(rows), _plane(scores), _line(flags), _line(missing),
    )  # fmt: skip
