"""Payloads that are Python objects, laid end to end in one buffer, so that compiled code can take them by address."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress, repeat
from operator import is_not

import numpy as np

from scorer.batch import Int64s


def join(payloads: Sequence[bytes | None]) -> tuple[bytes, Int64s, Int64s]:
    """All payloads in one buffer, and the address and length of each, int64 ``(n,)``; length -1 for ``None``.

    The addresses point into the buffer: keep it as long as they are used.
    """
    n = len(payloads)
    length = np.full(n, -1, np.int64)
    present = np.fromiter(map(is_not, payloads, repeat(None)), np.bool_, n)
    if present.all():
        length[:] = np.fromiter(map(len, payloads), np.int64, n)  # type: ignore[arg-type]  # none of them is None
    else:
        length[present] = np.fromiter(map(len, compress(payloads, present)), np.int64)  # type: ignore[arg-type]
    buffer = b"".join(filter(None, payloads))
    size = np.maximum(length, 0)
    base = np.frombuffer(buffer, np.uint8).ctypes.data if buffer else 0
    return buffer, base + np.cumsum(size) - size, length
