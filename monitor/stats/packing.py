"""Whole numbers as few bytes: seven bits a byte, small magnitudes in one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import types

from scorer.batch import Int64s
from scorer.compiled import entry
from scorer.wire.arrays import BYTES, INT64S

_MOST = 10
"""Bytes that a number of 64 bits may take."""


@entry(types.int64(INT64S, BYTES))
def _pack(numbers: Int64s, out: npt.NDArray[np.uint8]) -> int:
    at = 0
    for number in numbers:
        rest = np.uint64((number << 1) ^ (number >> 63))  # 0, -1, 1, -2 … become 0, 1, 2, 3 …
        while rest >= np.uint64(128):
            out[at] = np.uint8(rest & np.uint64(127)) | np.uint8(128)
            rest >>= np.uint64(7)
            at += 1
        out[at] = np.uint8(rest)
        at += 1
    return at


@entry(types.int64(types.Array(types.uint8, 1, "C", readonly=True), INT64S))
def _unpack(content: npt.NDArray[np.uint8], out: Int64s) -> int:
    """Returns how many numbers there are; -1 where one is cut off or too long."""
    found, shift = 0, np.uint64(0)
    rest = np.uint64(0)
    for byte in content:
        if shift > np.uint64(63):
            return -1
        rest |= np.uint64(byte & 127) << shift
        shift += np.uint64(7)
        if byte < 128:
            out[found] = np.int64(rest >> np.uint64(1)) ^ -np.int64(rest & np.uint64(1))
            found += 1
            rest, shift = np.uint64(0), np.uint64(0)
    return found if shift == np.uint64(0) else -1


def pack(numbers: Int64s) -> bytes:
    """``numbers`` int64 ``(n,)`` as bytes: zigzag, then seven bits a byte, the lowest first (as protobuf's sint64)."""
    out = np.empty(len(numbers) * _MOST, np.uint8)
    return out[: _pack(np.ascontiguousarray(numbers), out)].tobytes()


def unpack(content: bytes) -> Int64s:
    """What :func:`pack` gave. Raises ``ValueError`` where a number is cut off."""
    out = np.empty(len(content), np.int64)
    found = _unpack(np.frombuffer(content, np.uint8), out)
    if found < 0:
        raise ValueError("packed numbers are cut off, or are none")
    return out[:found].copy()
