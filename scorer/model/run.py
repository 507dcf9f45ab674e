"""The one function that runs every program: compiled once, when this module is imported.

It takes rows in blocks of 256 and runs the program's operations on each block. No operation looks at other rows or at
the place of a row in its block, so the bits of a row depend on nothing but its values. Sums are added in the order
that the program states; nothing is left to a library that may add differently for another shape.
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from numba import types

from scorer.batch import Bytes, Floats, Int32s, Int64s
from scorer.compiled import borrowing, entry, helper, inlined, memory
from scorer.model.combining.average import average
from scorer.model.combining.calibrate_isotonic import isotonic
from scorer.model.combining.calibrate_sigmoid import margin_of
from scorer.model.combining.choose import above, choose
from scorer.model.combining.log_odds import log_odds
from scorer.model.combining.shares import shares
from scorer.model.kernels.columns import copied
from scorer.model.kernels.forest import sloped
from scorer.model.kernels.linear import linear
from scorer.model.kernels.links import (
    exp,
    exp_float32,
    log1p_exp,
    sigmoid,
    sigmoid_float32,
    signed_square,
    softmax,
    softmax_float32,
)
from scorer.model.kernels.tree_columns import treat
from scorer.model.kernels.walks import sum_trees
from scorer.model.ops import (
    ABOVE,
    AVERAGE,
    BLOCK,
    CHOOSE,
    COPY,
    EXP,
    EXP_FLOAT32,
    ISOTONIC,
    LINEAR,
    LOADS_END,
    LOG1P_EXP,
    LOG_ODDS,
    MARGIN_OF,
    PREPARATION_END,
    SHARES,
    SIGMOID,
    SIGMOID_FLOAT32,
    SIGNED_SQUARE,
    SLOPE,
    SOFTMAX,
    SOFTMAX_FLOAT32,
    STRIDE,
    TREAT,
    TREES,
    WIDTH,
)
from scorer.model.preparation.operations import prepare, read_columns

A = TypeVar("A", Floats, Int64s, Int32s, Bytes)

Fixed: TypeAlias = tuple[Int64s, Int64s, Floats, Bytes, Floats, Int64s, Int64s, Int64s]
"""A program's ``ops``, ``words``, ``floats`` and ``text``; its working memory: registers, lanes, a block's flags, and
what its rows lack."""
_FIXED = (np.int64, np.int64, np.float64, np.uint8, np.float64, np.int64, np.int64, np.int64)

DONE = 0
ROW_OUTSIDE = 1
TOO_SMALL = 2

_F1, _F2 = types.float64[::1], types.float64[:, ::1]
_I1, _I2 = types.int64[::1], types.int64[:, ::1]
_U1, _U2 = types.uint8[::1], types.uint8[:, ::1]
_SIGNATURE = types.int64(_F2, _I2, _I2, _I2, _U2, _I1, _I1, _F2, _U1, types.int32[::1])


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
    outside = False
    for i in range(rows.shape[0]):
        outside |= (rows[i] < 0) | (rows[i] >= capacity)
    return ROW_OUTSIDE if outside else DONE


@borrowing
def _adjoin(rows: Int64s, start: int, width: int) -> bool:
    """Whether the rows of a block lie one after the other, as nearly always."""
    some, apart = rows[start : start + width], False
    for j in range(width):
        apart |= some[j] != some[0] + j
    return not apart


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
    elif not _link(code, first, count, registers, width):
        _combine(ops, k, words, floats, registers, width)


@inlined
def _link(code: int, first: int, count: int, registers: Floats, width: int) -> bool:
    """An operation that turns margins into scores; ``False`` where it is none."""
    if code == SIGMOID:
        sigmoid(registers, first, width)
    elif code == SOFTMAX:
        softmax(registers, first, count, width)
    elif code == EXP:
        exp(registers, first, width)
    elif code == LOG1P_EXP:
        log1p_exp(registers, first, width)
    elif code == SIGNED_SQUARE:
        signed_square(registers, first, width)
    elif code == SIGMOID_FLOAT32:
        sigmoid_float32(registers, first, width)
    elif code == SOFTMAX_FLOAT32:
        softmax_float32(registers, first, count, width)
    elif code == EXP_FLOAT32:
        exp_float32(registers, first, width)
    else:
        return False
    return True


@inlined
def _combine(ops: Int64s, k: int, words: Int64s, floats: Floats, registers: Floats, width: int) -> None:
    """An operation on scores of several estimators."""
    code, target, a, b, c, d = ops[k, 0], ops[k, 1], ops[k, 2], ops[k, 3], ops[k, 4], ops[k, 5]
    if code == COPY:
        copied(registers, target, a, width)
    elif code == AVERAGE:
        average(registers, target, a, b, words, c, floats, d, width)
    elif code == MARGIN_OF:
        margin_of(registers, target, a, floats[b], floats[b + 1], width)
    elif code == ISOTONIC:
        isotonic(registers, target, a, b, floats, c, d, width)
    elif code == SHARES:
        shares(registers, target, a, words, b, floats, c, width)
    elif code == CHOOSE:
        choose(registers, target, a, b, words, c, width)
    elif code == ABOVE:
        above(registers, target, a, floats[b], width)
    elif code == LOG_ODDS:
        log_odds(registers, target, a, words, b, floats[c], width)


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


@inlined
def _kept(frame: Int64s, which: int) -> Bytes:
    """The bytes of the array ``which`` of a frame."""
    return memory(frame[2 * which], frame[2 * which + 1])  # type: ignore[no-any-return]


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
        adjoining = _adjoin(rows, start, width)
        for k in range(ops.shape[0]):
            if ops[k, 0] < LOADS_END:
                read_columns(
                    ops, k, numbers, integers, address, length, valid, words, floats, text, registers, block_flags,
                    block_missing, rows, start, width, adjoining,
                )  # fmt: skip
            elif ops[k, 0] < PREPARATION_END:
                prepare(ops, k, words, floats, registers, block_flags, block_missing, width)
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
    frame: Int64s,
    rows: Int64s,
    scores: Floats,
    flags: Bytes,
    missing: Int32s,
) -> int:
    """Score ``rows``: see :meth:`scorer.model.model.BoundModel.score`.

    The first five arrays are those of ``Columns``; ``frame`` is that of :func:`framed`. Returns DONE, or what is wrong
    with the arrays before any of them was touched.
    """
    ops, words = _kept(frame, 0).view(np.int64), _kept(frame, 1).view(np.int64)
    return _run(
        _plane(numbers), _plane(integers), _plane(address), _plane(length), _plane(valid),
        ops.reshape((ops.size // WIDTH, WIDTH)), words, _kept(frame, 2).view(np.float64), _kept(frame, 3),
        _kept(frame, 4).view(np.float64), _kept(frame, 5).view(np.int64), _kept(frame, 6).view(np.int64),
        _kept(frame, 7).view(np.int64), _line(rows), _plane(scores), _line(flags), _line(missing),
    )  # fmt: skip


def framed(fixed: Fixed) -> Int64s:
    """Address and bytes of each of the arrays that do not change from call to call; the caller keeps the arrays.

    To hand over eight arrays one by one would take a quarter of the time of scoring one row.
    """
    arrays: tuple[npt.NDArray[Any], ...] = fixed
    for array, dtype in zip(arrays, _FIXED, strict=True):
        if array.dtype != dtype or not array.flags.c_contiguous:
            raise TypeError(f"an array of {dtype} without gaps is needed, not {array.dtype} {array.flags}")
    return np.array([(array.ctypes.data, array.nbytes) for array in arrays], np.int64).reshape(-1)
