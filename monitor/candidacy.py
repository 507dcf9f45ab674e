"""The candidates of a running monitor: commands, evidence and pointers come in, moves and letters go out.

All of it happens inside a step, so it is committed with what it rests on, and a replay does it again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from monitor.answering import Handler, unexpected
from monitor.commands import Answer, Command
from monitor.judge.candidates import deciding
from monitor.judge.candidates.candidate import Candidate, Transition
from monitor.judge.candidates.check import together
from monitor.judge.candidates.deciding import Known
from monitor.judge.candidates.kept import CHECKS, KEPT, PAIRS, SHADOWED, Kept, checks_of
from monitor.judge.candidates.pairs import Comparison, Losses
from monitor.judge.candidates.policy import Policy
from monitor.judge.candidates.register import Refused, Register
from monitor.judge.judging import Judge
from monitor.judge.ticked import Cohort
from monitor.store.step import Step
from scorer.errors import SettingsError
from scorer.registry.keys import is_name

POINTER: Final = "pointer"
"""The kind of letters that ask for a pointer to be changed; the payload is JSON."""

REPORT: Final = "candidate report"
POINTED: Final = "candidate pointer"
INNER: Final = (REPORT, POINTED)
"""Commands that the monitor gives to itself: what was found out or done elsewhere enters the state like that. Nobody
else may give them."""

_DIGEST = re.compile("[0-9a-f]{64}")

Tell = Callable[[Step, Candidate, Transition], None]


class Candidacy:
    """For one thread, like the judge. ``kept`` is what the state holds; ``topics`` are the names in Kafka of the events
    and of those that are tried again; ``tell`` takes each move."""

    def __init__(self, kept: Kept, policy: Policy, topics: Mapping[str, str], tell: Tell) -> None:
        self._topics = topics
        self.kept, self.policy, self._tell = kept, policy, tell
        self._stored: tuple[object, ...] = ()
        self._fed = True
        self._losses: Losses | None = None

    def begin(self, judge: Judge) -> None:
        """Know what is compared by what the judge is asked. Raises SettingsError where it cannot be."""
        setting = judge.setting
        try:
            self._losses = Losses.made(self.policy, setting.requirements, judge.layout, setting.outputs, setting.fields)
        except ValueError as error:
            raise SettingsError(f"candidates.margins, candidates.fields: {error}") from None

    def wanted(self, time: int) -> tuple[str, ...]:
        """The versions that are to be scored in the shadow at ``time``."""
        return self.kept.wanted(time, self.policy)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """What does the commands, by their kinds."""
        return {
            "candidate submit": self._submit,
            "candidate approve": self._approve,
            "candidate reject": self._reject,
            "candidate withdraw": self._withdraw,
            "candidate family": self._family,
            REPORT: self._report,
            POINTED: self._pointed,
        }

    def beside(self, cohorts: Iterable[Cohort], names: Callable[[str], Mapping[int, str]]) -> Iterator[Cohort]:
        """The same cohorts, whose pairs are taken in while they are looked at."""
        for cohort in cohorts:
            for one in self.kept.comparisons.values():
                assert self._losses is not None  # noqa: S101  # they were made before any comparison began
                self._fed |= one.feed(cohort.outcomes, names, self._losses)
            yield cohort

    def tick(self, step: Step, judge: Judge, time: int) -> list[str]:
        """Draw conclusions from what is known after the judge's tick. Returns the versions that were promoted since the
        last one, by whose outcomes requirements are to tighten."""
        register, followed = self.kept.register, step.followed
        if followed.champion:
            register = register.followed(followed.champion, time)
        self._compare(step, register, time)
        guarded = [name for name, one in judge.wanted.items() if one.guarded]
        closed, verdicts = judge.closed_before, list(judge.verdicts.values())
        known = Known(time, closed, self.policy, self.kept.comparisons, self.kept.reports, verdicts, guarded)
        checks = {}
        for one in register.of.values():
            if one.open:
                checks[one.id] = tuple(deciding.checks(one, known))
                register = register.judged(one.id, checks[one.id], time, self.policy)
            elif one.state == "promoted" and one.version == followed.champion:
                checks[one.id] = tuple(deciding.watched(one, known))
                if together(checks[one.id]) == "failed" and one.asked is None:
                    register = register.roll_back(one.id, checks[one.id])
        self.kept.checks = {id_: found for id_, found in checks.items() if found}
        promoted = {id_: one.version for id_, one in register.of.items() if one.state == "promoted"}
        new = [version for id_, version in promoted.items() if id_ not in self.kept.ratcheted]
        self.kept.ratcheted = list(promoted)
        self._settle(step, register)
        return new

    # -- commands --------------------------------------------------------------------------------------------------

    def _submit(self, step: Step, command: Command, time: int) -> Answer:
        version, digest = command.payload.get("version"), command.payload.get("digest")
        if not isinstance(version, str) or not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            return Answer(False, "a submission names a version and its digest, 64 hexadecimal digits")
        if not is_name(version):
            return Answer(False, f"{version!r} is no name of a version")
        if not self.policy.margins:
            return Answer(
                False, "no metric is compared: name some in candidates.margins, as in margins = { mae = 0.0 }"
            )
        if not self.policy.corpus:
            return Answer(False, "there is nothing to back-test it on: name raw rows with labels in candidates.corpus")
        register, policy = self.kept.register, self.policy
        champion = step.followed.champion
        return self._done(step, lambda: register.submit(
            version, digest, champion, time, command.actor, command.reason, policy
        ), version, command)  # fmt: skip

    def _approve(self, step: Step, command: Command, _time: int) -> Answer:
        version = str(command.payload.get("version"))
        return self._done(
            step, lambda: self.kept.register.approve(version, command.actor, self.policy), version, command
        )

    def _reject(self, step: Step, command: Command, time: int) -> Answer:
        version = str(command.payload.get("version"))
        register = self.kept.register
        return self._done(step, lambda: register.reject(version, time, command.actor, command.reason), version, command)

    def _withdraw(self, step: Step, command: Command, time: int) -> Answer:
        version = str(command.payload.get("version"))
        register = self.kept.register
        return self._done(
            step, lambda: register.withdraw(version, time, command.actor, command.reason), version, command
        )

    def _family(self, step: Step, command: Command, _time: int) -> Answer:
        return self._done(step, lambda: self.kept.register.begin_family(command.actor), None, command)

    def _done(self, step: Step, act: Callable[[], Register], version: str | None, command: Command) -> Answer:
        before = self._present(version)
        refusal = unexpected(command, before)
        if refusal is not None:
            return refusal
        try:
            after = act()
        except Refused as error:
            return Answer(False, str(error), before)
        self._settle(step, after)
        present = self._present(version)
        text = f"{version} is {present.partition(' ')[2]}" if version else f"family {after.family} has begun"
        return Answer(True, text, present)

    def _present(self, version: str | None) -> str:
        register = self.kept.register
        return f"family {register.family}" if version is None else register.standing(version)

    # -- what is found out or done elsewhere ------------------------------------------------------------------------

    def _report(self, step: Step, command: Command, _time: int) -> Answer:
        """Checks of a candidate's state, made by somebody outside."""
        payload: Mapping[str, Any] = command.payload
        one = self.kept.register.of.get(payload["id"])
        if one is None or one.state != payload["state"]:
            return Answer(False, "the candidate has gone on meanwhile")
        self.kept.reports[one.id, one.state] = checks_of(payload["checks"])
        self._settle(step, self.kept.register)
        return Answer(True, f"known: {one.version} is {together(self.kept.reports[one.id, one.state])}")

    def _pointed(self, step: Step, command: Command, time: int) -> Answer:
        """What became of a pointer that was asked for."""
        payload: Mapping[str, Any] = command.payload
        one = self.kept.register.of.get(payload["id"])
        if one is not None and payload["asked"] is None:
            self._settle(step, self.kept.register.untried(one.id, time, command.reason))
            return Answer(True, f"{one.version}: {command.reason}")
        if one is None or one.asked != payload["asked"] or len(one.history) != payload["moves"]:
            return Answer(False, "it was not asked for any more")
        self._settle(step, self.kept.register.pointed(one.id, payload["done"] is True, time, command.reason))
        return Answer(True, f"{one.version}: {command.reason}")

    # -- how -------------------------------------------------------------------------------------------------------

    def _compare(self, step: Step, register: Register, time: int) -> None:
        """Begin comparisons with whoever is scored now, and end those that are over."""
        followed, found = step.followed, {}
        begin = {
            topic: {partition: source.next_offset for partition, source in step.sources.get(kind, {}).items()}
            for kind, topic in self._topics.items()
        }
        for one in register.of.values():
            if one.open and one.state in SHADOWED:
                who, against = one.version, one.against
            elif one.state == "promoted" and time < one.since + self.policy.watch:
                who, against = one.against, one.version
            else:
                continue
            held = self.kept.comparisons.get(one.id)
            if held is not None and (held.version, held.against, held.number) == (who, against, one.comparison):
                found[one.id] = held
            elif who in followed.challengers and followed.champion == against:
                found[one.id] = Comparison(who, against, one.comparison, begin, watch=not one.open)
        self._fed |= found.keys() != self.kept.comparisons.keys() or any(
            found[id_] is not one for id_, one in self.kept.comparisons.items()
        )
        self.kept.comparisons = found

    def _settle(self, step: Step, register: Register) -> None:
        """Tell of moves, ask for pointers, and keep what is new."""
        asked = {one.id for one in self.kept.register.of.values() if one.asked}
        for id_, move in register.told:
            self._tell(step, register.of[id_], move)
        for one in register.of.values():
            if one.asked and one.id not in asked:
                step.send(POINTER, f"{one.id}/{len(one.history)}/{one.asked}", _letter(one))
        self.kept.register = register.quiet()
        open_ = {one.id for one in self.kept.register.open}
        self.kept.reports = {key: found for key, found in self.kept.reports.items() if key[0] in open_}
        self._store(step)

    def _store(self, step: Step) -> None:
        """Keep what has changed."""
        kept = self.kept
        now = (kept.register, dict(kept.reports), list(kept.ratcheted), dict(kept.checks))
        if now == self._stored and not self._fed:
            return
        parts = kept.parts
        if now[:3] != self._stored[:3]:
            step.keep(KEPT, parts[KEPT])
        if self._fed:
            step.keep(PAIRS, parts[PAIRS])
        if now[3:] != self._stored[3:]:
            step.keep(CHECKS, parts[CHECKS])
        self._stored, self._fed = now, False


def _letter(one: Candidate) -> bytes:
    facts = {
        "id": one.id,
        "asked": one.asked,
        "moves": len(one.history),
        "version": one.version,
        "against": one.against,
    }
    return json.dumps(facts).encode()
