"""The loop: follow the challenger, read, join, report what has closed."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Sequence

from monitor.intake import Intake
from monitor.monthly import judged
from monitor.places import Places
from monitor.report import Line, Report
from monitor.settings import MonitorSettings
from monitor.shadow.challenger import Challenger
from monitor.stream import Ends, Stream
from scorer import schema_files
from scorer.quality.requirement import Requirement
from scorer.wire.decode import Decoder

LOGGER = logging.getLogger(__name__)

WAIT_SECONDS = 0.1

CLOSE_SECONDS = 2.0
"""How long a month that could be closed holds up the end."""


def run(
    settings: MonitorSettings,
    requirements: Sequence[Requirement],
    show: Callable[[Line], None],
    stopping: Callable[[], bool],
) -> None:
    """Watch one model until ``stopping`` says so; ``show`` gets each month as it closes, and the open ones at the end.

    Raises ScorerError where the settings do not fit together, or Kafka reports something that waiting cannot mend.
    """
    decoder = Decoder(schema_files.events(settings.schemas), schema_files.framing(settings.schemas))
    challenger = Challenger(settings, decoder.layout)
    stream = Stream(settings)
    try:
        intake = Intake(settings, Places(stream.event_topics), decoder)
        report = Report(intake.monthly, _judged(requirements))
        _await_registry(challenger, stopping)
        # What is held has no cycles, and there is much of it: looking through it again and again costs a third of all.
        gc.freeze()
        gc.set_threshold(100_000, 50, 1_000)
        _loop(challenger, stream, intake, report, show, stopping)
        for line in report.end():
            show(line)
        intake.summarise()
    finally:
        stream.close()
        challenger.close()


def _judged(requirements: Sequence[Requirement]) -> list[Requirement]:
    """Those that this monitor can judge; the others are named."""
    for one in requirements:
        if not judged(one):
            LOGGER.warning(
                "not judged yet: %s, %s, by %s: only accuracy and brier by month are", one.name, one.bounds, one.window
            )
    return [one for one in requirements if judged(one)]


def _await_registry(challenger: Challenger, stopping: Callable[[], bool]) -> None:
    """Events that are read before the challenger is known would never get its score."""
    while not challenger.known and not stopping():
        challenger.follow(time.monotonic())
        if not challenger.known:
            time.sleep(WAIT_SECONDS)


def _loop(
    challenger: Challenger,
    stream: Stream,
    intake: Intake,
    report: Report,
    show: Callable[[Line], None],
    stopping: Callable[[], bool],
) -> None:
    closing: tuple[int, Ends] | None = None
    stop_at: float | None = None
    while stop_at is None or (report.due(intake.time) and time.monotonic() < stop_at):
        if stop_at is None and stopping():
            stop_at = time.monotonic() + CLOSE_SECONDS
        challenger.follow(time.monotonic())
        records = stream.read(time.monotonic() + WAIT_SECONDS)
        if records is not None:
            intake.take(records, challenger)
        # Labels may be read before what they belong to, so a month closes when everything that is there now is read.
        if closing is None and report.due(intake.time) and (ends := stream.ends()) is not None:
            closing = intake.time, ends
        if closing is not None and stream.reached(closing[1]):
            for line in report.close(closing[0]):
                show(line)
            closing = None
        stream.commit()
