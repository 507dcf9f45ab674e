"""What the loop does with commands: each once, in the transaction of what it does, with a record for the audit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from monitor.auditing import AUDIT, Auditing
from monitor.commands import Answer, Command
from monitor.judge.floors import Floors, only
from monitor.judge.incidents import KEPT, Incidents
from monitor.judge.judging import Judge
from monitor.store.step import Step
from scorer.errors import SettingsError

Handler = Callable[[Step, Command, int], Answer]
"""Does what a command asks for, at that tick (microseconds since 1970), within the step; or says why not."""


def unexpected(command: Command, present: str) -> Answer | None:
    """The answer to a command that expects another state than ``present``; ``None`` where it expects that, or any."""
    if command.expected in (None, present):
        return None
    return Answer(False, f"it is {present}, not {command.expected} as expected; nothing was changed", present)


class Alarmed(Protocol):
    """Whatever holds the incidents."""

    incidents: Incidents


def acknowledge(alarmed: Alarmed) -> Handler:
    """What does the command ``acknowledge``: nobody is reminded of the open incident whose id is in the payload.

    It may expect ``open`` or ``acknowledged``; other states are ``ended`` and ``unknown``.
    """

    def handle(step: Step, command: Command, _time: int) -> Answer:
        name = command.payload.get("incident")
        found = [one for one in alarmed.incidents.open.values() if one.id == name]
        ended = any(one.id == name for one in alarmed.incidents.ended)
        if not found:
            present = "ended" if ended else "unknown"
            return Answer(False, f"no incident {name} is open: it is {present}", present)
        present = "open" if found[0].acknowledged is None else "acknowledged"
        refusal = unexpected(command, present)
        if refusal is not None:
            return refusal
        alarmed.incidents = alarmed.incidents.acknowledge(found[0].id, command.actor)
        step.keep(KEPT, alarmed.incidents.to_json())
        return Answer(True, f"acknowledged, so nobody is reminded of it: {found[0].headline}", "acknowledged")

    return handle


class Asking(Protocol):
    """Whatever holds the requirements in force, and the judge that asks them."""

    floors: Floors
    judge: Judge

    def require(self, step: Step, floors: Floors) -> None:
        """Let other ones be in force."""


def loosen(asking: Asking) -> Handler:
    """What does the command ``loosen``: the requirement of the identity ``requirement`` is as ``toml`` says, or dropped
    where that is null. It may expect the number of the requirement's last change."""

    def handle(step: Step, command: Command, time: int) -> Answer:
        name, toml = command.payload.get("requirement"), command.payload.get("toml")
        held = asking.floors.of.get(str(name))
        present = "unknown" if held is None else str(held.revision)
        refusal = unexpected(command, present)
        if refusal is not None:
            return refusal
        try:
            to = None if toml is None else only(str(toml))
        except (SettingsError, ValueError) as error:
            return Answer(False, f"it is not understood what {name} shall be: {error}", present)
        outputs = asking.judge.setting.outputs
        misfits = [] if to is None else list(to.misfits(outputs.kind, outputs.classes, outputs.scale))
        why_not = "; ".join(misfits) or asking.floors.objection(str(name), to)
        if why_not:
            return Answer(False, why_not, present)
        asking.require(step, asking.floors.loosen(str(name), to, time, command.actor, command.reason))
        now = asking.floors.of[str(name)]
        return Answer(True, f"loosened: {name} is {now.said}", str(now.revision))

    return handle


class Answering:
    """Answers commands by their kinds."""

    def __init__(self, auditing: Auditing, handlers: Mapping[str, Handler]) -> None:
        self._auditing, self._handlers = auditing, handlers

    def answer(self, step: Step, commands: Sequence[Command]) -> dict[str, Answer]:
        """Do what is asked for, at the time of the last tick; the answers by id, to be given after the commit.

        A command that was answered before gets the same answer, and nothing is done.
        """
        said: dict[str, Answer] = {}
        for command in commands:
            before = step.answered(command.id)
            if before is not None:
                said[command.id] = Answer.of_json(before)
                continue
            answer = said[command.id] = self._do(step, command)
            step.answer(command.id, command.to_json(), answer.to_json())
            step.send(AUDIT, command.id, self._record(command, answer, step.clock.time))
        return said

    def _do(self, step: Step, command: Command) -> Answer:
        handler = self._handlers.get(command.kind)
        if handler is None:
            known = ", ".join(sorted(self._handlers))
            return Answer(False, f"this monitor knows no command {command.kind!r}; it knows {known}")
        return handler(step, command, step.clock.time)

    def _record(self, command: Command, answer: Answer, time: int) -> bytes:
        """A record of the audit topic: the command's kind where scorers name a pointer, its payload as the version."""
        return self._auditing.record(
            time,
            done=answer.done,
            pointer=command.kind,
            version=json.dumps(command.payload, ensure_ascii=False),
            previous=answer.present,
            reason=None if answer.done else f"command: {answer.text}",
            command=command.id,
            actor=command.actor,
            actor_reason=command.reason,
        )
