"""What a running monitor answers to the command that loosens a requirement, whoever sends it."""

from __future__ import annotations

from typing import cast

import pytest

from monitor.answering import loosen
from monitor.commands import Answer, Command
from monitor.judge.floors import Floors
from monitor.judge.judging import Judge, Setting
from monitor.judge.outputs import Outputs
from monitor.store.step import Step
from scorer.quality.metrics import METRICS, ONCE
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement
from scorer.quality.written import to_toml
from scorer.registry.instances import Json

NAME = "accuracy//day/once"


def asking(minimum: float = 0.6, metric: str = "accuracy") -> Requirement:
    return Requirement(METRICS[metric], Parameters(), "day", ONCE, 20, minimum=minimum)


class Held:
    """What is in force, and the judge that asks it."""

    def __init__(self) -> None:
        self.floors = Floors().meet([asking()], 1)
        self.judge = Judge.new(Setting(self.floors.in_force, Outputs("binary", ("no", "yes")), (), 0.05, 200.0))

    def require(self, _step: Step, floors: Floors) -> None:
        """Let other ones be in force."""
        self.judge.require(floors.in_force)
        self.floors = floors

    def answer(self, toml: Json, name: str = NAME, expected: str | None = "1") -> Answer:
        """To a command with this payload, at tick 7."""
        command = Command("c-1", "loosen", "ann", "a new sensor", expected, {"requirement": name, "toml": toml})
        return loosen(self)(cast("Step", None), command, 7)


@pytest.mark.parametrize(
    ("toml", "why"),
    [
        (to_toml([asking(0.7)], ""), "is no less"),
        (to_toml([asking(0.6)], ""), "is no less"),
        (to_toml([asking(0.1, "recall")], ""), "is another requirement"),
        (to_toml([asking(0.1), asking(0.1, "recall")], ""), "it is not understood"),
        ("minimum = ", "it is not understood"),
        ("", "it is not understood"),
        (7, "it is not understood"),
        (to_toml([asking(-0.5)], ""), "lies between 0 and 1"),
    ],
)
def test_what_loosens_nothing_or_makes_no_sense_is_refused_and_changes_nothing(toml: Json, why: str) -> None:
    held = Held()
    before = held.floors
    answer = held.answer(toml)
    assert (answer.done, answer.present) == (False, "1")
    assert why in answer.text
    assert held.floors is before


def test_of_two_who_have_seen_the_same_one_is_refused() -> None:
    held = Held()
    first, second = (held.answer(to_toml([asking(minimum)], "")) for minimum in (0.5, 0.1))
    assert (first.done, first.present) == (True, "2")
    assert first.text == f"loosened: {NAME} is at least 0.5 by 20 labels"
    assert (second.done, second.present) == (False, "2")
    assert "it is 2, not 1 as expected" in second.text
    assert held.judge.wanted[NAME].minimum == 0.5
    [change] = held.floors.history[1:]
    assert (change.actor, change.why, change.time) == ("ann", "a new sensor", 7)


def test_what_is_not_required_is_unknown() -> None:
    answer = Held().answer(None, "nonsense", None)
    assert (answer.done, answer.present) == (False, "unknown")
    assert "nothing is required under the name nonsense" in answer.text


def test_what_is_dropped_is_judged_and_not_guarded() -> None:
    held = Held()
    assert held.answer(None).text == f"loosened: {NAME} is dropped"
    assert not held.judge.wanted[NAME].guarded
    assert "is dropped already" in held.answer(None, expected="2").text
