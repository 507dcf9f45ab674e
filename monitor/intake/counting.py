"""Rows counted by columns, on their way to the counts beside the outcomes. Pure."""

from __future__ import annotations

import numpy as np

from monitor.rows import Int64s, Rows, distinct


def counted(keys: Rows, n: Int64s | None = None) -> Rows:
    """How many rows there are of each combination of these columns of whole numbers: the columns, and ``n``.

    ``n`` ``(rows,)`` is how often each row counts, once where it is ``None``. What counts 0 is left out.
    """
    parts = {name: distinct(column) for name, column in keys.items()}
    code = np.zeros(len(next(iter(keys.values()))), np.int64)
    for found, which in parts.values():
        code = code * max(1, len(found)) + which
    rest, which = distinct(code)
    sums = np.zeros(len(rest), np.int64)
    np.add.at(sums, which, 1 if n is None else n)
    rest, sums = rest[sums != 0], sums[sums != 0]
    columns = {}
    for name, (found, _) in reversed(parts.items()):
        columns[name], rest = found[rest % max(1, len(found))], rest // max(1, len(found))
    return {**{name: columns[name] for name in keys}, "n": sums}
