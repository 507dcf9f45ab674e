"""What predictions and labels look like on their way into the state and out of it: columns of numbers of one length.

Times are microseconds since the epoch, UTC, of the event or the label. Text (versions, classes, segments) comes as
codes that ``Step.codes`` gives out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = dict[str, NDArray[Any]]
"""Columns by name, each ``(n,)``; their dtypes are those of ``Layout``."""

Int64s: TypeAlias = NDArray[np.int64]
UInt64s: TypeAlias = NDArray[np.uint64]
Bools: TypeAlias = NDArray[np.bool_]

EVENTS: Final = "events"
RETRY: Final = "retry"
PREDICTIONS: Final = "predictions"
LABELS: Final = "labels"
DEAD_LETTERS: Final = "dead_letters"
AUDIT: Final = "audit"

TOPICS: Final = (EVENTS, RETRY, PREDICTIONS, LABELS, DEAD_LETTERS, AUDIT)
"""What the state calls the topics, whatever their names in Kafka: the keys of the settings ``[topics]``."""

SHADOW: Final = 2
"""The ``role`` of a challenger's predictions, which were made of the events themselves."""

HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR

IDS: Final = {"id_high": "u8", "id_low": "u8"}
PREDICTION: Final = {
    **IDS,
    "version": "i4",
    "source_topic": "i2",
    "source_partition": "i4",
    "source_offset": "i8",
    "partition": "i4",
    "position": "i8",
    "time": "i8",
}
LABEL: Final = {
    **IDS,
    "partition": "i4",
    "position": "i8",
    "time": "i8",
    "revision": "i8",
    "value": "f8",
    "retracted": "?",
}
HELD_LABEL: Final = {**LABEL, "matched": "?", "until": "i8"}
OUTCOME: Final = {"labelled": "?", "implicit": "?", "value": "f8", "label_time": "i8"}
"""What an outcome has besides its prediction; ``value`` and ``label_time`` are 0 where it is not ``labelled``."""

SQL_TYPES: Final = {
    "?": "BOOLEAN", "i1": "TINYINT", "i2": "SMALLINT", "i4": "INTEGER", "i8": "BIGINT", "u8": "UBIGINT", "f8": "DOUBLE",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a state. ``carried`` are those that go from a prediction to its outcome untouched: score, class,
    role, segments; name → dtype, one of ``SQL_TYPES``."""

    carried: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        taken = {*PREDICTION, *HELD_LABEL, *OUTCOME, "refused", "sign"} & set(self.carried)
        unknown = set(self.carried.values()) - set(SQL_TYPES)
        if taken or unknown:
            raise ValueError(f"columns {sorted(taken)} are taken, types {sorted(unknown)} are not known")

    @property
    def prediction(self) -> dict[str, str]:
        """Columns of a prediction."""
        return {**PREDICTION, **self.carried}


def shaped(rows: Mapping[str, NDArray[Any]], columns: Mapping[str, str]) -> Rows:
    """These columns of ``rows``, of their dtypes. Raises KeyError and ValueError where columns or lengths differ."""
    found = {name: np.ascontiguousarray(rows[name], dtype) for name, dtype in columns.items()}
    if len({len(column) for column in found.values()}) > 1:
        raise ValueError(f"columns have {[len(column) for column in found.values()]} rows")
    return found


def empty(columns: Mapping[str, str]) -> Rows:
    """No row of these columns."""
    return {name: np.empty(0, dtype) for name, dtype in columns.items()}


def kinds(rows: Rows) -> Int64s:
    """What tells predictions of one id apart, int64 ``(n,)``: the version, and whether it was scored in the shadow. A
    version may be a challenger when an event is scored, and have become the champion by the time of its prediction."""
    return np.asarray(rows["version"].astype(np.int64) * 2 + shadowed(rows))


def shadowed(rows: Rows) -> Bools:
    """Which predictions are a challenger's, and count for nobody, ``(n,)``."""
    return rows["role"] == SHADOW if "role" in rows else np.zeros(len(rows["version"]), bool)


def count(rows: Rows) -> int:
    """How many rows there are."""
    return len(rows["id_high"])


def take(rows: Rows, which: NDArray[Any]) -> Rows:
    """The rows at these indices, or under this mask."""
    places = np.flatnonzero(which) if which.dtype == np.bool_ else which  # a mask is gone through once, not by column
    return {name: column.take(places) for name, column in rows.items()}


def distinct(numbers: Int64s) -> tuple[Int64s, Int64s]:
    """The numbers ``(n,)`` that occur, rising, and for each row which of them it is."""
    if not len(numbers):
        return numbers, numbers
    low, high = int(numbers.min()), int(numbers.max())
    if high - low > 4 * len(numbers) + 1000:
        found, place = np.unique(numbers, return_inverse=True)
        return found, place
    present = np.zeros(high - low + 1, np.bool_)  # close together, as codes and hours are: sorting takes far longer
    present[numbers - low] = True
    return np.flatnonzero(present) + low, (np.cumsum(present) - 1)[numbers - low]


def joined(parts: Iterable[Rows], columns: Mapping[str, str]) -> Rows:
    """Rows behind one another."""
    parts = [empty(columns), *parts]
    return {name: np.concatenate([part[name] for part in parts]) for name in columns}
