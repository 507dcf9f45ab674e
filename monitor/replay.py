"""Builds the state of a monitor anew from the topics, with the ticks that it recorded.

Everything goes through the same steps as when it was read for the first time, so every statistic comes to the same
bits; what was sent then is not sent again. Where the topics no longer hold the oldest records, the new state is whole
only from the tick on that ``Replayed`` names.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from monitor.answering import Answering, acknowledge
from monitor.auditing import Auditing
from monitor.candidacy import Candidacy
from monitor.commands import Command
from monitor.files import Files
from monitor.following import fetched
from monitor.intake.intake import Intake
from monitor.judge.candidates.candidate import Candidate, Transition
from monitor.judge.candidates.kept import Kept
from monitor.judge.floors import KEPT as FLOORS
from monitor.judge.floors import Floors
from monitor.judge.judging import Setting
from monitor.judge.outputs import KEPT, Outputs, list_fields
from monitor.outcomes.columns import columns
from monitor.outcomes.writing import Writing
from monitor.records import Partition, Records
from monitor.remembering import remembered
from monitor.rereading import Rereading
from monitor.service.assembly import decoder, floors_of, opened, policy, rules, sources
from monitor.service.watching import Told, Watching
from monitor.settings import MonitorSettings
from monitor.store import outcomes
from monitor.store.errors import StateRefused
from monitor.store.recorded import Recorded, Turn
from monitor.store.step import Step
from scorer.errors import SettingsError
from scorer.quality.requirement import Requirement
from scorer.scoring.models import Active

LOGGER = logging.getLogger(__name__)


@dataclass(slots=True)
class Replayed:
    """What was done: ``ticks``, ``records``, and the last tick's ``time`` (microseconds since 1970).

    ``missing`` are the partitions that begin later than offset 0, and where: what they held before is deleted, or was
    before the monitor's first start. ``whole_from`` is the time of the tick from which on nothing is missing; ``None``
    where nothing is at all.
    """

    ticks: int = 0
    records: int = 0
    time: int = 0
    missing: dict[Partition, int] = field(default_factory=dict)
    whole_from: int | None = None


def replay(
    settings: MonitorSettings,
    requirements: Sequence[Requirement],
    source: Path,
    to: Path,
    progress: Callable[[int, int], None],
) -> Replayed:
    """Build a state, with snapshot and outcome files, in the directory ``to``; ``source`` is the one with the ticks.

    ``settings`` and ``requirements`` are those of the new state, and may be others than those of the old one; what is
    in force by that or by the verdicts topic stays so, as if it had always been.
    ``progress`` is told of ticks: how many are done, and how many there are. Raises SettingsError where ``to`` is in
    use, StateHeld and StateRefused for ``source``, StreamBroken, RegistryUnavailable, and VersionRefused where a
    version that was followed is not there any more.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise SettingsError(f"{to} is in use: name a directory that is empty, or not there yet")
    new = settings.model_copy(update={"monitor": settings.monitor.model_copy(update={"state_directory": to})})
    with Recorded(source) as recorded:
        kept = recorded.kept(KEPT)
        if kept is None:
            raise StateRefused(f"{source} does not say what its scores mean: it has never followed a champion")
        to.mkdir(parents=True, exist_ok=True)
        elsewhere = remembered(new, lambda: True) or ()
        floors = floors_of(recorded.kept(FLOORS), elsewhere, requirements, time.time_ns() // 1_000).whole()
        with _Replaying(new, floors, Outputs.of_json(kept), recorded) as replaying:
            for turn in recorded.turns():
                replaying.turn(turn)
                progress(replaying.done.ticks, recorded.count)
            return replaying.finish()


class _Replaying:
    def __init__(self, settings: MonitorSettings, floors: Floors, outputs: Outputs, recorded: Recorded) -> None:
        monitor, scorer, requirements = settings.monitor, settings.scorer, floors.in_force
        self.done = Replayed()
        self._settings, self._recorded, self._files = settings, recorded, Files.of(settings)
        self._decoder = decoder(settings)
        self._commands = recorded.commands()
        self._versions: dict[str, Active] = {}
        self._begun: set[Partition] = set()
        self._behind: dict[Partition, int] = {}  # partitions whose oldest records are gone, and where they begin
        with ExitStack() as stack:
            self._state = stack.enter_context(
                closing(opened(settings, outputs, self._files, list_fields(requirements)))
            )
            self._reader = stack.enter_context(Rereading(settings))
            setting = Setting(requirements, outputs, monitor.segments, monitor.alpha, monitor.mean_run)
            self._watching = Watching(
                self._state,
                Intake(settings, outputs, self._decoder, list_fields(requirements)),
                setting,
                floors,
                rules(settings.alerts),
                scorer.model,
                (),
                _record_nothing,
                Candidacy(Kept(), policy(settings, outputs), sources(settings), _tell_nobody),
            )
            auditing = Auditing(scorer.model, scorer.instance, settings.schemas)
            handlers = {"acknowledge": acknowledge(self._watching), **self._watching.candidacy.handlers}
            self._answering = Answering(auditing, handlers)
            self._writing = stack.enter_context(
                closing(
                    Writing(
                        self._state, self._files.outcomes, columns(outputs, monitor.segments), monitor.outcomes_days
                    )
                )
            )
            self._watching.begin()
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def turn(self, turn: Turn) -> None:
        """Take in what was read before a tick, and tick."""
        moved = dict(turn.moved)
        if not self.done.ticks:
            moved = self._begin(turn, moved)
        found = self._found(turn, moved)
        for records in self._reader.upto({place: limit for place, limit in moved.items() if place in self._begun}):
            with self._state.step() as step:
                self._watching.take(step, replace(records, found=found))
            self.done.records += sum(map(len, records.batches.values()))
            found = {}
        written = self._writing.work(self._state.unsent(outcomes.KIND), time.monotonic())
        with self._state.step() as step:
            self._watching.take(step, Records(found=found, passed=moved))
            if turn.followed is not None:
                self._follow(step, *turn.followed)
            self._watching.tick(step, turn.time, turn.ended)
            asked = [Command.of_json(data) for data in self._commands.get(turn.number, ())]
            # Which requirements are in force is known; what has loosened one is not done again.
            self._answering.answer(step, [one for one in asked if one.kind != "loosen"])
            step.sent(written)
            step.discard(outcomes.KIND)
        self.done.ticks, self.done.time = self.done.ticks + 1, turn.time
        self._whole(turn, moved)

    def finish(self) -> Replayed:
        """Write what is left to be written."""
        self._writing.finish()
        self._state.publish(self._files.snapshot)
        return self.done

    def _begin(self, turn: Turn, moved: dict[Partition, int]) -> dict[Partition, int]:
        """Before the first tick. Codes are given out as they were, whatever comes first now."""
        with self._state.step() as step:
            for kind, names in self._recorded.names().items():
                step.codes(kind, names)
            if turn.number > 1:
                step.begin(turn.number, turn.time)
        if turn.number > 1:
            LOGGER.warning("the ticks before number %d are forgotten: see monitor.recorded_days", turn.number)
            self.done.whole_from = turn.time
            return {**self._recorded.resting(), **moved}
        return moved

    def _found(self, turn: Turn, moved: dict[Partition, int]) -> dict[Partition, int]:
        """The partitions that are met for the first time, and where they begin."""
        found = {}
        for place in sorted(moved.keys() - self._state.offsets().keys()):
            low, _ = self._reader.held(place)
            if low > 0:
                self.done.missing[place] = self._behind[place] = low
            # Before the very first tick nothing was read, so a partition that was there had nothing before its offset.
            found[place] = moved[place] if turn.number == 1 else min(low, moved[place])
            self._reader.begin(place, found[place])
            self._begun.add(place)
        return found

    def _follow(self, step: Step, champion: str, challengers: tuple[str, ...]) -> None:
        for version in {champion, *challengers} - {"", *self._versions}:
            self._versions[version] = fetched(
                self._settings.scorer, self._settings.redis, self._decoder.layout, version
            )
        self._watching.follow(
            step, self._versions[champion] if champion else None, [self._versions[one] for one in challengers]
        )

    def _whole(self, turn: Turn, moved: dict[Partition, int]) -> None:
        """Note when the last partition has been read beyond what is missing of it."""
        for place in [place for place in self._behind if moved.get(place, 0) >= self._behind[place]]:
            del self._behind[place]
            self.done.whole_from = turn.time


def _record_nothing(_step: Step, _told: Told) -> None:
    """Instead of what puts verdicts and letters into the outbox for their topic."""


def _tell_nobody(_step: Step, _candidate: Candidate, _move: Transition) -> None:
    """Instead of what puts the moves of candidates into the outbox for the audit topic."""
