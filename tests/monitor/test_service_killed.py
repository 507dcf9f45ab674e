"""A monitor that is killed at any point says what one says that nobody killed: the same bits, given the same ticks."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
from redis import Redis

from monitor.judge.incidents import KEPT
from scorer.scoring.models import Models
from tests.integration.deployment import until
from tests.monitor.stage import Stage, flights

KILLS = 8

OTHERWISE = (
    "meta",
    "outbox",
    "commands",
    "ticks",
    "tick_offsets",
    "sources",
    "kept",
    "fresh_predictions",
    "fresh_labels",
)
"""What is of another nature: a replay sends nothing, and what was read after the last tick was not looked at. What is
kept as bytes is compared by name."""

STATISTICS = ("judge", "arrivals", KEPT)
"""Names under which statistics are kept."""


def test_a_monitor_that_is_killed_at_any_point_comes_to_the_same_bits(
    set_up: Callable[..., Stage], redis: Redis
) -> None:
    stage, made, random = (
        set_up(lease_seconds=1.0, tick_seconds=0.05),
        flights(1_200, days=40),
        np.random.default_rng(5),
    )
    stage.crown(redis, "v1")
    stage.challenge(redis, "c1")
    stage.publish_events(made)
    models: list[Models] = [stage.models(stage.scoring(), name, slope) for name, slope in (("v1", 1.0), ("v2", -0.5))]
    values = stage.predict(*models)
    for part in range(KILLS):
        stage.publish_labels(made[part::KILLS])
        stage.publish_predictions(values[part::KILLS])
        stage.publish_predictions(values[: 20 * part])  # again: they count once
        statements, side = int(random.integers(1, 400)), str(random.choice(["before", "after"]))
        command = [sys.executable, "-m", "tests.monitor.dying", str(stage.file), str(statements), side]
        with (stage.directory / "killed").open("ab") as log:
            assert (
                subprocess.run(command, stdout=log, stderr=log, timeout=120, check=False).returncode == -signal.SIGKILL
            )
    with stage.start() as running:
        stage.await_read()
        until(lambda: not any(one.provisional for one in stage.verdicts()), f"something stays open: {running.log}")
        running.stop()
    stage.ask("replay", "--to", str(stage.directory / "again"))
    lived, again = (said(stage.directory / name / f"{stage.model}.duckdb") for name in ("monitor", "again"))
    assert lived.keys() == again.keys()
    for name, rows in lived.items():
        assert rows == again[name], f"{name} differs"
    assert lived["verdicts"], "something was judged"
    assert (
        sum(row[0] for row in rows_of(stage.directory / "monitor" / f"{stage.model}.duckdb", "count(*)", "ticks")) > 0
    )


def said(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """All statistics of a state, table by table."""
    with duckdb.connect(str(file), read_only=True) as state:
        names = [name for (name,) in state.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall()]
        found = {name: state.execute(f"FROM {name} ORDER BY ALL").fetchall() for name in names if name not in OTHERWISE}
        for name in STATISTICS:
            found[f"kept {name}"] = state.execute("SELECT value FROM kept WHERE name = ?", [name]).fetchall()
    return found


def rows_of(file: Path, what: str, table: str) -> list[tuple[int, ...]]:
    with duckdb.connect(str(file), read_only=True) as state:
        return state.execute(f"SELECT {what} FROM {table}").fetchall()  # noqa: S608
