"""The monitor's own steps without its process, so that a test says what is read when, and what time it is."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from monitor.candidacy import Candidacy
from monitor.files import Files
from monitor.following import fetched
from monitor.intake.intake import Intake
from monitor.judge.candidates.kept import Kept
from monitor.judge.floors import KEPT as FLOORS
from monitor.judge.judging import Setting
from monitor.judge.outputs import Outputs
from monitor.outcomes.columns import columns
from monitor.outcomes.writing import Writing
from monitor.service.assembly import decoder, floors_of, opened, policy, rules, sources
from monitor.service.watching import Told, Watching
from monitor.settings import MonitorSettings
from monitor.store import outcomes
from monitor.store.step import Step
from monitor.stream import Stream
from scorer.quality import requirements
from tests.integration.deployment import until
from tests.monitor.stage import Stage

OUTPUTS = Outputs("binary", ("no", "yes"))


class Watched:
    """One life of a monitor of a stage, from where the state stands. A context manager."""

    def __init__(self, stage: Stage) -> None:
        self.settings = MonitorSettings.load(stage.file, {})
        self._decoder = decoder(self.settings)
        self.files = Files.of(self.settings)
        self.files.directory.mkdir(parents=True, exist_ok=True)
        self.state = opened(self.settings, OUTPUTS, self.files)
        file, monitor = self.settings.monitor.requirements, self.settings.monitor
        required = tuple(requirements.parse(file.read_text(), str(file)))
        self.watching = Watching(
            self.state,
            Intake(self.settings, OUTPUTS, self._decoder),
            Setting(required, OUTPUTS, monitor.segments, monitor.alpha, monitor.mean_run),
            floors_of(self.state.kept(FLOORS), (), required, 0),
            rules(self.settings.alerts),
            stage.model,
            (),
            _tell,
            Candidacy(
                Kept.read(self.state.kept), policy(self.settings, OUTPUTS), sources(self.settings), lambda *_: None
            ),
        )
        self.watching.begin()
        self._stage = stage
        self.stream = Stream(self.settings, self.state.offsets())
        self._writing = Writing(self.state, self.files.outcomes, columns(OUTPUTS, monitor.segments), 400.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stream.close(self.state.offsets())
        self._writing.close()
        self.state.close()

    def follow(self, champion: str, challengers: Iterable[str], now: int) -> None:
        """Tick, with these pointers from now on."""
        made = [fetched(self.settings.scorer, self.settings.redis, self._decoder.layout, one) for one in challengers]
        crowned = fetched(self.settings.scorer, self.settings.redis, self._decoder.layout, champion)
        with self.state.step() as step:
            self.watching.follow(step, crowned, made)
            self.watching.tick(step, now, self.stream.ended)

    def tick(self, now: int) -> None:
        """Tick."""
        written = self._writing.work(self.state.unsent(outcomes.KIND), time.monotonic())
        with self.state.step() as step:
            self.watching.tick(step, now, self.stream.ended)
            step.sent(written)

    def read(self) -> bool:
        """Take in one read; whether it brought anything."""
        records = self.stream.read(time.monotonic() + 0.05)
        if records:
            with self.state.step() as step:
                self.watching.take(step, records)
        return bool(records)

    def read_all(self) -> None:
        """Read up to the ends."""
        topics = self._stage.settings.topics.model_dump()
        named = {name: role for role, name in topics.items() if role != "verdicts"}
        ends = {(named[name], number): end for (name, number), end in self._stage.ends(*named).items()}

        def there() -> bool:
            self.read()
            return self.state.offsets() == ends

        until(there, f"{ends} was not reached")

    def finish(self) -> Path:
        """Write what waits to be written; the state's file."""
        self._writing.finish()
        return self.files.state


def _tell(step: Step, told: Told) -> None:
    """Something for the outbox, which a replay must not send."""
    for number, _ in enumerate(told.verdicts):
        step.send("verdict", str(number), b"a verdict")
