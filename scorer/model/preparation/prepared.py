"""The columns of some rows while the plain numpy reference prepares them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Bools, Bytes, Floats, Int32s


@dataclass(slots=True, eq=False)
class Prepared:
    """Columns by name, all of length ``n``: float64 with NaN for missing, or bytes with ``None``.

    ``flags`` uint8 and ``missing`` int32 ``(n,)`` are those of ``BoundModel.score``; ``refusals`` counts the numbers
    below which ``missing`` is taken. A step adds the columns that it makes, sets the flags of rows and refuses rows; it
    changes no column that is there.
    """

    numbers: dict[str, Floats]
    categories: dict[str, list[bytes | None]]
    flags: Bytes
    missing: Int32s
    refusals: int

    def refuse(self, rows: Bools) -> None:
        """Refuse ``rows``; to be called as often and in the order in which the step's ``emit`` asks for refusals."""
        self.missing[rows & (self.missing < 0)] = self.refusals
        self.refusals += 1


def code_of(words: list[bytes | None], known: dict[bytes, int], missing: int, unseen: int) -> Floats:
    """The code of each word as float64: that of ``known``, ``missing`` for ``None``, ``unseen`` for any other."""
    return np.array([missing if word is None else known.get(word, unseen) for word in words], np.float64)
