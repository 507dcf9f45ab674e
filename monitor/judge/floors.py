"""What is required at least, whatever ``requirements.toml`` says by now.

Requirements only tighten. What was once in force stays so though the file asks for less, or for nothing any more; the
file can only ask for more. A person alone loosens a requirement, by a command that says why. Each change of a
requirement has a number, so of two places that hold it the one with the greater number knows of all changes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from monitor.judge.verdicts import identity
from scorer.quality.requirement import Requirement
from scorer.quality.requirements import parse
from scorer.quality.written import loosened, to_toml

KEPT: Final = "floors"
"""Under which name the state keeps them."""

FILE: Final = "requirements.toml"
"""Who changes a requirement by writing it down."""

CHANGES: Final = 1_000
"""So many changes are remembered, the last ones."""


@dataclass(frozen=True, slots=True)
class Floor:
    """A requirement in force. ``revision`` counts its changes, from 1; it is as it is since ``time`` (microseconds
    since 1970), by ``actor``, who said ``why``.

    ``dropped``: a person has taken it back. Until the state is built anew it is judged, and nothing follows from it.
    """

    requirement: Requirement
    revision: int
    time: int
    actor: str
    why: str
    dropped: bool = False

    @property
    def in_force(self) -> Requirement:
        """What is asked."""
        return replace(self.requirement, guarded=False) if self.dropped else self.requirement

    @property
    def said(self) -> str:
        """What is asked, in words."""
        return "dropped" if self.dropped else words(self.requirement)

    @property
    def toml(self) -> str:
        """The requirement as the file has it; :func:`only` reads it back."""
        return to_toml([self.requirement], "").strip() + "\n"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one requirement, by its identity: ``before`` and ``after`` in words, ``before`` empty for a new
    one."""

    requirement: str
    revision: int
    time: int
    actor: str
    why: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Floors:
    """All that are in force, by ``verdicts.identity``, in the order in which they came to be, and the last changes."""

    of: Mapping[str, Floor] = field(default_factory=dict)
    history: tuple[Change, ...] = ()

    @property
    def in_force(self) -> tuple[Requirement, ...]:
        """What is asked."""
        return tuple(one.in_force for one in self.of.values())

    def meet(self, written: Iterable[Requirement], time: int) -> Floors:
        """With what the file asks for beyond them, from ``time`` on."""
        after = self
        for one in written:
            name, held = identity(one), after.of.get(identity(one))
            if held is None:
                after = after._with(name, Floor(one, 1, time, FILE, "it is new"))
            elif held.dropped:
                after = after._with(name, Floor(one, held.revision + 1, time, FILE, "it is written down again"))
            else:
                strict = stricter(held.requirement, one)
                if demands(strict) == demands(held.requirement):  # its baseline may be another
                    after = Floors({**after.of, name: replace(held, requirement=strict)}, after.history)
                else:
                    after = after._with(name, Floor(strict, held.revision + 1, time, FILE, "it is written down"))
        return after

    def join(self, others: Iterable[Floor]) -> Floors:
        """With those that another place holds: of each requirement the later revision; of two that differ under one
        number, which only a state that was copied and went on twice can bring about, what is required by both."""
        after = self
        for one in others:
            name, held = identity(one.requirement), after.of.get(identity(one.requirement))
            if held is None or one.revision > held.revision:
                after = after._with(name, one)
            elif one.revision == held.revision and _asked(one) != _asked(held):
                both = one if held.dropped else held
                if not (one.dropped or held.dropped):
                    both = replace(held, requirement=stricter(held.requirement, one.requirement))
                after = after._with(name, replace(both, revision=held.revision + 1))
        return after

    def objection(self, name: str, to: Requirement | None) -> str:
        """Why the requirement of this identity cannot be loosened so; empty where it can. ``None``: it is dropped."""
        held = self.of.get(name)
        if held is None:
            return f"nothing is required under the name {name}; monitor requirements show lists the names"
        if held.dropped:
            return f"{name} is dropped already"
        if to is not None and identity(to) != name:
            return f"{identity(to)} is another requirement than {name}"
        if to is not None and not loosened([held.requirement], [to]):
            return (
                f"{name} asks for {held.said}, and {words(to)} is no less: nothing is to be loosened. What is stricter "
                f"is in force once {FILE} has it and the monitor was started again"
            )
        return ""

    def loosen(self, name: str, to: Requirement | None, time: int, actor: str, why: str) -> Floors:
        """With that requirement as a person wants it. Raises ValueError where there is an objection."""
        why_not = self.objection(name, to)
        if why_not:
            raise ValueError(why_not)
        held = self.of[name]
        new = Floor(to or held.requirement, held.revision + 1, time, actor, why, dropped=to is None)
        return self._with(name, new)

    def tighten(self, name: str, to: Requirement, time: int, actor: str, why: str) -> Floors:
        """With that requirement at what is required by both, as it is and as ``to`` is; the same where that is no more.
        Raises KeyError where nothing is required under the name."""
        held = self.of[name]
        strict = stricter(held.requirement, to)
        if held.dropped or demands(strict) == demands(held.requirement):
            return self
        return self._with(name, Floor(strict, held.revision + 1, time, actor, why))

    def whole(self) -> Floors:
        """Without what was dropped."""
        return Floors({name: one for name, one in self.of.items() if not one.dropped}, self.history)

    def changed(self, before: Floors) -> list[Floor]:
        """Those that are not as they were."""
        return [one for name, one in self.of.items() if _known(before.of.get(name)) != _known(one)]

    def to_json(self) -> bytes:
        """All of it, as UTF-8 JSON."""
        floors = [
            {
                "toml": one.toml,
                "revision": one.revision,
                "time": one.time,
                "actor": one.actor,
                "why": one.why,
                "dropped": one.dropped,
            }
            for one in self.of.values()
        ]
        return json.dumps({"floors": floors, "history": [asdict(one) for one in self.history]}).encode()

    @staticmethod
    def of_json(data: bytes) -> Floors:
        """What :meth:`to_json` gave."""
        facts = json.loads(data)
        floors = [Floor(only(one.pop("toml")), **one) for one in facts["floors"]]
        history = tuple(Change(**one) for one in facts["history"])
        return Floors({identity(one.requirement): one for one in floors}, history)

    def _with(self, name: str, floor: Floor) -> Floors:
        held = self.of.get(name)
        change = Change(
            name, floor.revision, floor.time, floor.actor, floor.why, "" if held is None else held.said, floor.said
        )
        return Floors({**self.of, name: floor}, (*self.history, change)[-CHANGES:])


def only(toml: str) -> Requirement:
    """The one requirement of a text. Raises SettingsError where it has a mistake, or none or several."""
    found = parse(toml, "the requirement")
    if len(found) != 1:
        raise ValueError(f"one requirement is asked for, and here are {len(found)}")
    return found[0]


def stricter(held: Requirement, one: Requirement) -> Requirement:
    """What is required by both, which are about the same. Where no value could meet both, what is ``held`` stays."""
    minimum, maximum = _bound(max, held.minimum, one.minimum), _bound(min, held.maximum, one.maximum)
    if minimum is not None and maximum is not None and minimum > maximum:
        return held
    both = replace(
        held,
        minimum=minimum,
        maximum=maximum,
        least_labels=min(held.least_labels, one.least_labels),
        guarded=held.guarded or one.guarded,
    )
    return one if demands(both) == demands(one) else both


def demands(one: Requirement) -> tuple[object, ...]:
    """How much a requirement asks for."""
    return one.minimum, one.maximum, one.least_labels, one.guarded


def words(one: Requirement) -> str:
    """How much a requirement asks for, in words."""
    return f"{one.bounds} by {one.least_labels:,} labels{'' if one.guarded else ', not guarded'}"


def less(floors: Floors, written: Sequence[Requirement]) -> list[str]:
    """What the file asks less for than is in force, a sentence for each."""
    return loosened([one.requirement for one in floors.of.values() if not one.dropped], written)


def _asked(one: Floor) -> tuple[object, ...]:
    return (*demands(one.requirement), one.dropped)


def _known(one: Floor | None) -> tuple[object, ...] | None:
    return None if one is None else (*_asked(one), one.revision)


def _bound(pick: Callable[[Iterable[float]], float], *bounds: float | None) -> float | None:
    given = [one for one in bounds if one is not None and not math.isnan(one)]
    return pick(given) if given else None
