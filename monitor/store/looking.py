"""What the owner of the state asks it at every tick."""

from __future__ import annotations

from typing import NamedTuple

from duckdb import DuckDBPyConnection

from monitor.store.counters import Flip


class Failed(NamedTuple):
    """How many events a challenger could not score, and the most frequent reason."""

    version: str
    events: int
    reason: str


def covered(connection: DuckDBPyConnection, begin: int, end: int) -> dict[str, tuple[int, int]]:
    """Predictions and labelled ones of the cohorts from ``begin`` up to ``end``, by version."""
    rows = connection.execute(
        "SELECT names.name, sum(predictions)::BIGINT, sum(labelled)::BIGINT FROM coverage "
        "JOIN names ON names.kind = 'version' AND names.code = coverage.version "
        "WHERE hour >= ? AND hour < ? GROUP BY names.name ORDER BY names.name",
        [begin, end],
    ).fetchall()
    return {version: (predictions, labelled) for version, predictions, labelled in rows}


def failures(connection: DuckDBPyConnection, begin: int, end: int) -> list[Failed]:
    """What challengers could not score of the events from ``begin`` up to ``end``."""
    rows = connection.execute(
        "SELECT version, sum(n)::BIGINT, arg_max(reason, n) FROM "
        "(SELECT version, reason, sum(n)::BIGINT AS n FROM failures WHERE hour >= ? AND hour < ? "
        "GROUP BY ALL ORDER BY ALL) "
        "GROUP BY version ORDER BY version",
        [begin, end],
    ).fetchall()
    return [Failed(*row) for row in rows]


def flips(connection: DuckDBPyConnection) -> list[Flip]:
    """The last that each scorer process did about each pointer."""
    rows = connection.execute(
        "SELECT time, pointer, version, ok, reason, instance FROM flips ORDER BY time, pointer, version, instance"
    ).fetchall()
    latest = {(flip.pointer, flip.instance): flip for flip in (Flip(*row) for row in rows)}
    return list(latest.values())
