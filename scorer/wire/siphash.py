"""128 bits that stand for a text such as an event's id: SipHash-2-4 with 128 bits of output.

Two of a thousand million million different ids have one hash with a chance of about 10**-9. The key is 0, so that the
hashes are the same everywhere and always; against somebody who chooses ids so that they meet, only a secret would help.

Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), and its reference for 128 bits.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numpy.typing import NDArray

from scorer.batch import Int64s
from scorer.compiled import borrowing, entry
from scorer.wire.arrays import INT64S
from scorer.wire.raw import load_u8, load_u64

# Unsigned throughout: numba mixes signed and unsigned integers by way of floating point.
_V0, _V1 = np.uint64(0x736F6D6570736575), np.uint64(0x646F72616E646F6D)
_V2, _V3 = np.uint64(0x6C7967656E657261), np.uint64(0x7465646279746573)
_LONG, _MIDDLE = np.uint64(0xEE), np.uint64(0xDD)
_B13, _B16, _B17, _B21, _B32 = np.uint64(13), np.uint64(16), np.uint64(17), np.uint64(21), np.uint64(32)
_B64, _B56, _BYTE = np.uint64(64), np.uint64(56), np.uint64(8)


@borrowing
def _rotated(value: np.uint64, bits: np.uint64) -> np.uint64:
    """``value`` with its bits moved up in a circle."""
    return (value << bits) | (value >> (_B64 - bits))


@borrowing
def _round(
    v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """One round of mixing."""
    v0 += v1
    v1 = _rotated(v1, _B13) ^ v0
    v0 = _rotated(v0, _B32)
    v2 += v3
    v3 = _rotated(v3, _B16) ^ v2
    v0 += v3
    v3 = _rotated(v3, _B21) ^ v0
    v2 += v1
    v1 = _rotated(v1, _B17) ^ v2
    v2 = _rotated(v2, _B32)
    return v0, v1, v2, v3


@borrowing
def hashed(address: int, length: int, key0: np.uint64, key1: np.uint64) -> tuple[np.uint64, np.uint64]:
    """The two halves of the hash of one text; for compiled code."""
    v0, v1, v2, v3 = key0 ^ _V0, key1 ^ _V1 ^ _LONG, key0 ^ _V2, key1 ^ _V3
    whole = length & ~7
    for n in range(0, whole, 8):
        word = load_u64(address + n)
        v3 ^= word
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 ^= word
    word = np.uint64(length) << _B56
    for n in range(length - whole):
        word |= np.uint64(load_u8(address + whole + n)) << (np.uint64(n) * _BYTE)
    v3 ^= word
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0 ^= word
    v2 ^= _LONG
    for _ in range(4):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    high = v0 ^ v1 ^ v2 ^ v3
    v1 ^= _MIDDLE
    for _ in range(4):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return high, v0 ^ v1 ^ v2 ^ v3


@entry(types.void(INT64S, INT64S, types.uint64, types.uint64, types.uint64[::1], types.uint64[::1]))
def _hash(
    address: Int64s,
    length: Int64s,
    key0: np.uint64,
    key1: np.uint64,
    high: NDArray[np.uint64],
    low: NDArray[np.uint64],
) -> None:
    """The hash of each text, in two halves."""
    for row in range(address.shape[0]):
        high[row], low[row] = hashed(address[row], length[row], key0, key1)


def siphash(
    address: Int64s, length: Int64s, key: tuple[int, int] = (0, 0)
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The two halves, uint64 ``(n,)`` each, of the hash of each of n texts, by address and length (at least 0)."""
    high, low = np.empty(len(address), np.uint64), np.empty(len(address), np.uint64)
    _hash(np.ascontiguousarray(address), np.ascontiguousarray(length), np.uint64(key[0]), np.uint64(key[1]), high, low)
    return high, low
