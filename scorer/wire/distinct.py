"""Which texts of a column differ, so that what is done with text is done once for each and not for every row."""

from __future__ import annotations

import ctypes

import numpy as np
from numba import types

from scorer.batch import Int64s
from scorer.compiled import entry
from scorer.wire.arrays import INT64S
from scorer.wire.raw import same_bytes
from scorer.wire.siphash import hashed

_KEY = np.uint64(0)


@entry(types.int64(INT64S, INT64S, INT64S, INT64S, INT64S))
def _number(address: Int64s, length: Int64s, table: Int64s, first: Int64s, which: Int64s) -> int:
    """Number the texts in the order in which they come, by way of a hash ``table`` of numbers; how many there are."""
    count, last, mask = 0, -1, table.shape[0] - 1
    for row in range(address.shape[0]):
        size = length[row]
        which[row] = -1
        if size < 0:
            continue
        # Columns repeat themselves: the text of the row before is tried without a hash.
        if last >= 0 and length[last] == size and same_bytes(address[last], address[row], size):
            which[row] = which[last]
            last = row
            continue
        last = row
        high, _ = hashed(address[row], size, _KEY, _KEY)
        at = np.int64(high) & mask
        while which[row] < 0:
            number = table[at]
            if number < 0:
                table[at] = count
                first[count] = row
                which[row] = count
                count += 1
            elif length[first[number]] == size and same_bytes(address[first[number]], address[row], size):
                which[row] = number
            at = (at + 1) & mask
    return count


def distinct(address: Int64s, length: Int64s) -> tuple[list[bytes], Int64s]:
    """The texts that occur, in the order in which they come first, and which of them each row has, int64 ``(n,)``; -1
    where there is none (a length below 0)."""
    n = len(address)
    table = np.full(1 << max(2 * n - 1, 1).bit_length(), -1)
    first, which = np.empty(n, np.int64), np.empty(n, np.int64)
    address, length = np.ascontiguousarray(address), np.ascontiguousarray(length)
    count = _number(address, length, table, first, which)
    rows = first[:count]
    return list(map(ctypes.string_at, address[rows].tolist(), length[rows].tolist())), which
