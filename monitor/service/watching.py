"""What follows from what was read and from ticks, inside the transaction of a step. Run and replay share it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from monitor.alerts.channels import Channel, addressed
from monitor.candidacy import Candidacy
from monitor.intake.intake import Intake
from monitor.judge import operation
from monitor.judge.candidates.ratchet import tightened
from monitor.judge.facts import Coverage, Facts, Flip, Rules, Unscored
from monitor.judge.floors import KEPT as FLOORS
from monitor.judge.floors import Floor, Floors
from monitor.judge.incident import Incident
from monitor.judge.incidents import KEPT as INCIDENTS
from monitor.judge.incidents import Incidents
from monitor.judge.judging import Judge, Setting
from monitor.judge.signs import signs
from monitor.judge.verdicts import Verdict
from monitor.records import Partition, Records
from monitor.rows import DAY
from monitor.service import arrivals
from monitor.store import judged, looking, outcomes
from monitor.store.cohorts import closed_before
from monitor.store.state import State
from monitor.store.step import Step
from scorer.scoring.models import Active

MAIL = "mail"
"""The kind of letters to people in the outbox."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a tick came to: verdicts that are new or changed, and incidents of which people are told; and requirements
    that have changed between ticks."""

    verdicts: Sequence[Verdict] = ()
    incidents: Sequence[Incident] = ()
    floors: Sequence[Floor] = ()


class Watching:
    """What one state has come to, and how it goes on. For one thread.

    ``record`` puts verdicts and letters for the topic into the outbox of a step; a replay passes one that does not, and
    no ``channels``. ``candidacy`` has the candidates. ``floors`` are the requirements in force, which the judge is
    asked. After a step that was rolled back this is ahead of the state, and is to be made anew.
    """

    def __init__(
        self,
        state: State,
        intake: Intake,
        setting: Setting,
        floors: Floors,
        rules: Rules,
        model: str,
        channels: Sequence[Channel],
        record: Callable[[Step, Told], None],
        candidacy: Candidacy,
    ) -> None:
        self._state, self._intake, self._rules, self._model = state, intake, rules, model
        self._channels, self._record = channels, record
        self.floors, self.candidacy = floors, candidacy
        self.judge: Judge = judged.load(state, replace(setting, requirements=floors.in_force))
        candidacy.begin(self.judge)
        kept = state.kept(INCIDENTS)
        self.incidents = Incidents(model) if kept is None else Incidents.of_json(kept)
        self._arrivals = arrivals.of_json(state.kept(arrivals.NAME))

    def begin(self) -> None:
        """Store which requirements are in force, and tell of those that have changed since there was a state."""
        kept = self._state.kept(FLOORS)
        before = Floors() if kept is None else Floors.of_json(kept)
        if kept is None or before != self.floors:
            with self._state.step() as step:
                step.keep(FLOORS, self.floors.to_json())
                self._record(step, Told(floors=self.floors.changed(before)))

    def require(self, step: Step, floors: Floors) -> None:
        """From now on let these be in force, of the same subjects as before."""
        step.keep(FLOORS, floors.to_json())
        self._record(step, Told(floors=floors.changed(self.floors)))
        self.judge.require(floors.in_force)
        self.floors = floors

    def follow(self, step: Step, champion: Active | None, challengers: Sequence[Active]) -> None:
        """From the coming tick on these are champion and challengers."""
        self._intake.follow(step, champion, challengers)

    def take(self, step: Step, records: Records) -> None:
        """Take in what was read."""
        self._intake.take(step, records)

    def tick(self, step: Step, time: int, ended: Iterable[Partition]) -> Told:
        """Let it be ``time``, and draw all conclusions; ``ended`` are the partitions that were read to their end."""
        ended = frozenset(ended)
        self._arrivals = arrivals.advanced(self._arrivals, step.sources, ended, time)
        step.keep(arrivals.NAME, arrivals.to_json(self._arrivals))
        before = self.judge.closed_before
        ticked = step.tick(time, ended)
        closed = closed_before(step.clock.reached, self._state.timing)
        cohorts = self.candidacy.beside(step.cohorts(ticked.closed), step.names)
        verdicts = self.judge.tick(ticked, cohorts, closed, time, step.names, step.alike)
        verdicts += self._operation(step, before, closed, time)
        judged.store(step, self.judge)
        for version in self.candidacy.tick(step, self.judge, time):
            margins = self.candidacy.policy.ratchet
            floors = tightened(self.floors, self.judge.verdicts.values(), margins, version, time)
            if floors != self.floors:
                self.require(step, floors)
        outcomes.ask(step, ticked)
        found = signs(self._facts(step, time, closed), self._rules, self.incidents.open)
        after, letters = self.incidents.take(found, time, self._rules.remind)
        self._keep(step, after)
        for name, payload in addressed(letters, self._channels):
            step.send(MAIL, name, payload)
        told = Told(verdicts, [one for one in (*after.open.values(), *after.ended) if one.told == time])
        self._record(step, told)
        return told

    def _operation(self, step: Step, before: int, closed: int, time: int) -> list[Verdict]:
        """Verdicts on the service itself, for the windows that close now."""
        asked = self.judge.setting.requirements
        begin = operation.begin_of_closing(asked, before, closed)
        if begin is None:
            return []
        counted = looking.counted(step.connection, begin, closed)
        return self.judge.add(operation.judge(asked, counted, before, closed, self.judge.setting.alpha, time))

    def _keep(self, step: Step, after: Incidents) -> None:
        if after != self.incidents:
            step.keep(INCIDENTS, after.to_json())
            self.incidents = after

    def _facts(self, step: Step, time: int, closed: int) -> Facts:
        champion, challengers = step.followed.champion, step.followed.challengers
        begin = closed - DAY
        covered = looking.covered(step.connection, begin, closed, shadow=False)
        challenged = looking.covered(step.connection, begin, closed, shadow=True)
        predictions, labelled = covered.get(champion, (0, 0))
        return Facts(
            time,
            self._model,
            list(self.judge.verdicts.values()),
            champion or None,
            challengers,
            self._arrivals,
            Coverage(begin, closed, predictions, labelled) if predictions else None,
            [
                Unscored(one.version, one.events + challenged.get(one.version, (0, 0))[0], one.events, one.reason)
                for one in looking.failures(step.connection, begin, closed)
                if one.version in challengers
            ],
            [
                Flip(one.pointer, one.instance, one.version, one.time, one.ok, one.reason)
                for one in looking.flips(step.connection)
            ],
        )
