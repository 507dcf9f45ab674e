"""The outcomes of closed cohorts, as they are stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from duckdb import DuckDBPyConnection

from monitor.rows import HELD_LABEL, HOUR, LABELS, PREDICTIONS, Layout, Rows, count
from monitor.store import cohorts, tables
from monitor.store.settling import in_order, with_implicit, with_labels


@dataclass(frozen=True, slots=True)
class Cohort:
    """A closed cohort: its ``hour`` in microseconds since the epoch, and its outcomes, ordered (``in_order``)."""

    hour: int
    outcomes: Rows


@dataclass(frozen=True, slots=True)
class Closed:
    """Reads them; ``days`` by kind are those that have a table, ``implicit`` is as ``State`` has it."""

    connection: DuckDBPyConnection
    days: Mapping[str, set[int]]
    layout: Layout
    implicit: float | None

    def cohorts(self, hours: Sequence[int], rows: int) -> Iterator[Cohort]:
        """Those of these hours, one after another; about so many ``rows`` are read at once."""
        sizes = tables.hours(self.connection, min(hours, default=0), max(hours, default=-HOUR) + HOUR)
        for group in cohorts.together([size for size in sizes if size[0] in set(hours)], rows):
            begin, end = group[0], group[-1] + HOUR
            types = self.layout.prediction
            outcomes = self._labelled(tables.between(self.connection, self.days[PREDICTIONS], begin, end, types))
            begins = np.searchsorted(outcomes["time"], np.array([*group, end]))
            for n, hour in enumerate(group):
                yield Cohort(hour, {name: column[begins[n] : begins[n + 1]] for name, column in outcomes.items()})

    def alike(self, rows: Rows, column: str) -> Rows:
        """Those that lie in the same hour as one of ``rows``, and have its value in ``column``."""
        return self._labelled(
            tables.alike(self.connection, self.days[PREDICTIONS], rows, column, self.layout.prediction)
        )

    def _labelled(self, predictions: Rows) -> Rows:
        """Predictions as outcomes, in their order."""
        with tables.ids(self.connection, predictions):
            labels = tables.held(self.connection, LABELS, self.days[LABELS], HELD_LABEL)
        outcomes = with_labels(predictions, labels)
        return in_order(with_implicit(outcomes, self.implicit, np.ones(count(outcomes), bool)))
