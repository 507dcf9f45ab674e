"""The symbols of enums as bytes in memory, for compiled code."""

from __future__ import annotations

import numpy as np

from scorer.batch import Bytes, Int64s


class Symbols:
    """Collects the symbols of all enums of a plan into one run of bytes."""

    def __init__(self) -> None:
        self._texts: list[bytes] = []

    def add(self, symbols: tuple[str, ...]) -> int:
        """Append the symbols of one enum; the table's row of the first of them."""
        row = len(self._texts)
        self._texts += [symbol.encode() for symbol in symbols]
        return row

    def table(self) -> tuple[Int64s, Int64s, Bytes]:
        """Address and length of each symbol, and the bytes that they point to, which must live as long."""
        # One byte more, so that there is an address even where there is no symbol.
        data = np.frombuffer(bytearray(b"".join(self._texts) + b"\0"), np.uint8)
        length = np.array([len(text) for text in self._texts], np.int64)
        return data.ctypes.data + np.cumsum(length) - length, length, data
