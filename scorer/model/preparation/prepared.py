"""The columns of some rows while the plain numpy reference prepares them."""

from __future__ import annotations

from dataclasses import dataclass

from scorer.batch import Bytes, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Columns by name, all of length ``n``: float64 with NaN for missing, or bytes with ``None``; flags uint8 ``(n,)``.

    A step adds the columns that it makes and sets the flags of rows; it changes no column that is there.
    """

    numbers: dict[str, Floats]
    categories: dict[str, list[bytes | None]]
    flags: Bytes
