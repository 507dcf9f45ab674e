"""Categories looked up by their bytes: an open-addressing hash table in words, compared exactly.

The table: number of slots (a power of two, at least twice the categories), number of categories, the slots (the index
of a category, or -1), then where each category's bytes begin, and the end of the last. The hash is FNV-1a with 64
bits, folded once.

Source: G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, The FNV Non-Cryptographic Hash Algorithm (RFC 9923).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from scorer.batch import Bytes, Int64s
from scorer.compiled import helper, memory

_BASIS = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_FOLD = np.uint64(32)
_HEAD = 2


def table(categories: Sequence[bytes]) -> tuple[Int64s, bytes]:
    """The words and the text of a table in which category ``i`` of the distinct ``categories`` has index ``i``."""
    slots = 4
    while slots < 2 * len(categories):
        slots *= 2
    places = [-1] * slots
    for index, category in enumerate(categories):
        place = _hash(category) & (slots - 1)
        while places[place] >= 0:
            place = (place + 1) & (slots - 1)
        places[place] = index
    begins = accumulate((len(category) for category in categories), initial=0)
    return np.array([slots, len(categories), *places, *begins], np.int64), b"".join(categories)


def _hash(data: bytes) -> int:
    state, prime = int(_BASIS), int(_PRIME)
    for byte in data:
        state = ((state ^ byte) * prime) & 0xFFFFFFFFFFFFFFFF
    return state ^ (state >> 32)


@helper
def find(words: Int64s, at: int, text: Bytes, begin: int, address: int, length: int) -> int:
    """The index of the ``length`` bytes at ``address`` in the table at ``words[at]`` and ``text[begin]``, or -1."""
    key = memory(address, length)
    state = _BASIS
    for i in range(length):
        state = (state ^ np.uint64(key[i])) * _PRIME
    slots = words[at]
    place = np.int64((state ^ (state >> _FOLD)) & np.uint64(slots - 1))
    begins = at + _HEAD + slots
    while True:
        index = words[at + _HEAD + place]
        if index < 0:
            return -1
        start = words[begins + index]
        if words[begins + index + 1] - start == length:
            same = True
            for i in range(length):
                if text[begin + start + i] != key[i]:
                    same = False
                    break
            if same:
                return int(index)
        place = (place + 1) & (slots - 1)
