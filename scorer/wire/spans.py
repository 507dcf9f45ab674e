"""Questions about columns of byte strings, asked by address."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import types

from scorer.batch import Bools, Bytes, Int64s
from scorer.compiled import entry
from scorer.wire.arrays import BYTES, INT64S
from scorer.wire.joined import join
from scorer.wire.raw import same_bytes


@entry(types.void(INT64S, INT64S, INT64S, INT64S, BYTES))
def _among(address: Int64s, length: Int64s, values: Int64s, sizes: Int64s, found: Bytes) -> None:
    for row in range(address.shape[0]):
        found[row] = 0
        for at in range(values.shape[0]):
            if sizes[at] == length[row] and same_bytes(values[at], address[row], length[row]):
                found[row] = 1
                break


def among(address: Int64s, length: Int64s, values: Sequence[bytes]) -> Bools:
    """Which of ``n`` byte strings are one of ``values``, as bool ``(n,)``. Meant for a few values."""
    buffer, addresses, sizes = join(values)
    found = np.empty(len(address), np.uint8)
    _among(np.ascontiguousarray(address), np.ascontiguousarray(length), addresses, sizes, found)
    del buffer  # it had to live until here
    return found.view(np.bool_)
