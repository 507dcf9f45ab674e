"""``monitor run``: stand by, read, let time enter, send what follows."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from monitor.commands import Commands
from monitor.files import Files
from monitor.following import Following
from monitor.judge.floors import KEPT as FLOORS
from monitor.judge.floors import Floor
from monitor.judge.outputs import Outputs, list_fields
from monitor.lease import Lease, Standing
from monitor.metrics import Metrics
from monitor.pointing import Pointing
from monitor.remembering import remembered
from monitor.reports.gather import Asked
from monitor.reports.writing import Nightly
from monitor.service.assembly import decoder, floors_of, opened, outputs_of, shadowed
from monitor.service.station import Station
from monitor.settings import MonitorSettings
from monitor.store.errors import StateHeld
from monitor.store.state import kept_in
from monitor.web.condition import Condition
from monitor.web.serving import server
from scorer.quality.requirement import Requirement, check
from scorer.registry import client
from scorer.registry.keys import Keys

LOGGER = logging.getLogger(__name__)

WAIT_SECONDS = 0.1
"""How long a read waits for a record at most."""

CLOSE_SECONDS = 10.0
"""How long the end takes at most: the last offsets, the file under way, the lease."""


def run(settings: MonitorSettings, requirements: Sequence[Requirement], stopping: Callable[[], bool]) -> None:
    """Watch one model until ``stopping`` says so.

    Raises ScorerError where the settings do not fit together, the state cannot be used, the lease is lost, or Kafka
    reports what waiting cannot mend.
    """
    files, condition, metrics = Files.of(settings), Condition(), Metrics()
    keys, poll = Keys(settings.scorer.model, settings.redis.prefix), settings.redis.poll_seconds
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(client.connect_by(settings.redis))
        if settings.monitor.http is not None:
            pages = server(settings.monitor.http, condition, metrics, files.snapshot)
            stack.callback(pages.stop)
            pages.start()
        lease = stack.enter_context(Lease(redis, keys, settings.monitor.lease_seconds))
        if not _stand_by(lease, condition, stopping):
            return
        files.prepare()
        known = _first_look(files, lease, condition, stopping)
        layout = decoder(settings).layout
        wanted = shadowed(settings, files, known)
        following = stack.enter_context(Following(settings.scorer, settings.redis, layout, known, wanted=wanted))
        outputs = _outputs(known, following, condition, stopping)
        if outputs is None:
            return
        check(requirements, str(settings.monitor.requirements), outputs.kind, outputs.classes, outputs.scale)
        elsewhere = _elsewhere(settings, lease, condition, stopping)
        if elsewhere is None:
            return
        floors = floors_of(kept_in(files.state, FLOORS), elsewhere, requirements, time.time_ns() // 1_000)
        lists = list_fields(floors.in_force)
        commands = stack.enter_context(Commands(redis, keys, poll))
        state = stack.enter_context(contextlib.closing(opened(settings, outputs, files, lists)))
        by = f"{settings.monitor.group}@{settings.scorer.instance}"

        def held() -> bool:
            return lease.standing(time.monotonic()) is Standing.HELD

        pointing = stack.enter_context(Pointing(redis, keys, settings.candidates, by, held))
        station = stack.enter_context(Station(settings, floors, outputs, state, files, metrics, lease, pointing))
        asked = Asked(settings.scorer.model, requirements, settings.monitor.alpha)
        nightly = Nightly(files.snapshot, asked, settings.monitor, files.reports, _written)
        stack.enter_context(nightly)
        while not stopping():
            for part in (lease, following, commands, nightly, pointing):
                part.check()
            if station.due(time.monotonic()):
                station.tick(time.time_ns() // 1_000, following, commands)
            station.read(time.monotonic() + WAIT_SECONDS)
            station.tell(condition, following)
        station.finish()


def _written(report: Path) -> None:
    LOGGER.info("report: %s", report)


def _stand_by(lease: Lease, condition: Condition, stopping: Callable[[], bool]) -> bool:
    """Wait until the lease is held; whether it is."""
    said = ""
    while not stopping():
        lease.check()
        condition.moved()
        if lease.standing(time.monotonic()) is Standing.HELD:
            condition.obstacle("lease", "")
            return True
        if lease.problem != said:
            said = lease.problem
            LOGGER.info("standing by: %s", said)
        condition.obstacle("lease", said or "the lease was not asked for yet")
        time.sleep(WAIT_SECONDS)
    return False


def _first_look(files: Files, lease: Lease, condition: Condition, stopping: Callable[[], bool]) -> Outputs | None:
    """What scores mean by the state, if there is one. Waits for a former owner that still has the file open: it learns
    soon that it has lost the lease."""
    said = False
    while True:
        lease.check()
        condition.moved()
        try:
            return outputs_of(files.state)
        except StateHeld as error:
            if stopping():
                raise
            if not said:
                said = True
                LOGGER.warning("waiting: %s", error)
            condition.obstacle("lease", str(error))
            time.sleep(WAIT_SECONDS)


def _outputs(
    known: Outputs | None, following: Following, condition: Condition, stopping: Callable[[], bool]
) -> Outputs | None:
    """What scores mean: as the state says, else as the first champion does; waits for it."""
    said = False
    while known is None and not stopping():
        following.check()
        condition.moved()
        known = following.now.outputs
        if known is not None:
            following.fix(known)
        elif following.known and not said:
            said = True
            LOGGER.warning("waiting: there is no champion yet; set one: scorer champion set VERSION")
        condition.obstacle("champion", "" if known is not None else "no champion is known, so no scores are understood")
        time.sleep(0.0 if known is not None else WAIT_SECONDS)
    return known


def _elsewhere(
    settings: MonitorSettings, lease: Lease, condition: Condition, stopping: Callable[[], bool]
) -> list[Floor] | None:
    """The requirements in force by the verdicts topic; waits for Kafka. ``None`` where it is to stop before."""

    def waiting() -> bool:
        lease.check()
        condition.moved()
        return not stopping()

    condition.obstacle("requirements", "which requirements are in force by the verdicts topic is not known yet")
    found = remembered(settings, waiting)
    condition.obstacle("requirements", "")
    return found
