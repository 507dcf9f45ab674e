"""Kafka's murmur2: the hash by which Java producers choose a partition from a key.

The 32-bit MurmurHash2 by Austin Appleby with Kafka's seed, as in ``org.apache.kafka.common.utils.Utils.murmur2``;
the partition is the hash without its sign bit, modulo the number of partitions.
"""

from __future__ import annotations

import numpy as np
from numba import types

from scorer.batch import Int64s
from scorer.compiled import borrowing, entry
from scorer.wire.arrays import INT64S
from scorer.wire.raw import load_u8, load_u32

_SEED = 0x9747B28C
_M = 0x5BD1E995
_32_BITS = 0xFFFFFFFF


@borrowing
def _hash(address: int, length: int) -> int:
    """The hash as an unsigned number of 32 bits."""
    # 64-bit arithmetic, cut to 32 bits after each product: signed overflow never shows.
    h = (_SEED ^ length) & _32_BITS
    at = 0
    while at + 4 <= length:
        k = (load_u32(address + at) * _M) & _32_BITS
        k = ((k ^ (k >> 24)) * _M) & _32_BITS
        h = ((h * _M) & _32_BITS) ^ k
        at += 4
    if at < length:
        for index in range(length - at):
            h ^= load_u8(address + at + index) << (8 * index)
        h = (h * _M) & _32_BITS
    h = ((h ^ (h >> 13)) * _M) & _32_BITS
    return h ^ (h >> 15)


@entry(types.void(INT64S, INT64S, types.int64, INT64S))
def _place(address: Int64s, length: Int64s, count: int, out: Int64s) -> None:
    """The partition of each key, or the hash itself where ``count`` is 0; -1 where there is no key."""
    for row in range(address.shape[0]):
        if length[row] < 0:
            out[row] = -1
            continue
        h = _hash(address[row], length[row])
        out[row] = h if count == 0 else (h & 0x7FFFFFFF) % count


def partitions(address: Int64s, length: Int64s, count: int) -> Int64s:
    """The partition of each of ``n`` keys, by address and length, as int64 ``(n,)``; -1 where there is no key."""
    if count < 1:
        raise ValueError(f"a topic has at least one partition, not {count}")
    out = np.empty(len(address), np.int64)
    _place(address, length, count, out)
    return out


def murmur2(key: bytes) -> int:
    """The hash of one key, a signed number of 32 bits as in Java."""
    data = np.frombuffer(bytearray(key or b"\0"), np.uint8)
    out = np.empty(1, np.int64)
    _place(np.array([data.ctypes.data]), np.array([len(key)]), 0, out)
    return int(out.astype(np.int32)[0])
