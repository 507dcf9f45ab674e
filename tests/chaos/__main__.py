"""``python -m tests.chaos --seeds N``: seeded chaos runs, a few beside each other, with a line for each.

What the processes of a failed run have logged stays in build/chaos.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
import traceback
from concurrent.futures import as_completed
from pathlib import Path

from tests.chaos.lanes import LANES, folder, running
from tests.chaos.run import Outcome, describe
from tests.chaos.schedule import draw

FOLDER = Path("build") / "chaos"


def main() -> int:
    """Run them; the exit code is 1 if any promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds (%(default)s)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (%(default)s)")
    parser.add_argument("--lanes", type=int, default=LANES, help="how many beside each other (%(default)s)")
    parser.add_argument("--record", type=Path, help="append the result to this file, as a line of a table in Markdown")
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    failed: list[int] = []
    began = time.monotonic()
    seeds = range(options.first, options.first + options.seeds)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with running(seeds, options.lanes, FOLDER.absolute()) as runs:
        seed_of = {run: seed for seed, run in runs.items()}
        for run in as_completed(seed_of):
            seed = seed_of[run]
            print(f"seed {seed}: {describe(draw(seed))}")
            error = run.exception()
            if error is not None:
                traceback.print_exception(error)
                failed.append(seed)
                continue
            outcomes.append(run.result())
            print(f"seed {seed}: {told(outcomes[-1])}", flush=True)
            if outcomes[-1].broken:
                failed.append(seed)
            else:
                shutil.rmtree(folder(FOLDER, seed))
    line = summary(options.first, options.seeds, outcomes, failed, time.monotonic() - began)
    print(line)
    if options.record is not None:
        with options.record.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    return 1 if failed else 0


def told(outcome: Outcome) -> str:
    """What came of a run."""
    count = outcome.count
    where = f" ({dict(count.examples)})" if outcome.broken else ""
    return (
        f"{count.events} events, {count.predictions} predictions, {count.dead_letters} dead letters, "
        f"broken: {outcome.broken or 'nothing'}{where}, recovered in {outcome.recovery:.1f} s, {outcome.seconds:.1f} s"
    )


def summary(first: int, seeds: int, outcomes: list[Outcome], failed: list[int], seconds: float) -> str:
    """One line of the record."""
    events = sum(outcome.count.events for outcome in outcomes)
    steps = sum(len(outcome.schedule.steps) for outcome in outcomes)
    lost, doubled = (sum(getattr(outcome.count, name) for outcome in outcomes) for name in ("lost", "doubled"))
    wrong = sum(outcome.wrong_score for outcome in outcomes)
    slowest = max((outcome.recovery for outcome in outcomes), default=0.0)
    return (
        f"| {first} to {first + seeds - 1} | {events:,} | {steps:,} | {lost} | {doubled} | {wrong} | {slowest:.1f} s | "
        f"{', '.join(map(str, sorted(failed))) or 'none'} | {seconds / 60:.0f} min |"
    )


if __name__ == "__main__":
    sys.exit(main())
