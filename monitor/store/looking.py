"""What the owner of the state asks it at every tick."""

from __future__ import annotations

from typing import NamedTuple

from duckdb import DuckDBPyConnection

from monitor.stats.shares import Counted
from monitor.store.counters import Flip


class Failed(NamedTuple):
    """How many events a challenger could not score, and the most frequent reason."""

    version: str
    events: int
    reason: str


def covered(connection: DuckDBPyConnection, begin: int, end: int, *, shadow: bool) -> dict[str, tuple[int, int]]:
    """Predictions and labelled ones of the cohorts from ``begin`` up to ``end``, by version; challengers' in the
    ``shadow``, else those that count."""
    rows = connection.execute(
        "SELECT names.name, sum(predictions)::BIGINT, sum(labelled)::BIGINT FROM coverage "
        "JOIN names ON names.kind = 'version' AND names.code = coverage.version "
        "WHERE hour >= ? AND hour < ? AND shadow = ? GROUP BY names.name ORDER BY names.name",
        [begin, end, int(shadow)],
    ).fetchall()
    return {version: (predictions, labelled) for version, predictions, labelled in rows}


def failures(connection: DuckDBPyConnection, begin: int, end: int) -> list[Failed]:
    """What challengers could not score of the events from ``begin`` up to ``end``."""
    rows = connection.execute(
        "SELECT versions.name, reasons.name, sum(n)::BIGINT AS events FROM failures "
        "JOIN names versions ON versions.kind = 'version' AND versions.code = failures.version "
        "JOIN names reasons ON reasons.kind = 'reason' AND reasons.code = failures.reason "
        "WHERE hour >= ? AND hour < ? GROUP BY ALL ORDER BY versions.name, events DESC, reasons.name",
        [begin, end],
    ).fetchall()
    found: dict[str, Failed] = {}
    for version, reason, events in rows:
        first = found.get(version)
        found[version] = Failed(version, events + (first.events if first else 0), first.reason if first else reason)
    return list(found.values())


def counted(connection: DuckDBPyConnection, begin: int, end: int) -> Counted:
    """Predictions, dead letters and latencies of all events from ``begin`` up to ``end``, challengers' left out."""
    latency = connection.execute(
        "SELECT hour, bin, sum(n)::BIGINT FROM latency WHERE hour >= ? AND hour < ? GROUP BY ALL", [begin, end]
    ).fetchall()
    letters = connection.execute(
        "SELECT hour, sum(n)::BIGINT FROM letters WHERE hour >= ? AND hour < ? GROUP BY ALL", [begin, end]
    ).fetchall()
    predictions: dict[int, int] = {}
    for hour, _, n in latency:
        predictions[hour] = predictions.get(hour, 0) + n
    return Counted(predictions, dict(letters), {(hour, at): n for hour, at, n in latency})


def flips(connection: DuckDBPyConnection) -> list[Flip]:
    """The last that each scorer process did about each pointer."""
    rows = connection.execute(
        "SELECT time, pointer, version, ok, reason, instance FROM flips ORDER BY time, pointer, version, instance"
    ).fetchall()
    latest = {(flip.pointer, flip.instance): flip for flip in (Flip(*row) for row in rows)}
    return list(latest.values())
