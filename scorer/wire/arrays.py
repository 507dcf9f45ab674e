"""How the compiled entries of this room are typed, and the decorator for the helpers behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from numba import types

from scorer.batch import Columns

F = TypeVar("F", bound=Callable[..., Any])

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


def borrowing(function: F) -> F:
    """A helper for compiled code that only borrows its arrays: no reference counts, no allocation.

    Counting references costs two atomic operations per array and call; for helpers that take a dozen arrays and run a
    block of rows, that was three quarters of the time of decoding.
    """
    return cast("F", numba.njit(nogil=True, error_model="numpy", fastmath=False, _nrt=False)(function))
