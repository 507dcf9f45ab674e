"""The life of candidates: what may happen, what may not, and that no order of events leads around a step."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from monitor.judge.candidates.candidate import Candidate
from monitor.judge.candidates.check import Check
from monitor.judge.candidates.policy import Policy
from monitor.judge.candidates.register import ENDED, MONITOR, Refused, Register
from monitor.judge.candidates.states import LIVE, OPEN, STEPS, WAYS, State, markdown
from monitor.stats.continuous.spending import share_of

ORDER: tuple[State, ...] = (*OPEN, "promoted")
PASSED, FAILED, WAITING = (
    (Check("one", "passed", "well"), Check("two", standing, "so it is")) for standing in ("passed", "failed", "open")
)
HANDS_OFF = Policy(approve=frozenset())
DAY = 86_400_000_000


def submitted(version: str = "v2", policy: Policy = HANDS_OFF) -> Register:
    return Register().submit(version, "ab" * 32, "v1", 1, "ann", "it is better", policy)


def reached(state: State, policy: Policy = HANDS_OFF) -> Register:
    """A register with one candidate, ``v2``, in that state."""
    found, time = submitted(policy=policy), 2
    while found.named("v2").state != state:
        one = found.named("v2")
        if one.asked:
            found = found.pointed(one.id, True, time, "the pointer says so")
        else:
            found = found.judged(one.id, PASSED, time, policy)
        time += 1
    return found


def test_the_documentation_has_the_table() -> None:
    text = (Path(__file__).parents[4] / "docs" / "candidates.md").read_text("utf-8")
    assert markdown() in text, "put into docs/candidates.md what monitor.judge.candidates.states.markdown() returns"


def test_every_state_is_explained_and_reached() -> None:
    assert {way.after for way in WAYS} | {"submitted"} == set(STEPS)
    assert {way.before for way in WAYS} == {*OPEN, "promoted"}
    assert len({(way.before, way.after, way.by) for way in WAYS}) == len(WAYS)


def test_a_whole_life() -> None:
    found = reached("promoted")
    one = found.named("v2")
    assert [move.after for move in one.history] == list(ORDER)
    assert [move.number for move in one.history] == list(range(1, 7))
    assert one.history[0].actor == "ann"
    assert {move.actor for move in one.history[1:]} == {MONITOR}
    found = found.roll_back(one.id).pointed(one.id, True, 99, "v1 was better")
    assert found.named("v2").state == "rolled back"
    with pytest.raises(Refused, match="is rolled back"):
        found.roll_back(one.id)


@pytest.mark.parametrize("state", OPEN)
def test_one_failed_check_ends_it_in_any_step(state: State) -> None:
    found = reached(state)
    one = found.named("v2")
    after = found.judged(one.id, FAILED, 50, HANDS_OFF).named("v2")
    assert (after.state, after.history[-1].why, after.history[-1].checks) == ("rejected", "two: so it is", FAILED)
    for nothing in ((), WAITING):
        assert found.judged(one.id, nothing, 50, HANDS_OFF) == found


def test_what_needs_a_person_waits_for_one() -> None:
    policy = Policy(approve=frozenset({"on trial", "promoted"}), approvers=("ann", "bob"))
    found = reached("shadowed", policy)
    one = found.named("v2")
    assert found.judged(one.id, PASSED, 9, policy) == found
    with pytest.raises(Refused, match="eve may not approve"):
        found.approve("v2", "eve", policy)
    with pytest.raises(Refused, match="say who you are"):
        found.approve("v2", MONITOR, replace(policy, approvers=()))
    agreed = found.approve("v2", "ann", policy)
    with pytest.raises(Refused, match="approved already, by ann"):
        agreed.approve("v2", "bob", policy)
    assert agreed.judged(one.id, WAITING, 9, policy) == agreed, "consent is no evidence"
    asked = agreed.judged(one.id, PASSED, 9, policy)
    on_trial = asked.pointed(one.id, True, 10, "it has begun")
    assert (on_trial.named("v2").state, on_trial.named("v2").history[-1].actor) == ("on trial", "ann")
    assert not on_trial.named("v2").approved, "each step wants a consent of its own"
    with pytest.raises(Refused, match="nothing to approve"):
        reached("submitted", policy).approve("v2", "ann", policy)


def test_a_pointer_that_could_not_be_changed_leads_back_to_the_shadow() -> None:
    found = reached("on trial")
    one = found.named("v2")
    asked = found.judged(one.id, PASSED, 20, HANDS_OFF)
    assert (asked.named("v2").state, asked.named("v2").asked) == ("on trial", "promoted")
    lost = asked.pointed(one.id, False, 21, "the champion is v9").named("v2")
    assert (lost.state, lost.asked, lost.comparison) == ("back-tested", None, 2)
    won = asked.pointed(one.id, True, 21, "").named("v2")
    assert (won.state, won.history[-1].checks, won.evidence) == ("promoted", PASSED, ())
    assert found.pointed(one.id, True, 21, "") == found, "nobody asked"


def test_a_flip_by_hand_has_everybody_compared_anew() -> None:
    found = reached("on trial").submit("v3", "cd", "v1", 30, "bob", "", HANDS_OFF)
    after = found.followed("v9", 31)
    assert [(one.version, one.state, one.against, one.comparison) for one in after.open] == [
        ("v2", "back-tested", "v9", 3),
        ("v3", "submitted", "v9", 4),
    ]
    assert after.followed("v9", 32) == after
    made = found.followed("v2", 31)
    assert made.named("v2").state == "withdrawn"
    assert made.named("v3").against == "v2"


def test_while_one_is_watched_no_other_is_promoted() -> None:
    policy = replace(HANDS_OFF, trial=False, watch=DAY)
    found = reached("promoted", policy)
    begin = found.named("v2").since
    found = found.submit("v3", "cd", "v2", begin, "bob", "", policy)
    for _ in range(3):
        found = found.judged(found.named("v3").id, PASSED, begin, policy)
    assert found.named("v3").state == "shadowed"
    assert found.judged(found.named("v3").id, PASSED, begin + DAY - 1, policy) == found
    assert found.judged(found.named("v3").id, PASSED, begin + DAY, policy).named("v3").asked == "promoted"


def test_what_persons_may_not() -> None:
    found = submitted()
    acts: tuple[tuple[str, Callable[[], Register]], ...] = (
        ("is the champion", lambda: found.submit("v1", "", "v1", 2, "ann", "", HANDS_OFF)),
        ("is a candidate already", lambda: found.submit("v2", "", "v1", 2, "ann", "", HANDS_OFF)),
        ("most_open is 1", lambda: found.submit("v3", "", "v1", 2, "ann", "", replace(HANDS_OFF, most_open=1))),
        ("never submitted", lambda: found.withdraw("v7", 2, "ann", "")),
        ("say who you are", lambda: found.withdraw("v2", 2, MONITOR, "")),
        ("a family ends", lambda: found.begin_family("ann")),
        ("rejected already", lambda: found.reject("v2", 2, "ann", "").withdraw("v2", 3, "ann", "")),
        ("is submitted", lambda: found.roll_back("1")),
    )
    for text, act in acts:
        with pytest.raises(Refused, match=text):
            act()
    asked = reached("on trial")
    asked = asked.judged("1", PASSED, 20, HANDS_OFF)
    with pytest.raises(Refused, match="being made the champion"):
        asked.withdraw("v2", 21, "ann", "")


def test_a_new_family_spends_anew_and_only_then() -> None:
    found = submitted().withdraw("v2", 2, "ann", "").submit("v2", "", "v1", 3, "ann", "", HANDS_OFF)
    assert found.named("v2").comparison == 2
    found = found.withdraw("v2", 4, "ann", "").begin_family("ann")
    assert (found.family, found.submit("v2", "", "v1", 5, "ann", "", HANDS_OFF).named("v2").comparison) == (2, 1)


def test_the_oldest_of_those_that_ended_are_forgotten() -> None:
    found = reached("promoted")
    for number in range(ENDED + 3):
        found = found.submit(f"w{number}", "", "v2", 9, "ann", "", HANDS_OFF).withdraw(f"w{number}", 9, "ann", "")
    kept = found.quiet().of.values()
    assert len(kept) == ENDED + 1
    assert {"v2", f"w{ENDED + 2}"} <= {one.version for one in kept}
    assert "w2" not in {one.version for one in kept}


class Life(RuleBasedStateMachine):
    """Any order of commands, evidence, pointers and restarts. What was told is the audit, and a model of its own."""

    @initialize(trial=st.booleans(), approve=st.sets(st.sampled_from(ORDER[1:])), most=st.integers(1, 4))
    def begin(self, trial: bool, approve: set[State], most: int) -> None:
        self.policy = Policy(approve=frozenset(approve), trial=trial, most_open=most, watch=5)
        self.register, self.time, self.champion = Register(), 0, "v0"
        self.audit: dict[str, list[State]] = {}
        self.consent: dict[str, int] = {}
        self.spent: list[tuple[int, int]] = []

    def _take(self, after: Register) -> None:
        self.time += 1
        for id_, move in after.told:
            self.audit.setdefault(id_, []).append(move.after)
        fresh = after.comparisons if after.family == self.register.family else 0
        before = self.register.comparisons if after.family == self.register.family else 0
        self.spent += [(after.family, number) for number in range(before + 1, fresh + 1)]
        self.register = after.quiet()

    def _any(self, number: int) -> Candidate | None:
        found = list(self.register.of.values())
        return found[number % len(found)] if found else None

    @rule(version=st.sampled_from(["v0", "v1", "v2", "v3"]))
    def submit(self, version: str) -> None:
        try:
            after = self.register.submit(version, "", self.champion, self.time, "ann", "", self.policy)
        except Refused:
            return
        self._take(after)

    @rule(number=st.integers(0, 9), checks=st.sampled_from([PASSED, PASSED, PASSED, FAILED, WAITING]))
    def judge(self, number: int, checks: tuple[Check, ...]) -> None:
        one = self._any(number)
        if one is not None:
            self._take(self.register.judged(one.id, checks, self.time, self.policy))

    @rule(number=st.integers(0, 9))
    def approve(self, number: int) -> None:
        one = self._any(number)
        if one is None:
            return
        try:
            after = self.register.approve(one.version, "ann", self.policy)
        except Refused:
            return
        self.consent[self.register.named(one.version).id] = self.consent.get(one.id, 0) + 1
        self._take(after)

    @rule(number=st.integers(0, 9), reject=st.booleans())
    def end(self, number: int, reject: bool) -> None:
        one = self._any(number)
        if one is None:
            return
        act = self.register.reject if reject else self.register.withdraw
        try:
            after = act(one.version, self.time, "ann", "")
        except Refused:
            return
        self._take(after)

    @precondition(lambda self: any(one.asked for one in self.register.of.values()))
    @rule(done=st.booleans())
    def pointer(self, done: bool) -> None:
        one = next(one for one in self.register.of.values() if one.asked)
        if done and one.asked == "promoted":
            self.champion = one.version
        elif done and one.asked == "rolled back":
            self.champion = one.against
        self._take(self.register.pointed(one.id, done, self.time, ""))

    @rule(number=st.integers(0, 9))
    def back(self, number: int) -> None:
        one = self._any(number)
        if one is not None and one.state == "promoted" and not one.asked:
            self._take(self.register.roll_back(one.id))

    @rule(champion=st.sampled_from(["v0", "v1", "v2", "v9"]), by_hand=st.booleans())
    def follow(self, champion: str, by_hand: bool) -> None:
        self.champion = champion if by_hand else self.champion
        self._take(self.register.followed(self.champion, self.time))

    @rule()
    def restart(self) -> None:
        found = Register.of_plain(json.loads(json.dumps(self.register.plain())))
        assert found == self.register
        self.register = found

    @rule()
    def family(self) -> None:
        try:
            self._take(self.register.begin_family("ann"))
        except Refused:
            return

    @invariant()
    def the_audit_is_the_history(self) -> None:
        for id_, one in self.register.of.items():
            assert [move.after for move in one.history] == self.audit[id_]
            assert one.state == self.audit[id_][-1]
            assert [move.number for move in one.history] == list(range(1, len(one.history) + 1))

    @invariant()
    def nobody_gets_around_a_step(self) -> None:
        for id_, states in self.audit.items():
            assert states[0] == "submitted"
            for before, after in pairwise(states):
                if after in ORDER:
                    forward = ORDER.index(after) - ORDER.index(before)
                    skipped = not self.policy.trial and (before, after) == ("shadowed", "promoted")
                    assert forward == 1 or skipped or (before in LIVE and after == "back-tested"), states
                else:
                    assert before in OPEN or (before, after) == ("promoted", "rolled back")
            for state in ("rejected", "withdrawn", "rolled back"):
                assert state not in states[:-1], f"{id_} went on after its end: {states}"
            wanted = sum(after in self.policy.approve for after in states[1:] if after in ORDER)
            anew = sum(before in LIVE and after == "back-tested" for before, after in pairwise(states))
            assert self.consent.get(id_, 0) >= wanted - anew

    @invariant()
    def alpha_is_spent_once(self) -> None:
        assert len(set(self.spent)) == len(self.spent)
        open_ = [(self.register.family, one.comparison) for one in self.register.open]
        assert len(set(open_)) == len(open_), "two comparisons share one number"
        for family in {family for family, _ in self.spent}:
            assert sum(share_of(k, 0.05) for one, k in self.spent if one == family) <= 0.05

    @invariant()
    def only_one_is_on_trial_and_one_pointer_changed(self) -> None:
        assert sum("on trial" in (one.state, one.asked) for one in self.register.open) <= 1
        assert len(self.register.open) <= self.policy.most_open
        versions = [one.version for one in self.register.open]
        assert len(set(versions)) == len(versions)


Life.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase
