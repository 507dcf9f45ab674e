"""Integers as text, for the ids of events that have no text of their own. No Python object per event."""

from __future__ import annotations

import numpy as np
from numba import types

from scorer.batch import Bytes, Int64s
from scorer.compiled import borrowing, entry
from scorer.wire.arrays import BYTES, INT64S, TABLE
from scorer.wire.raw import load_u8

_LONGEST = 21
"""A number has at most so many bytes: what joins it to the text before, a sign, 19 digits."""

_MINUS = np.uint8(ord("-"))
_ZERO = np.uint64(ord("0"))
_NONE, _TEN = np.uint64(0), np.uint64(10)


@borrowing
def _write(text: Bytes, at: int, value: int) -> int:
    """Write ``value`` in decimal digits from ``at`` on; the place behind them."""
    rest = np.uint64(value)
    if value < 0:
        text[at] = _MINUS
        at += 1
        rest = _NONE - rest  # modulo 2^64, so that it is right for the lowest integer, too
    end = at + 1
    left = rest // _TEN
    while left > _NONE:
        end += 1
        left //= _TEN
    for place in range(end - 1, at - 1, -1):
        text[place] = np.uint8(_ZERO + rest % _TEN)
        rest //= _TEN
    return end


@entry(types.void(INT64S, INT64S, TABLE, BYTES, INT64S, INT64S))
def _spell(address: Int64s, length: Int64s, numbers: Int64s, text: Bytes, start: Int64s, size: Int64s) -> None:
    at = 0
    for row in range(numbers.shape[1]):
        start[row] = at
        for k in range(length[row]):
            text[at + k] = load_u8(address[row] + k)
        at += length[row]
        for part in range(numbers.shape[0]):
            if at > start[row]:
                text[at] = _MINUS
                at += 1
            at = _write(text, at, numbers[part, row])
        size[row] = at - start[row]


def spelled(address: Int64s, length: Int64s, numbers: Int64s) -> tuple[Bytes, Int64s, Int64s]:
    """For each of ``n`` rows the bytes at ``address`` and the numbers behind them in decimal, joined by ``-``.

    ``address`` and ``length`` are int64 ``(n,)``, ``numbers`` int64 ``(parts, n)``. Returns the buffer that holds all
    texts, uint8, and the address and length of each, int64 ``(n,)``: keep the buffer as long as these are used.
    """
    parts, n = numbers.shape
    text = np.empty(int(length.sum()) + _LONGEST * parts * n + 1, np.uint8)
    start, size = np.empty(n, np.int64), np.empty(n, np.int64)
    _spell(address, length, np.ascontiguousarray(numbers), text, start, size)
    return text, start + text.ctypes.data, size
