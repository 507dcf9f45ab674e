"""What the parent makes of workers that end; the processes themselves are in tests/integration/test_tree.py."""

from __future__ import annotations

import multiprocessing
import time
from dataclasses import dataclass
from typing import cast

from prometheus_client.parser import text_string_to_metric_families

from scorer.observe.metrics import Tally, expose
from scorer.observe.report import Report
from scorer.service.supervisor import BACK_OFF_SECONDS, SILENT_SECONDS, STEADY_SECONDS, Child, Slot, Supervisor
from scorer.settings import Settings

SETTINGS = Settings.model_validate({"scorer": {"model": "m"}, "schemas": {"events": {1: "event.avsc"}}})


@dataclass
class Ended:
    """A process that is no more."""

    exitcode: int

    def join(self) -> None:
        """It has ended."""


def test_a_worker_that_keeps_crashing_is_started_less_and_less_often() -> None:
    slot, now, pauses = Slot(0), 1_000.0, []
    for _ in range(10):
        pauses.append(slot.crashed("ended by SIGKILL", 5.0, now))
        assert slot.start_at == now + pauses[-1]
        now = slot.start_at + 5.0
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.0, BACK_OFF_SECONDS[-1])
    assert slot.past.counters["scorer_worker_restarts", ()] == 10
    assert "ended by SIGKILL" in slot.why


def test_a_worker_that_was_steady_is_started_again_at_once() -> None:
    slot = Slot(0)
    for _ in range(5):
        slot.crashed("", 1.0, 0.0)
    assert slot.crashed("", STEADY_SECONDS, 100.0) == 0.0
    assert slot.crashed("", 1.0, 200.0) > 0.0


def test_of_a_dead_worker_the_counts_stay_and_the_gauges_go() -> None:
    supervisor, (reports, _) = Supervisor(SETTINGS), multiprocessing.Pipe(duplex=False)
    slot, report = supervisor._slots[0], Report(0, 1, not_ready=[])
    report.tally.count("scorer_events", by=7)
    report.tally.show("scorer_ready", {(): 1.0})
    report.tally.show("scorer_partition_lag", {("m.events", "0"): 5.0})
    process = cast("multiprocessing.context.ForkServerProcess", Ended(-9))
    slot.child = Child(process, reports, 0.0, 0.0, report)
    assert supervisor._ready()[0]
    supervisor._bury(slot, slot.child)
    good, details = supervisor._ready()
    assert not good
    assert "SIGKILL" in str(details)
    families = text_string_to_metric_families(expose(supervisor._fleet).decode())
    found = {s.name: s.value for family in families for s in family.samples if "latency" not in s.name}
    assert found == {"scorer_events_total": 7, "scorer_ready": 0, "scorer_worker_restarts_total": 1}
    assert slot.past == Tally({("scorer_events", ()): 7, ("scorer_worker_restarts", ()): 1})


def test_a_worker_that_is_killed_while_stopping_is_not_taken_for_an_error_of_ours() -> None:
    supervisor, (reports, _) = Supervisor(SETTINGS), multiprocessing.Pipe(duplex=False)
    child = Child(cast("multiprocessing.context.ForkServerProcess", Ended(-9)), reports, 0.0, 0.0, Report(0, 1))
    supervisor._stopping = True
    supervisor._bury(supervisor._slots[0], child)
    assert supervisor._exit_code == 128 + 9


def test_a_worker_that_no_longer_reports_makes_it_unhealthy_and_is_named() -> None:
    supervisor, now = Supervisor(SETTINGS), time.monotonic()
    process = cast("multiprocessing.context.ForkServerProcess", Ended(0))
    reports, _ = multiprocessing.Pipe(duplex=False)
    assert supervisor._health() == (True, {"silent_workers": []})
    for heard, healthy in ((now, True), (now - SILENT_SECONDS - 1.0, False)):
        supervisor._slots[0].child = Child(process, reports, heard, heard, Report(0, 1))
        assert supervisor._health() == (healthy, {"silent_workers": [] if healthy else [0]})
