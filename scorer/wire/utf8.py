"""Is it UTF-8? The same answer as Python's strict decoder gives, without making a string.

Well-formed byte sequences as in the Unicode Standard 16.0, table 3-7: no overlong forms, no surrogates, nothing above
U+10FFFF.
"""

from __future__ import annotations

import numpy as np
from numba import types

from scorer.batch import Bools, Bytes, Int64s
from scorer.compiled import borrowing, entry
from scorer.wire.arrays import BYTES, INT64S
from scorer.wire.raw import load_u8, load_u64

_TOP_BITS = np.uint64(0x8080808080808080)
_NONE = np.uint64(0)


@borrowing
def utf8_error(address: int, length: int) -> int:
    """Where the first malformed sequence of these bytes starts, counted from ``address``; -1 if there is none."""
    at = 0
    while at + 8 <= length:
        if load_u64(address + at) & _TOP_BITS != _NONE:
            return _sequence_error(address, length, at)
        at += 8
    if at < length:
        if length >= 8:
            # The last eight bytes at once; the first of them were looked at before.
            if load_u64(address + length - 8) & _TOP_BITS != _NONE:
                return _sequence_error(address, length, at)
            return -1
        while at < length:
            if load_u8(address + at) >= 128:
                return _sequence_error(address, length, at)
            at += 1
    return -1


@borrowing
def _sequence_error(address: int, length: int, at: int) -> int:
    while at < length:
        first = load_u8(address + at)
        if first < 0x80:
            at += 1
            continue
        more, low, high = _continuation(first)
        if more == 0 or at + more >= length:
            return at
        second = load_u8(address + at + 1)
        if second < low or second > high:
            return at
        for index in range(2, more + 1):
            if load_u8(address + at + index) & 0xC0 != 0x80:
                return at
        at += more + 1
    return -1


@borrowing
def _continuation(first: int) -> tuple[int, int, int]:
    """How many bytes follow a first byte (0: it cannot be one), and the range of the first of them."""
    if first < 0xC2 or first > 0xF4:
        return 0, 0, 0
    if first < 0xE0:
        return 1, 0x80, 0xBF
    if first < 0xF0:
        return 2, 0xA0 if first == 0xE0 else 0x80, 0x9F if first == 0xED else 0xBF
    return 3, 0x90 if first == 0xF0 else 0x80, 0x8F if first == 0xF4 else 0xBF


@entry(types.void(INT64S, INT64S, BYTES))
def _check(address: Int64s, length: Int64s, valid: Bytes) -> None:
    for row in range(address.shape[0]):
        valid[row] = length[row] >= 0 and utf8_error(address[row], length[row]) < 0


def valid_utf8(address: Int64s, length: Int64s) -> Bools:
    """Which of ``n`` byte strings are UTF-8, as bool ``(n,)``. One that is absent (length below 0) is not.

    For bytes that are to become TEXT without having been decoded as a string: the keys of records.
    """
    valid = np.empty(len(address), np.uint8)
    _check(address, length, valid)
    return valid.view(np.bool_)
