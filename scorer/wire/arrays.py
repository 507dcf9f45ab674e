"""How the compiled entries of this room are typed."""

from __future__ import annotations

from typing import Any

from numba import types

from scorer.batch import Columns

INT64S = types.int64[::1]
INT32S = types.int32[::1]
BYTES = types.uint8[::1]
TABLE = types.int64[:, ::1]


def tuple_of(cls: type, *members: Any) -> Any:
    """The numba type of a named tuple of arrays."""
    if len(set(members)) == 1:
        return types.NamedUniTuple(members[0], len(members), cls)
    return types.NamedTuple(members, cls)


COLUMNS = tuple_of(Columns, types.float64[:, ::1], TABLE, TABLE, TABLE, types.uint8[:, ::1])
