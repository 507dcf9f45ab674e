"""Texts of records as codes of the state: each text that differs is looked at once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

import numpy as np

from scorer.batch import Bools, Columns, Int64s, Layout
from scorer.wire.distinct import distinct
from scorer.wire.value import Value

VERSION: Final = "version"
TOPIC: Final = "topic"
INPUT: Final = "input"
REASON: Final = "reason"
"""Kinds of codes."""

MOST: Final = {VERSION: 10_000, TOPIC: 1_000, REASON: 1_000}
"""So many texts of a kind are told apart."""

MOST_VALUES: Final = 1_000
"""So many values of one segment field are told apart; the predictions with further ones are in no segment of it."""


LONGEST: Final = 500
"""Bytes of a text that gets a code at most: codes are kept for ever. A longer text is as one too many."""


class Codes(Protocol):
    """``Step.codes``: the codes of texts, -1 where there are ``most`` others already."""

    def __call__(self, kind: str, names: Iterable[str], most: int = ...) -> list[int]: ...


class Spans:
    """The texts and bytes of a decoded batch of ``n`` records, of the rows that are ``fine``."""

    def __init__(self, layout: Layout, columns: Columns, n: int) -> None:
        self._layout, self._columns, self._n = layout, columns, n

    def numbers(self, name: str, fine: Bools, number: Mapping[bytes, int], other: int) -> Int64s:
        """A known number for each text of a column; ``other`` for every other text, -1 where there is none."""
        return self._by_text(name, fine, lambda texts: [number.get(text, other) for text in texts])

    def codes(self, name: str, fine: Bools, codes: Codes, kind: str) -> Int64s:
        """The code of each text of a column; -1 where there is none."""
        return self._by_text(
            name, fine, lambda texts: codes(kind, [text.decode() for text in texts], MOST[kind]), LONGEST
        )

    def values(self, name: str, fine: Bools, codes: Codes, kind: str, read: Callable[[bytes], Value]) -> Int64s:
        """The code of each value of a column of encoded ones; -1 where there is none."""
        return self._by_text(
            name, fine, lambda texts: codes(kind, [spelt(read(text)) for text in texts], MOST_VALUES), LONGEST
        )

    def present(self, name: str) -> Bools:
        """Where a column has a value."""
        return np.asarray(self._columns.valid[self._layout[name].index, : self._n] != 0)

    def at(self, name: str) -> tuple[Int64s, Int64s]:
        """Address and length of a column's texts."""
        slot = self._layout[name].slot
        return self._columns.address[slot, : self._n], self._columns.length[slot, : self._n]

    def _by_text(
        self, name: str, fine: Bools, say: Callable[[list[bytes]], list[int]], longest: int | None = None
    ) -> Int64s:
        address, length = self.at(name)
        asked = fine & self.present(name)
        if longest is not None:
            asked &= length <= longest
        texts, which = distinct(address, np.where(asked, length, -1))
        return np.array([*say(texts), -1], np.int64)[which]


def spelt(value: Value) -> str:
    """A segment's value as a text: numbers as Python writes them."""
    return value if isinstance(value, str) else repr(value)
