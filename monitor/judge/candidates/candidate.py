"""One candidate and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from monitor.judge.candidates.check import Check
from monitor.judge.candidates.states import OPEN, State


@dataclass(frozen=True, slots=True)
class Transition:
    """One move, the ``number``-th of its candidate, from 1: when (microseconds since 1970), by whom, why, and what the
    checks were. ``before`` is ``None`` for the submission."""

    number: int
    before: State | None
    after: State
    time: int
    actor: str
    why: str
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """``id`` is that of its submission; ``digest`` is the version's, in hexadecimal.

    ``against`` is the champion that it is compared with, and ``comparison`` the number of that comparison in its
    family: what it may spend of alpha follows from it. ``approved`` by whom, empty: nobody has agreed to its next step
    yet. ``asked``: the state for which a pointer is being changed now, if one is, and ``evidence`` the
    checks that asked for it.
    """

    id: str
    version: str
    digest: str
    state: State
    against: str
    comparison: int
    approved: str = ""
    asked: State | None = None
    evidence: tuple[Check, ...] = ()
    history: tuple[Transition, ...] = ()

    @property
    def since(self) -> int:
        """The time of its last move."""
        return self.history[-1].time

    @property
    def open(self) -> bool:
        """Whether it may still be promoted."""
        return self.state in OPEN

    def plain(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return asdict(self)

    @staticmethod
    def of_plain(facts: Mapping[str, Any]) -> Candidate:
        """What :meth:`plain` gave."""
        history = tuple(
            Transition(**{**one, "checks": tuple(Check(**check) for check in one["checks"])})
            for one in facts["history"]
        )
        evidence = tuple(Check(**check) for check in facts["evidence"])
        return Candidate(**{**facts, "history": history, "evidence": evidence})
