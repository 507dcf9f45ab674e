"""Avro's integers: zigzag, then seven bits a byte, the lowest first. Compiled helpers.

Reading is stricter than Avro's reference libraries, which drop the bits beyond 64: an integer of more than ten bytes,
or whose tenth byte holds more than the one bit that is left for it, is refused. Padding with zero bits inside ten
bytes (``80 00`` for 0) changes no value and is accepted, as it is everywhere.
"""

from __future__ import annotations

import numpy as np

from scorer.compiled import borrowing
from scorer.wire.raw import load_u8, load_u64, store_u8, trailing_zeros
from scorer.wire.reasons import OK, TRUNCATED, VARINT

LONGEST = 10
"""No encoded integer is longer than this, in bytes."""

_TOP_BITS = np.uint64(0x8080808080808080)
_ONE, _TWO, _FOUR = np.uint64(1), np.uint64(2), np.uint64(4)


@borrowing
def zigzag_decoded(raw: np.uint64) -> np.int64:
    """0, 1, 2, 3 … → 0, -1, 1, -2 …"""
    return np.int64(raw >> _ONE) ^ -np.int64(raw & _ONE)


@borrowing
def read_varint(address: int, end: int) -> tuple[np.int64, int, int]:
    """The integer at ``address``, the address behind it, and a status: OK, TRUNCATED or VARINT.

    Never reads at or behind ``end``. Where the status is not OK, the other two mean nothing.
    """
    if address < end:
        first = load_u8(address)
        if first < 128:
            return zigzag_decoded(np.uint64(first)), address + 1, OK
    if address + 8 > end:
        return _read_bytewise(address, end)
    word = load_u64(address)
    stops = ~word & _TOP_BITS
    if stops == np.uint64(0):
        return _read_bytewise(address, end)
    # All bits up to the first byte without a continuation bit; then close the gaps of one bit between the bytes,
    # of two between pairs, of four between halves. No loop, so nothing to mispredict for timestamps of any size.
    size = (trailing_zeros(stops) + 1) >> 3
    word &= stops ^ (stops - _ONE)
    word = ((word & np.uint64(0x7F007F007F007F00)) >> _ONE) | (word & np.uint64(0x007F007F007F007F))
    word = ((word & np.uint64(0x3FFF00003FFF0000)) >> _TWO) | (word & np.uint64(0x00003FFF00003FFF))
    word = ((word & np.uint64(0x0FFFFFFF00000000)) >> _FOUR) | (word & np.uint64(0x000000000FFFFFFF))
    return zigzag_decoded(word), address + size, OK


@borrowing
def _read_bytewise(address: int, end: int) -> tuple[np.int64, int, int]:
    raw = np.uint64(0)
    for index in range(LONGEST):
        if address + index >= end:
            return np.int64(0), address, TRUNCATED
        byte = load_u8(address + index)
        if index == LONGEST - 1 and byte > 1:
            break
        raw |= np.uint64(byte & 127) << np.uint64(7 * index)
        if byte < 128:
            return zigzag_decoded(raw), address + index + 1, OK
    return np.int64(0), address, VARINT


@borrowing
def write_varint(address: int, value: int) -> int:
    """Write ``value`` in the fewest bytes, at most ``LONGEST``; the address behind them."""
    raw = np.uint64((value << 1) ^ (value >> 63))
    while raw > np.uint64(127):
        store_u8(address, np.int64(raw & np.uint64(127)) | 128)
        raw >>= np.uint64(7)
        address += 1
    store_u8(address, np.int64(raw))
    return address + 1
