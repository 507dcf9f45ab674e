"""Runs a world in processes that are killed, each going on where the file says. A program of its own, which forks them.

``python -m tests.monitor.store.killed FILE SEED KILLS``: the nth process dies before or after a statement to DuckDB,
chosen at random, or at a random moment, as in the middle of a commit; the one after the last kill runs to the end.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from duckdb import DuckDBPyConnection

from monitor.store import schema
from tests.monitor.store.run import Seen, opened, steps
from tests.monitor.store.world import shuffled, world

WORLD = 7
INTERVALS = 8


class Dying:
    """A connection whose process is killed at its nth statement; half of the time after it."""

    def __init__(self, connection: DuckDBPyConnection, left: float, after: bool) -> None:
        self._connection, self._left, self._after = connection, left, after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in ("execute", "executemany", "begin", "commit"):
            return found

        def called(*args: object) -> object:
            self._left -= 1
            if self._left <= 0 and not self._after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = found(*args)
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return called


def one(path: Path, seed: int, statements: float, after: bool, milliseconds: float) -> None:
    """Go on until the end of the world, or of this process."""
    plain = schema.connect
    if milliseconds:
        signal.setitimer(signal.ITIMER_REAL, milliseconds / 1000)  # SIGALRM ends a process at once, unless it asks

    def dying(*args: Any) -> Any:
        return Dying(plain(*args), statements, after)

    with patch.object(schema, "connect", dying):
        opening = opened(path)
    order = partial(shuffled, rng=np.random.default_rng(seed))
    for _ in steps(opening, world(WORLD, intervals=INTERVALS), order, Seen()):
        pass
    opening.close()


def main(path: Path, seed: int, kills: int) -> None:
    """Fork them, one after another."""
    rng = np.random.default_rng(seed)
    died = 0
    for n in range(kills + 1):
        by_time = rng.random() < 0.3
        statements = float(rng.integers(1, 120)) if n < kills and not by_time else float("inf")
        moment = float(rng.uniform(5, 300)) if n < kills and by_time else 0.0
        child = os.fork()
        if child == 0:
            one(path, int(rng.integers(0, 2**32)), statements, bool(rng.random() < 0.5), moment)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        died += os.WIFSIGNALED(status)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            sys.exit(f"process {n} failed")
    sys.stdout.write(f"{died}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
