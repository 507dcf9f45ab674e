"""All candidates of a model: what may become of each, by whom, and what did. Nothing here is ever changed in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from monitor.judge.candidates.candidate import Candidate, Transition
from monitor.judge.candidates.check import Check, together
from monitor.judge.candidates.policy import Policy
from monitor.judge.candidates.states import LIVE, OPEN, By, State, ways

ENDED: Final = 100
"""So many candidates whose life is over are remembered, the last ones; the audit topic has all."""

MONITOR: Final = "monitor"
"""Who moves a candidate by evidence. No person may go by this name."""


class Refused(ValueError):
    """Raised for what must not happen; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Register:
    """``of`` by id, in the order of submission. ``family`` numbers the sequences of candidates that share one alpha,
    ``comparisons`` those of the present one; ``submissions`` counts all. ``told`` are the transitions since
    :meth:`quiet`, with the ids, for the audit."""

    of: Mapping[str, Candidate] = field(default_factory=dict)
    family: int = 1
    comparisons: int = 0
    submissions: int = 0
    told: tuple[tuple[str, Transition], ...] = ()

    # -- who is there ----------------------------------------------------------------------------------------------

    def named(self, version: str) -> Candidate:
        """The last submission of a version. Raises Refused where there is none."""
        found = [one for one in self.of.values() if one.version == version]
        if not found:
            raise Refused(f"{version} was never submitted; monitor candidate list shows who was")
        return found[-1]

    def standing(self, version: str) -> str:
        """How a version stands, as commands expect it: its submission, the number of its moves, and its state."""
        try:
            one = self.named(version)
        except Refused:
            return "0 unknown"
        return f"{one.id}.{len(one.history)} {one.state}{', approved' if one.approved else ''}"

    @property
    def open(self) -> list[Candidate]:
        """Those that may still be promoted, in the order of submission."""
        return [one for one in self.of.values() if one.open]

    # -- what persons do -------------------------------------------------------------------------------------------

    def submit(
        self, version: str, digest: str, champion: str, time: int, actor: str, why: str, policy: Policy
    ) -> Register:
        """With a new candidate. Raises Refused."""
        if version == champion:
            raise Refused(f"{version} is the champion")
        for one in self.open:
            if one.version == version:
                raise Refused(f"{version} is a candidate already, {one.state}")
        if len(self.open) >= policy.most_open:
            names = ", ".join(one.version for one in self.open)
            raise Refused(
                f"there are {len(self.open)} candidates already, and candidates.most_open is {policy.most_open}: "
                f"withdraw one of {names}, or wait"
            )
        name, comparison = str(self.submissions + 1), self.comparisons + 1
        new = Candidate(name, version, digest, "submitted", champion, comparison)
        after = replace(self, submissions=self.submissions + 1, comparisons=comparison)
        return after._moved(new, "submitted", time, _person(actor), why, before=None)

    def approve(self, version: str, actor: str, policy: Policy) -> Register:
        """With a person's consent to its next step. Raises Refused where it needs none, has one, or not from them."""
        one = self.named(version)
        step = next_state(one, policy)
        if step is None or not (one.open and step in policy.approve):
            raise Refused(f"{version} is {one.state}: there is nothing to approve")
        if one.approved:
            raise Refused(f"{version} is approved already, by {one.approved}")
        if policy.approvers and actor not in policy.approvers:
            raise Refused(f"{actor} may not approve; candidates.approvers are {', '.join(policy.approvers)}")
        return self._with(replace(one, approved=_person(actor)))

    def reject(self, version: str, time: int, actor: str, why: str) -> Register:
        """With an open candidate rejected by a person. Raises Refused."""
        return self._by_person(version, "rejected", time, actor, why)

    def withdraw(self, version: str, time: int, actor: str, why: str) -> Register:
        """With an open candidate taken back by a person. Raises Refused."""
        return self._by_person(version, "withdrawn", time, actor, why)

    def begin_family(self, actor: str) -> Register:
        """A new sequence of candidates, which may spend alpha anew. Raises Refused while a candidate is open: it would
        be compared by two rules."""
        _person(actor)
        if self.open:
            raise Refused(f"{self.open[0].version} is {self.open[0].state}: a family ends when all its candidates have")
        return replace(self, family=self.family + 1, comparisons=0)

    # -- what evidence does ----------------------------------------------------------------------------------------

    def judged(self, id_: str, checks: Sequence[Check], time: int, policy: Policy) -> Register:
        """After the checks of its step: rejected, moved on, asked for at a pointer, or as it was."""
        one = self.of[id_]
        step = next_state(one, policy)
        if not one.open or one.asked or step is None:
            return self
        standing = together(checks)
        if standing == "failed":
            reasons = "; ".join(f"{check.name}: {check.text}" for check in checks if check.standing == "failed")
            return self._moved(one, "rejected", time, MONITOR, reasons, checks)
        if (
            standing == "open"
            or (step in policy.approve and not one.approved)
            or self._taken(step, one.against, time, policy)
        ):
            return self
        if any(way.by == "evidence" for way in ways(one.state, step)):
            return self._moved(one, step, time, one.approved or MONITOR, "all checks have passed", checks)
        return self._with(replace(one, asked=step, evidence=tuple(checks)))

    def roll_back(self, id_: str, checks: Sequence[Check] = ()) -> Register:
        """With the champion of before asked for again, by these checks. Raises Refused where this one is not
        promoted."""
        one = self.of[id_]
        if one.state != "promoted" or one.asked:
            raise Refused(f"{one.version} is {one.state}{': it is under way' if one.asked else ''}")
        return self._with(replace(one, asked="rolled back", evidence=tuple(checks)))

    # -- what pointers do ------------------------------------------------------------------------------------------

    def pointed(self, id_: str, done: bool, time: int, why: str) -> Register:
        """After a pointer was changed as ``asked``, or was not: then it is compared anew, or stays the champion."""
        one = self.of[id_]
        if one.asked is None:
            return self
        if done:
            return self._moved(one, one.asked, time, one.approved or MONITOR, why, one.evidence)
        if one.state == "promoted":
            return self._with(replace(one, asked=None, evidence=()))
        return self._anew(one, one.against, time, why)

    def untried(self, id_: str, time: int, why: str) -> Register:
        """After a trial was ended by somebody else: compared anew. Anybody but the one on trial stays as it was."""
        one = self.of[id_]
        return self._anew(one, one.against, time, why) if one.state == "on trial" and one.asked is None else self

    def followed(self, champion: str, time: int) -> Register:
        """After the champion became another one: who is compared with the old one is compared anew."""
        after = self
        for one in self.open:
            if one.version == champion and not one.asked:
                after = after._moved(one, "withdrawn", time, MONITOR, "it was made the champion by hand")
            elif champion not in (one.version, one.against):
                after = after._anew(one, champion, time, f"the champion is {champion} now, and not {one.against}")
        return after

    def quiet(self) -> Register:
        """Without what was told, and without the oldest of those whose life is over."""
        over = [id_ for id_, one in self.of.items() if not one.open and one.state != "promoted"]
        gone = set(over[: max(0, len(over) - ENDED)])
        return replace(self, told=(), of={id_: one for id_, one in self.of.items() if id_ not in gone})

    # -- as it is kept ---------------------------------------------------------------------------------------------

    def plain(self) -> dict[str, Any]:
        """All but what was told, as JSON has it."""
        facts = {"family": self.family, "comparisons": self.comparisons, "submissions": self.submissions}
        return {**facts, "of": [one.plain() for one in self.of.values()]}

    @staticmethod
    def of_plain(facts: Mapping[str, Any]) -> Register:
        """What :meth:`plain` gave."""
        found = [Candidate.of_plain(one) for one in facts["of"]]
        return Register(**{**facts, "of": {one.id: one for one in found}})

    # -- how -------------------------------------------------------------------------------------------------------

    def _taken(self, step: State, champion: str, time: int, policy: Policy) -> bool:
        """Whether another candidate is where only one can be: on trial, or as champion in its watch period."""
        if step == "on trial":
            return any(step in (one.state, one.asked) for one in self.open)
        watched = [one for one in self.of.values() if one.state == "promoted" and one.version == champion]
        under_way = any(one.asked in ("promoted", "rolled back") for one in self.of.values())
        return step == "promoted" and (under_way or any(time < one.since + policy.watch for one in watched))

    def _anew(self, one: Candidate, champion: str, time: int, why: str) -> Register:
        """Compared with another champion, under a number of its own."""
        comparison = self.comparisons + 1
        after = replace(self, comparisons=comparison)
        changed = replace(one, against=champion, comparison=comparison, asked=None, approved="", evidence=())
        if one.state in LIVE:
            return after._moved(changed, "back-tested", time, MONITOR, why)
        return after._with(changed)

    def _by_person(self, version: str, after: State, time: int, actor: str, why: str) -> Register:
        one = self.named(version)
        if not one.open:
            raise Refused(f"{version} is {one.state} already")
        if one.asked == "promoted":
            raise Refused(f"{version} is being made the champion; go back with scorer champion rollback")
        return self._moved(one, after, time, _person(actor), why, by="person")

    def _moved(
        self, one: Candidate, after: State, time: int, actor: str, why: str, checks: Sequence[Check] = (), *,
        by: By | None = None, before: State | Literal[""] | None = "",
    ) -> Register:  # fmt: skip
        begin = one.state if before == "" else before
        known = [way for way in ways(one.state, after) if by in (None, way.by)]
        if begin is not None and not known:
            raise Refused(f"{one.version} is {one.state}, from where no way leads to {after}")
        move = Transition(len(one.history) + 1, begin, after, time, actor, why, tuple(checks))
        moved = replace(one, state=after, approved="", asked=None, evidence=(), history=(*one.history, move))
        return replace(self._with(moved), told=(*self.told, (one.id, move)))

    def _with(self, one: Candidate) -> Register:
        return replace(self, of={**self.of, one.id: one})


def next_state(one: Candidate, policy: Policy) -> State | None:
    """Where its step leads to; ``None`` where its life is over, or it is promoted."""
    if one.state not in OPEN:
        return None
    if one.state == "shadowed" and not policy.trial:
        return "promoted"
    return (*OPEN, "promoted")[OPEN.index(one.state) + 1]


def _person(actor: str) -> str:
    if actor == MONITOR:
        raise Refused(f"{MONITOR} is the name of what happens by evidence; say who you are")
    return actor
