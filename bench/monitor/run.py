"""``python -m bench monitor``: every part of it in turn, each size in a process of its own, and the tables."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from rich.console import Group
from rich.table import Table

from bench.effort import Effort
from bench.errors import BenchError
from bench.monitor import peers, records
from bench.monitor.days import Used, draw
from bench.monitor.rates import PREDICTED, Rates

LEAST, STEPS = 2, 8
PLOT = "monitor-days.svg"
PEER_ROWS = 50_000


def run(effort: Effort) -> Group:
    """Measure; raises ``BenchError`` where a result is not what it should be."""
    return Group(_rates(effort), _days(effort), _records(effort), _peers(effort))


def _rates(effort: Effort) -> Table:
    table = Table(
        "pending", "predictions/s", "labels/s", "both at once", "s", "CPU s", "snapshot, s", "file, MB", "memory, MB",
        title=f"monitor: join, duplicate checks, deletion, four segments, the judge; up to {STEPS} steps of each sort",
    )  # fmt: skip
    for pending in effort.pending:
        steps = max(LEAST, min(STEPS, pending // (5 * PREDICTED)))  # few of whole size rather than many small ones
        [found] = [Rates(**line) for line in _lines("rates", str(pending), str(steps))]
        effort.say(f"monitor: {found}")
        predicted, labelled, both = map(statistics.median, (found.predicted, found.labelled, found.both))
        rates = f"{found.predictions / predicted:,.0f}", f"{found.labels / labelled:,.0f}"
        sizes = f"{found.file / 1e6:,.0f}", f"{found.most / 1e6:,.0f}"
        rows = f"{found.predictions:,} and {found.labels:,}"
        table.add_row(f"{pending:,}", *rates, rows, f"{both:.2f}", f"{found.cpu:.2f}", f"{found.published:.2f}", *sizes)
    return table


def _days(effort: Effort) -> Table:
    found: list[Used] = []
    for line in _lines("days", str(effort.days), str(effort.daily)):
        found.append(Used(**line))
        effort.say(f"monitor: {found[-1]}")
    file = effort.folder / PLOT
    file.parent.mkdir(parents=True, exist_ok=True)
    draw(found, file)
    table = Table(
        "after days", "file, MB", "snapshot, MB", "memory, MB",
        title=f"monitor: {effort.days} days of {effort.daily:,} events; drawn in {file}",
    )  # fmt: skip
    for one in found[max(1, len(found) // 6) - 1 :: max(1, len(found) // 6)]:
        sizes = (one.file, one.snapshot, one.memory)
        table.add_row(str(one.day), *(f"{size / 1e6:,.1f}" for size in sizes))
    return table


def _records(effort: Effort) -> Table:
    table = Table("", "bytes", "CPU µs/record", "fastavro µs", "ratio", title="monitor: records become rows")
    for name, size, pair in records.compare(effort):
        table.add_row(name, str(size), f"{pair.ours:.2f}", f"{pair.theirs:.1f}", f"{pair.ratio:.0f}")
    return table


def _peers(effort: Effort) -> Table:
    table = Table(
        "",
        "rows",
        "CPU µs/row",
        "ratio",
        title="monitor: accuracy, precision, recall, log loss and AUC of the same rows",
    )
    for one in peers.compare(effort, min(PEER_ROWS, effort.events)):
        table.add_row(one.name, f"{one.rows:,}", f"{one.micros:.2f}", f"{one.ratio:.0f}")
    return table


def _lines(part: str, *arguments: str) -> Iterator[dict[str, Any]]:
    """What a part prints in a process of its own, line by line; raises ``BenchError`` where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", f"bench.monitor.{part}", *arguments, folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                for line in process.stdout or ():
                    yield json.loads(line)
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise BenchError(f"{' '.join(command[2:-1])} ended with {process.returncode}; see above")
