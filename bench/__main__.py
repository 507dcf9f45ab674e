"""Rates, latencies and memory on this machine: ``python -m bench``, or some of it by name.

Starts a Kafka and a Valkey, or uses those that KAFKA_BOOTSTRAP_SERVERS and REDIS_URL name. docs/performance.md says
what each benchmark measures.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console, RenderableType

from bench import batch, codec, flip, kernels, latency, machine, startup, stream
from bench.effort import Effort
from bench.errors import BenchError
from bench.monitor import run as monitor
from bench.stage import Stage
from sandbox import SandboxError, services

ALONE: Mapping[str, Callable[[Effort], RenderableType]] = {
    "codec": codec.run,
    "kernels": kernels.run,
    "batch": batch.run,
    "monitor": monitor.run,
}
ON_KAFKA: Mapping[str, Callable[[Stage, Effort], RenderableType]] = {
    "stream": stream.run,
    "latency": latency.run,
    "flip": flip.run,
    "startup": startup.run,
}
FAILED, INTERRUPTED = 1, 130
WIDTH = 120
"""Where it is not for a terminal to say."""


def main() -> int:
    """Measure and print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = [*ALONE, *ON_KAFKA]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(names)}; default all")
    parser.add_argument("--rounds", type=int, default=Effort.rounds, help="rounds of everything (%(default)s)")
    parser.add_argument("--events", type=int, default=Effort.events, help="events in the stream (%(default)s)")
    parser.add_argument("--seconds", type=float, default=Effort.seconds, help="seconds of steady load (%(default)s)")
    parser.add_argument(
        "--pending",
        type=int,
        nargs="+",
        default=Effort.pending,
        help="predictions that wait in the monitor (%(default)s)",
    )
    parser.add_argument("--days", type=int, default=Effort.days, help="simulated days of the monitor (%(default)s)")
    parser.add_argument("--folder", type=Path, default=Effort.folder, help="for settings, logs, plots (%(default)s)")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(names):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    effort = Effort(
        arguments.rounds, arguments.events, arguments.seconds, pending=tuple(arguments.pending), days=arguments.days,
        folder=arguments.folder.absolute(), say=say,
    )  # fmt: skip
    say(machine.describe())
    try:
        run(console, arguments.names or names, effort)
    except (BenchError, SandboxError) as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def run(console: Console, names: list[str], effort: Effort) -> None:
    """The benchmarks of these names, those that need no services first."""
    for name in [name for name in names if name in ALONE]:
        console.print(ALONE[name](effort))
    chosen = [name for name in names if name in ON_KAFKA]
    if not chosen:
        return
    folder = effort.folder / "kafka"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with services(os.environ) as found:
        stage = Stage(found, folder)
        for name in chosen:
            console.print(ON_KAFKA[name](stage, effort))


if __name__ == "__main__":
    sys.exit(main())
