"""Lists, such as those of a query: which of them late labels change, as they were and as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from monitor.rows import Rows, joined, kinds, take

Alike = Callable[[Rows, str], Rows]
"""Of closed cohorts, the outcomes that lie in the same hour as one of the rows, and have its value in that column."""


def lists_changed(changes: Rows, alike: Rows) -> Rows:
    """Lists as they were before ``changes``, to be taken back, and as they are; ``alike`` is what is in them now."""
    both = [_known(changes), _known(alike)]
    beside = take(alike, ~np.isin(both[1], both[0]))
    ones = np.ones(len(beside["time"]), np.int8)
    types = {name: column.dtype.str for name, column in changes.items()}
    return joined([{**beside, "sign": -ones}, {**beside, "sign": ones}, changes], types)


def _known(rows: Rows) -> NDArray[np.void]:
    """By what a prediction is known: its id, version, and whether it was made in the shadow."""
    columns = (rows["id_high"], rows["id_low"], kinds(rows).astype(np.uint64))
    return np.ascontiguousarray(np.stack(columns, axis=1)).view([("", "u8")] * 3).ravel()
