"""The flights of 2013, end to end: ``python -m demo``.

Starts a Kafka and a Valkey (or uses those that KAFKA_BOOTSTRAP_SERVERS and REDIS_URL name), a scorer with two workers,
a monitor and a mailbox for its alarms; replays the flights from April in time-lapse; flips the champion, sends
malformed records and kills a worker in between; then lets independent readers count, and pandas and scikit-learn check
the monitor's figures. The exit code is 1 where a promise was broken.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd
from rich.console import Console

from demo import account, flights, records, show
from demo.account import Account, Evidence, Watched
from demo.deployment import Deployment
from demo.errors import DemoError
from demo.mailbox import Mailbox
from demo.news import News
from demo.pipelines import BOOSTED
from demo.reader import Reader
from demo.records import Day
from demo.replay import Replay
from demo.show import Show
from demo.verdicts import Verdicts
from sandbox import SandboxError, services

ROOT = Path(__file__).parents[1]
FOLDER = Path("build") / "demo"
LEAST_DAYS, DAYS = 6, 275
UNFINISHED, INTERRUPTED = 2, 130
JOB_SECONDS = 120.0


@dataclass(frozen=True)
class Plan:
    """On which day what happens, for a replay of ``days``."""

    days: int

    @property
    def malformed(self) -> tuple[int, int]:
        """The days with records that are no events."""
        return self.days // 6, self.days - self.days // 6

    @property
    def kill(self) -> tuple[int, int]:
        """The day on which a worker is killed, and how many days are published together for it."""
        return self.days // 3, max(1, self.days // 100)

    @property
    def flip(self) -> tuple[int, int]:
        """The first day of the busy stretch in which the champion changes, and its length."""
        return self.days // 2, max(1, self.days // 8)


def main() -> int:
    """Run the demo; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--days", type=int, default=DAYS, help="how many days from April 1 on (%(default)s)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for settings, logs and results (%(default)s)")
    arguments = parser.parse_args()
    if not LEAST_DAYS <= arguments.days <= DAYS:
        parser.error(f"--days must be {LEAST_DAYS} to {DAYS}")
    # A signal ends it as Ctrl-C does: everything that was started is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    try:
        found = run(console, arguments.days, arguments.folder.absolute())
    except (DemoError, SandboxError) as error:
        console.print(f"The demo could not finish: {error}", style="red", markup=False, highlight=False)
        return UNFINISHED
    except KeyboardInterrupt:
        console.print("stopped")
        return INTERRUPTED
    console.print(f"\n{show.table(found.summary)}\n", markup=False, highlight=False, soft_wrap=True)
    for breach in found.broken:
        console.print(f"BROKEN  {breach}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    return int(bool(found.broken))


def run(console: Console, days: int, folder: Path) -> Account:
    """Replay, count, and write the summary."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in ("state", "monitor"):
        shutil.rmtree(folder / left, ignore_errors=True)
    library, rescored = folder / "library.npz", folder / "rescored.json"
    console.print("Training both versions again, for what scikit-learn itself says of every flight", highlight=False)
    with job(folder, "library", str(library)) as trained:
        flown = flights.replayed(flights.load())
        dates = flown["date"].unique()[:days]
        console.print("Starting Kafka and Valkey", highlight=False)
        with services(os.environ) as found:
            with Mailbox(folder / "mails") as mailbox:
                deployment = Deployment(found, folder, mailbox.url)
                watched = watch(console, deployment, mailbox, flown[flown["date"].isin(dates)], Plan(days))
            console.print("Counting, and scoring everything again", highlight=False)
            with job(folder, "rescore", str(deployment.settings), str(rescored)) as again:
                finish(trained, folder / "library.log")
                finish(again, folder / "rescore.log")
            names = deployment.names
            result = account.take(Evidence(found.bootstrap, names, watched, flown, library, rescored))
    (folder / "summary.json").write_text(json.dumps(result.summary, indent=2) + "\n", encoding="utf-8")
    return result


def watch(console: Console, deployment: Deployment, mailbox: Mailbox, flown: pd.DataFrame, plan: Plan) -> Watched:
    """Run scorer and monitor, and replay the flights through them."""
    names, folder = deployment.names, deployment.folder
    with deployment, contextlib.closing(Verdicts(deployment.bootstrap, names["verdicts"])) as verdicts:
        console.print(f"Metrics: {deployment.url}/metrics   logs: {folder}", highlight=False, soft_wrap=True)
        reader = Reader(deployment.bootstrap, names["predictions"], names["dead_letters"], folder / "arrivals.npz")
        with reader, Show(console, plan.days) as shown, contextlib.closing(Replay(deployment, reader)) as replay:
            news = News(shown, verdicts, mailbox)
            publish(replay, records.days(flown), plan, deployment, shown, news)
            closed_before = deployment.judged()
            news.rest()
            report = folder / "report.html"
            deployment.monitor("report", "--period", "month", "--html", str(report))
            shown.say(f"The last month's report: {report}")
            arrivals = reader.arrivals()
    return Watched(replay.facts, arrivals, list(verdicts.latest.values()), closed_before, mailbox.mails, report)


def publish(replay: Replay, days: Iterator[Day], plan: Plan, deployment: Deployment, shown: Show, news: News) -> None:
    """All days, in their order, each with what the plan has for it."""
    number, coming = 0, next(days, None)
    while coming is not None:
        day, number = coming, number + 1
        last = day
        if number in plan.malformed:
            shown.say(f"{day.date}  records that are no events, of {len(replay.malformed(day))} kinds")
        elif number == plan.kill[0]:
            more = [day, *islice(days, plan.kill[1] - 1)]
            number, last = number + len(more) - 1, more[-1]
            replay.kill(more)
            seconds = replay.facts.recovery_seconds
            shown.say(f"{day.date}  SIGKILL to worker {replay.facts.killed}; all scored {seconds:.1f} s later")
        elif number == plan.flip[0]:
            shown.say(f"{day.date}  redis-cli SET {deployment.names.key('champion')} {BOOSTED}, in a busy stretch")
            more = [day, *islice(days, plan.flip[1] - 1)]
            number, last = number + len(more) - 1, more[-1]
            replay.flip(more)
        else:
            replay.publish(day.records)
        coming = next(days, None)  # encoded while the scorer is at work
        replay.wait()
        news.tell()
        shown.day(min(number, plan.days), last.date, replay.facts.events, deployment.pointer("champion"))


@contextlib.contextmanager
def job(folder: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The module ``demo.NAME`` in a process of its own, which does not outlive the block."""
    command = [sys.executable, "-m", f"demo.{name}", *arguments]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def finish(process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for a job. Raises ``DemoError`` where it fails or takes far too long."""
    try:
        code = process.wait(JOB_SECONDS)
    except subprocess.TimeoutExpired:
        raise DemoError(f"{log.stem} is not done after {JOB_SECONDS:g} s; see {log}") from None
    if code:
        raise DemoError(f"{log.stem} failed; see {log}")


if __name__ == "__main__":
    sys.exit(main())
