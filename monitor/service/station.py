"""One monitor at work: its state, what it reads and what it sends."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, closing
from types import TracebackType
from typing import Self

from monitor.alerts.channels import channels
from monitor.alerts.dispatcher import Dispatcher
from monitor.answering import Answering, acknowledge, loosen
from monitor.auditing import Auditing
from monitor.candidacy import INNER, POINTER, Candidacy
from monitor.commands import Answer, Command, Commands
from monitor.examining import Examining
from monitor.files import Files
from monitor.following import Following
from monitor.intake.intake import Intake
from monitor.judge.candidates.kept import Kept
from monitor.judge.floors import Floors
from monitor.judge.judging import Setting
from monitor.judge.outputs import Outputs, list_fields
from monitor.lease import Lease, Standing
from monitor.metrics import Metrics
from monitor.outcomes.columns import columns
from monitor.outcomes.writing import Writing
from monitor.pointing import Pointing
from monitor.sender import AUDIT, VERDICT, Sender
from monitor.service.assembly import decoder, policy, rules, sources
from monitor.service.publishing import Publishing
from monitor.service.telling import Moving, Telling
from monitor.service.watching import MAIL, Watching
from monitor.settings import MonitorSettings
from monitor.store import outcomes
from monitor.store.state import State
from monitor.store.step import Step
from monitor.stream import Stream
from monitor.web.condition import Condition
from scorer.observe.memory import peak_resident_bytes

LEASE, TOPICS = "lease", "topics"
"""Under which names the state keeps the number of the lease under which it was last written, and the topics' ids."""


class Station:
    """For one thread. A context manager, which leaves the state open; after an exception in it the process ends."""

    def __init__(
        self,
        settings: MonitorSettings,
        floors: Floors,
        outputs: Outputs,
        state: State,
        files: Files,
        metrics: Metrics,
        lease: Lease,
        pointing: Pointing,
    ) -> None:
        monitor, model = settings.monitor, settings.scorer.model
        self._state, self._metrics, self._lease, self._pointing = state, metrics, lease, pointing
        self._tick_seconds, self._tick_at, self._told_at = monitor.tick_seconds, 0.0, 0.0
        requirements = floors.in_force
        setting = Setting(requirements, outputs, monitor.segments, monitor.alpha, monitor.mean_run)
        auditing = Auditing(model, settings.scorer.instance, settings.schemas)
        asked = policy(settings, outputs)
        candidacy = Candidacy(Kept.read(state.kept), asked, sources(settings), Moving(auditing))
        self.watching = Watching(
            state,
            Intake(settings, outputs, decoder(settings), list_fields(requirements)),
            setting,
            floors,
            rules(settings.alerts),
            model,
            channels(settings.alerts),
            Telling(settings),
            candidacy,
        )
        handlers = {"acknowledge": acknowledge(self.watching), "loosen": loosen(self.watching), **candidacy.handlers}
        self._answering = Answering(auditing, handlers)
        self._publishing = Publishing(state, files)
        self.watching.begin()
        with ExitStack() as stack:
            self._topics = json.loads(state.kept(TOPICS) or b"{}")
            self.stream = Stream(settings, state.offsets(), self._topics)
            stack.callback(lambda: self.stream.close(state.offsets()))
            self._examining = stack.enter_context(closing(Examining(settings, asked.margins)))
            self._sender = stack.enter_context(closing(Sender(settings)))
            self._dispatcher = stack.enter_context(closing(Dispatcher(settings.alerts, allowed=self._writes)))
            self._writing = stack.enter_context(
                closing(Writing(state, files.outcomes, columns(outputs, monitor.segments), monitor.outcomes_days))
            )
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    def due(self, now: float) -> bool:
        """Whether it is time for a tick; ``now`` is the steady clock's reading, in seconds."""
        return now >= self._tick_at

    def tick(self, time_: int, following: Following, commands: Commands) -> None:
        """Let it be ``time_`` (microseconds since 1970), draw all conclusions, and send what is to be sent."""
        begin = time.monotonic()
        standing = self._lease.standing(begin)
        writes, held = standing.writes, standing is Standing.HELD
        done = self._done(begin) if writes else []
        followed, candidacy = following.now, self.watching.candidacy
        inner = {**self._pointing.found(), **self._found(candidacy, begin)} if held else {}
        with self._state.step() as step:
            self.watching.follow(step, followed.champion, followed.challengers)
            self.watching.tick(step, max(time_, step.clock.time), self.stream.ended)
            asked = _of_persons(commands) if held else []
            answers = self._answering.answer(step, [*inner.values(), *asked])
            step.sent([*done, *inner])
            step.keep(LEASE, str(self._lease.number).encode())
            self._note_topics(step)
        for command in asked:
            answer = answers[command.id]
            commands.answer(command.id, answer)
            self._metrics.count("monitor_commands", command.kind, "done" if answer.done else "refused")
        following.want(candidacy.wanted(self._state.clock.time))
        if writes:
            self._offer(self._lease.number)
            self._pointing.offer(self._state.unsent(POINTER), candidacy.kept.register)
        self._dispatcher.beat()
        self._publishing.work()
        self._tick_at = begin + self._tick_seconds
        self._metrics.took(time.monotonic() - begin)

    def read(self, deadline: float) -> None:
        """Take in what has arrived, if anything; waits until ``deadline`` (monotonic seconds) at most."""
        records = self.stream.read(min(deadline, self._tick_at))
        if records:
            with self._state.step() as step:
                self.watching.take(step, records)
                self._note_topics(step)
            for topic, batch in records.batches.items():
                self._metrics.count("monitor_rows", topic, by=float(len(batch)))
        self.stream.mirror(self._state.offsets())

    def tell(self, condition: Condition, following: Following) -> None:
        """Let others see how it goes."""
        now, followed = time.monotonic(), following.now
        condition.moved()
        standing = self._lease.standing(now)
        condition.obstacle("lease", "" if standing.writes else self._lease.problem or f"the lease is {standing.value}")
        condition.obstacle("champion", "" if followed.champion is not None else "no champion is followed")
        condition.obstacle("topics", self.stream.problem)
        condition.obstacle("snapshot", self._publishing.problem)
        if self.stream.caught_up:
            condition.obstacle("reading", "")
        if now < self._told_at:
            return
        self._told_at = now + self._tick_seconds
        lag: dict[tuple[str, ...], float] = {}
        for (topic, _), behind in self.stream.lag.items():
            lag[topic,] = lag.get((topic,), 0.0) + behind
        self._metrics.show("monitor_lag", lag)
        named = [("champion", followed.champion), *(("challenger", one) for one in followed.challengers)]
        self._metrics.show(
            "monitor_followed_info", {(role, one.version): 1.0 for role, one in named if one is not None}
        )
        self._metrics.set("monitor_redis_silent_seconds", following.silent(now))
        self._metrics.set("monitor_followed_refused", float(len(followed.refusals)))
        self._metrics.set("monitor_peak_resident_bytes", peak_resident_bytes())
        self._metrics.set("monitor_state_bytes", float(self._state.size))
        sent: dict[tuple[str, ...], float] = {
            (one.name, outcome): float(n)
            for one in self._dispatcher.standings()
            for outcome, n in (("sent", one.sent), ("failed", one.failures), ("given up", one.given_up))
        }
        self._metrics.show("monitor_alarms", sent)

    def finish(self) -> None:
        """Let others see the last state. What is still to be sent or written waits in the outbox for the next start."""
        self._publishing.finish()

    def _note_topics(self, step: Step) -> None:
        """Keep the topics' ids together with the offsets."""
        if self.stream.ids != self._topics:
            self._topics = self.stream.ids
            step.keep(TOPICS, json.dumps(self._topics).encode())

    def _writes(self) -> bool:
        """Whether anything may go out now. Asked by other threads, too."""
        return self._lease.standing(time.monotonic()).writes

    def _found(self, candidacy: Candidacy, now: float) -> dict[str, Command]:
        """What examinations have come to, by the commands' ids."""
        return {command.id: command for command in self._examining.work(candidacy.kept, now)}

    def _done(self, now: float) -> list[str]:
        """What was sent since the last tick, and can be struck out."""
        written = self._writing.work(self._state.unsent(outcomes.KIND), now)
        return [*self._sender.done(), *self._dispatcher.done(), *written]

    def _offer(self, number: int) -> None:
        """Hand over what waits in the outbox; ``number`` is the lease's."""
        for kind in (VERDICT, AUDIT):
            self._sender.offer(kind, self._state.unsent(kind), number)
        self._dispatcher.offer(self._state.addressed(MAIL))


def _of_persons(commands: Commands) -> list[Command]:
    """What waits in Redis, without what nobody but the monitor itself may ask for."""
    found = commands.waiting()
    for command in found:
        if command.kind in INNER:
            commands.answer(command.id, Answer(False, f"nobody gives the command {command.kind!r} but the monitor"))
    return [command for command in found if command.kind not in INNER]
