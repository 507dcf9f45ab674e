"""How long ``scorer run`` takes from its start until /ready says so, with one worker on an empty topic.

Once without any machine code on disk, as after an installation or an update: everything is compiled. Then with what
that start has left. Python's own compiled files are there in both. Ready means: a version is admitted, the group
joined. Seconds by the clock, and of processor time of all processes of the tree.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from bench.effort import Effort
from bench.errors import BenchError
from bench.machine import Tree
from bench.stage import Stage

WITHOUT, WITH = "without machine code on disk", "with machine code on disk"

_PATIENCE = 600.0
_PAUSE = 0.01


@dataclass(frozen=True)
class Started:
    """One start: seconds by the clock and of processor time, and how many files of machine code it wrote."""

    seconds: float
    cpu: float
    compiled: int


def run(stage: Stage, effort: Effort, prepared: Path | None = None) -> Table:
    """Start for a few rounds; with ``prepared``, a cache of machine code, only from that.

    Raises ``BenchError`` where code was compiled that should have been there, or not compiled that should not.
    """
    found: dict[str, list[Started]] = {}
    for number in range(effort.rounds):
        cache = prepared or stage.folder / f"cache-{number}"
        for way in (WITH,) if prepared else (WITHOUT, WITH):
            started = measure(stage, cache)
            effort.say(f"startup, round {number + 1}: {way}: {started.seconds:.2f} s, CPU {started.cpu:.2f} s")
            if (started.compiled > 0) != (way == WITHOUT):
                raise BenchError(f"a start {way} wrote {started.compiled} files of it to {cache}")
            found.setdefault(way, []).append(started)
    table = Table("", "s", "CPU s", title=f"startup: from start to ready, 1 worker, {effort.rounds} rounds")
    for way, starts in found.items():
        seconds, cpu = (statistics.median(values) for values in zip(*((s.seconds, s.cpu) for s in starts), strict=True))
        table.add_row(way, f"{seconds:.2f}", f"{cpu:.2f}")
    return table


def measure(stage: Stage, cache: Path) -> Started:
    """Start once with machine code in ``cache``, which may be empty or not be there."""
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    environment.pop("NUMBA_CACHE_DIR", None)
    with stage.run("startup", "exactly-once") as one:
        before, began = _files(cache), time.perf_counter()
        pid = one.start_scorer(environment)
        one.await_ready(_PAUSE, _PATIENCE)
        seconds, cpu = time.perf_counter() - began, Tree(pid).cpu()
    return Started(seconds, cpu, len(_files(cache) - before))


def _files(cache: Path) -> set[tuple[Path, int]]:
    """Machine code in a cache, each file with the time at which it was written."""
    return {(file, file.stat().st_mtime_ns) for file in cache.glob("scorer/**/*.nbc")}
