"""The parent of the workers: starts them, restarts those that crash, answers for all of them over HTTP.

Workers are forked from a server process that has already imported everything and has no threads, so a crashed worker
is back in a fraction of a second; its static membership then gives it its partitions without a rebalance.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from types import FrameType

from scorer.errors import STUCK, Fenced, OffsetsLost, SchemaError, ScorerError, SettingsError, TooManyDeadLetters
from scorer.observe.http import Server, for_machines
from scorer.observe.metrics import Fleet, Tally, expose
from scorer.observe.report import Report
from scorer.service.spawn import work
from scorer.settings import Settings

LOGGER = logging.getLogger(__name__)

# Errors that would only come again: the whole tree stops with their exit code.
FINAL: tuple[type[ScorerError], ...] = (SettingsError, SchemaError, Fenced, OffsetsLost, TooManyDeadLetters)

BACK_OFF_SECONDS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
STEADY_SECONDS = 60.0
SILENT_SECONDS = 15.0
GRACE_SECONDS = 5.0


@dataclass(slots=True)
class Child:
    """A living worker process."""

    process: ForkServerProcess
    connection: Connection
    started: float
    heard: float
    report: Report


@dataclass(slots=True)
class Slot:
    """One place for a worker, and whoever fills it."""

    number: int
    child: Child | None = None
    start_at: float = 0.0
    crashes: int = 0
    why: str = "starting"
    past: Tally = field(default_factory=Tally)

    def crashed(self, why: str, lived: float, now: float) -> float:
        """Note that a worker that had lived for so many seconds crashed at ``now``; how long to wait with the next.

        One that had lived for a minute is started again at once; one that crashes soon, after longer and longer pauses.
        """
        self.crashes = 0 if lived >= STEADY_SECONDS else self.crashes
        pause = BACK_OFF_SECONDS[min(self.crashes, len(BACK_OFF_SECONDS) - 1)]
        self.crashes, self.start_at = self.crashes + 1, now + pause
        self.why = f"crashed, about to be started again: {why}"
        self.past.count("scorer_worker_restarts")
        return pause


class Supervisor:
    """Runs ``settings.scorer.workers`` workers until SIGTERM or SIGINT."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._slots = [Slot(number) for number in range(settings.scorer.workers)]
        self._fleet = Fleet()
        self._stopping = False
        self._exit_code = 0
        self._context = multiprocessing.get_context("forkserver")

    def run(self) -> int:
        """Supervise until told to stop, or until a worker ends in a way that restarting cannot mend; the exit code."""
        pages = for_machines(self._health, self._ready, lambda: expose(self._fleet))
        server = Server(self._settings.scorer.http, pages, setting="scorer.http")
        # Inherited by the fork server: matrix products are not in the scoring path, idle BLAS threads only cost.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        self._context.set_forkserver_preload(["__main__", "scorer.service.fork_server"])
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        server.start()
        LOGGER.info("http://%s answers /health, /ready and /metrics", server.address)
        try:
            while not self._stopping:
                self._start_due()
                self._listen(0.2)
            self._end()
        finally:
            server.stop()
            for slot in self._slots:
                if slot.child is not None:
                    slot.child.process.kill()
        return self._exit_code

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _start_due(self) -> None:
        for slot in self._slots:
            if slot.child is None and time.monotonic() >= slot.start_at:
                self._start(slot)

    def _start(self, slot: Slot) -> None:
        ours, theirs = self._context.Pipe(duplex=False)
        arguments = (self._settings, slot.number, theirs)
        process = self._context.Process(target=work, args=arguments, name=f"worker-{slot.number}")
        try:
            process.start()
        except OSError as error:
            if "AF_UNIX path too long" not in str(error):
                raise
            raise SettingsError(
                f"the path of the directory for temporary files, {tempfile.gettempdir()}, is too long for a socket in "
                "it; set TMPDIR to a shorter one"
            ) from error
        theirs.close()
        now = time.monotonic()
        slot.child = Child(process, ours, now, now, Report(slot.number, process.pid or 0))
        LOGGER.info("worker %d started, process %s", slot.number, process.pid)

    def _listen(self, seconds: float) -> None:
        """Take in reports and ends for up to so long."""
        sources: dict[Connection | int, tuple[Slot, Child]] = {}
        for slot in self._slots:
            if slot.child is not None:
                child = slot.child
                sources |= {child.connection: (slot, child), child.process.sentinel: (slot, child)}
        for source in wait(list(sources), timeout=seconds):
            slot, child = sources[source]  # type: ignore[index]  # wait returns what it was given
            self._hear(slot, child)
            if isinstance(source, int):
                self._bury(slot, child)

    def _hear(self, slot: Slot, child: Child) -> None:
        try:
            while child.connection.poll():
                child.report, child.heard = child.connection.recv(), time.monotonic()
        except (EOFError, OSError):
            return  # the worker is ending; its sentinel tells the rest
        self._count(slot, child.report.tally)

    def _count(self, slot: Slot, present: Tally) -> None:
        """Show what the present worker has counted on top of what its predecessors had."""
        tally = Tally(gauges=present.gauges)
        tally.add(present)
        tally.add(slot.past)
        self._fleet.tallies[str(slot.number)] = tally

    def _bury(self, slot: Slot, child: Child) -> None:
        """A worker has ended: keep what it counted, and decide what follows."""
        child.process.join()
        slot.past.add(child.report.tally)
        slot.child = None
        self._follow(slot, child)
        self._count(slot, Tally(gauges={("scorer_ready", ()): 0.0}))  # the dead have no lag and no champion

    def _follow(self, slot: Slot, child: Child) -> None:
        """Note why the worker has ended; start the next one, soon or later, or stop altogether."""
        code = child.process.exitcode or 0
        why = child.report.failure or _ending(code)
        if self._stopping:
            LOGGER.log(logging.ERROR if code else logging.INFO, "worker %d: %s", slot.number, why)
            # Signals as shells tell them: 9 alone would mean OffsetsLost.
            self._exit_code = self._exit_code or (128 - code if code < 0 else code)
            return
        if code in {error.exit_code for error in FINAL}:
            LOGGER.error("worker %d: %s", slot.number, why)
            LOGGER.error("a restart would not mend this: the whole process tree stops")
            self._stopping, self._exit_code = True, code
            return
        now = time.monotonic()
        pause = slot.crashed(why, now - child.started, now)
        LOGGER.error("worker %d: %s; it is started again in %.0f s", slot.number, why, pause)

    def _end(self) -> None:
        """Let the workers finish and commit; those that take longer than they may are killed."""
        LOGGER.info("stopping: the workers finish, commit and leave")
        deadline = time.monotonic() + self._settings.scorer.shutdown_seconds + GRACE_SECONDS
        while any(slot.child for slot in self._slots) and time.monotonic() < deadline:
            for slot in self._slots:
                if slot.child is not None:
                    slot.child.process.terminate()  # again and again: a worker that is just starting ignores it
            self._listen(0.2)
        for slot in self._slots:
            if slot.child is not None:
                LOGGER.error("worker %d did not leave in time and is killed", slot.number)
                self._exit_code = self._exit_code or STUCK

    def _health(self) -> tuple[bool, dict[str, object]]:
        """Alive: no worker has been silent for long. What is merely not ready must not be restarted."""
        now = time.monotonic()
        children = {slot.number: child for slot in self._slots if (child := slot.child) is not None}
        silent = [number for number, child in children.items() if now - child.heard > SILENT_SECONDS]
        return not silent, {"silent_workers": silent}

    def _ready(self) -> tuple[bool, dict[str, object]]:
        workers = [_standing(slot, slot.child) for slot in self._slots]
        return not any(worker["not_ready"] for worker in workers), {"workers": workers}


def _standing(slot: Slot, child: Child | None) -> dict[str, object]:
    if child is None:
        return {"worker": slot.number, "not_ready": [slot.why]}
    names = ("state", "not_ready", "champion", "trial", "source", "partitions", "lag", "refusal")
    return {"worker": slot.number} | {name: getattr(child.report, name) for name in names}


def _ending(code: int) -> str:
    """An exit code in words."""
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
