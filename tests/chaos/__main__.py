"""``python -m tests.chaos --seeds N``: seeded chaos runs, one after the other, with a line for each."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from pathlib import Path

from sandbox import Kafka, Valkey
from tests.chaos.run import BROKER, Chaos, Outcome, describe
from tests.chaos.schedule import Schedule, draw


def main() -> int:
    """Run them; the exit code is 1 if any promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--record", type=Path, help="append the result to this file, as a table in Markdown")
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    failed: list[int] = []
    began = time.monotonic()
    with Kafka.start(settings=BROKER) as kafka, Valkey.start() as valkey:
        for seed in range(options.first, options.first + options.seeds):
            schedule = draw(seed)
            print(f"seed {seed}: {describe(schedule)}", flush=True)
            outcome = attempt(schedule, kafka, valkey)
            if outcome is None or outcome.broken:
                failed.append(seed)
            if outcome is not None:
                outcomes.append(outcome)
    line = summary(options.first, options.seeds, outcomes, failed, time.monotonic() - began)
    print(line)
    if options.record is not None:
        with options.record.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    return 1 if failed else 0


def attempt(schedule: Schedule, kafka: Kafka, valkey: Valkey) -> Outcome | None:
    """One run, with a line of what came of it; ``None`` where it did not come to an end."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            outcome = Chaos(schedule, Path(directory), kafka, valkey).run()
        except AssertionError:
            traceback.print_exc()
            return None
    count = outcome.count
    print(
        f"seed {schedule.seed}: {count.events} events, {count.predictions} predictions, {count.dead_letters} dead "
        f"letters, broken: {outcome.broken or 'nothing'}, recovered in {outcome.recovery:.1f} s, "
        f"{outcome.seconds:.1f} s",
        flush=True,
    )
    return outcome


def summary(first: int, seeds: int, outcomes: list[Outcome], failed: list[int], seconds: float) -> str:
    """One line of the record."""
    events = sum(outcome.count.events for outcome in outcomes)
    steps = sum(len(outcome.schedule.steps) for outcome in outcomes)
    lost, doubled = (sum(getattr(outcome.count, name) for outcome in outcomes) for name in ("lost", "doubled"))
    wrong = sum(outcome.wrong_score for outcome in outcomes)
    slowest = max((outcome.recovery for outcome in outcomes), default=0.0)
    return (
        f"| {first} to {first + seeds - 1} | {events:,} | {steps:,} | {lost} | {doubled} | {wrong} | {slowest:.1f} s | "
        f"{', '.join(map(str, failed)) or 'none'} | {seconds / 60:.0f} min |"
    )


if __name__ == "__main__":
    sys.exit(main())
