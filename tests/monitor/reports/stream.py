"""A snapshot of a monitor that has judged a stream, with side counts beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monitor.judge.outputs import KEPT
from monitor.reports.gather import Asked
from monitor.rows import DAY, HOUR
from monitor.stats import trained
from monitor.stats.trained import Trained
from monitor.store.counters import Flip
from monitor.store.state import State
from tests.monitor.judge.world import LAYOUT, OUTPUTS, REQUIREMENTS, SETTING, START, TIMING, Stream, run, stream

ASKED = Asked("flights", REQUIREMENTS, SETTING.alpha)


def published(directory: Path, seed: int = 1, rows: int = 4_000, hours: int = 24 * 9) -> tuple[Path, Stream]:
    """Where the snapshot is, and what the stream was."""
    made = stream(seed, rows, hours)
    run(directory / "state.duckdb", made)
    state = State(directory / "state.duckdb", LAYOUT, TIMING)
    with state.step() as step:
        step.keep(KEPT, OUTPUTS.to_json())
        step.follow("v2", ["v1"])
        step.codes("reason", ["refused_value", "decode_failed"])
        step.codes("input", ["temp", "wind"])
        hour = START + 5 * HOUR
        step.add("letters", _counts(hour=[hour, hour, START + 30 * HOUR], reason=[0, 1, 0], n=[7, 2, 5]))
        step.add("latency", _counts(hour=[hour], version=[0], bin=[3], n=[11]))
        step.add(
            "drift",
            _counts(day=[START // DAY + n for n in (0, 0, 0, 1)], version=[1] * 4, input=[0, 0, 0, 0],
                    bin=[0, 1, -1, 0], n=[900, 300, 40, 5]),
        )  # fmt: skip
        step.keep(
            trained.KEPT,
            Trained("v2", 3_000, (0.0, 0.5, 1.0), ((0.0, 0.5, 1.0),), {"temp": (1000.0, 1000.0, 10.0)}).to_json(),
        )
        step.flipped([Flip(START, "champion", "v2", False, "its digest is wrong", "one")])
    state.publish(directory / "flights.snapshot.duckdb")
    state.close()
    return directory / "flights.snapshot.duckdb", made


def _counts(**columns: list[int]) -> dict[str, np.ndarray]:
    return {name: np.array(values, np.int64) for name, values in columns.items()}
