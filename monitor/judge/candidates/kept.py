"""What the state keeps of candidates, and how."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from monitor.judge.candidates.check import Check
from monitor.judge.candidates.pairs import Comparison
from monitor.judge.candidates.policy import Policy
from monitor.judge.candidates.register import Register

KEPT: Final = "candidates"
PAIRS: Final = "candidate pairs"
CHECKS: Final = "candidate checks"
"""Under which names the state keeps the register and reports, the comparisons, and how the checks stand: what changes
with every tick is small."""

SHADOWED: Final = ("back-tested", "shadowed", "on trial")
"""States in which a candidate is scored in the shadow."""


@dataclass(slots=True)
class Kept:
    """What the state keeps. ``reports`` and ``checks`` are by id of the candidate; reports also by its state.
    ``ratcheted`` are the ids of those that were promoted, and after whose promotion requirements were looked at."""

    register: Register = field(default_factory=Register)
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    reports: dict[tuple[str, str], tuple[Check, ...]] = field(default_factory=dict)
    checks: dict[str, tuple[Check, ...]] = field(default_factory=dict)
    ratcheted: list[str] = field(default_factory=list)

    @property
    def parts(self) -> dict[str, bytes]:
        """All of it by the names under which it is kept, as UTF-8 JSON."""
        lives = {
            "register": self.register.plain(),
            "reports": [[*key, [asdict(one) for one in found]] for key, found in self.reports.items()],
            "ratcheted": self.ratcheted,
        }
        pairs = {id_: one.plain() for id_, one in self.comparisons.items()}
        checks = {id_: [asdict(one) for one in found] for id_, found in self.checks.items()}
        found = {KEPT: lives, PAIRS: pairs, CHECKS: checks}
        return {name: json.dumps(facts, allow_nan=False).encode() for name, facts in found.items()}

    @staticmethod
    def read(kept: Callable[[str], bytes | None]) -> Kept:
        """What ``kept`` says of these names; nobody where it says nothing."""
        lives, pairs, checks = (json.loads(kept(name) or b"null") for name in (KEPT, PAIRS, CHECKS))
        if lives is None:
            return Kept()
        return Kept(
            Register.of_plain(lives["register"]),
            {id_: Comparison.of_plain(one) for id_, one in (pairs or {}).items()},
            {(id_, state): checks_of(found) for id_, state, found in lives["reports"]},
            {id_: checks_of(found) for id_, found in (checks or {}).items()},
            lives["ratcheted"],
        )

    def wanted(self, time: int, policy: Policy) -> tuple[str, ...]:
        """The versions that are to be scored in the shadow at ``time``: candidates, and a champion of before while the
        new one is watched."""
        found = [one.version for one in self.register.open if one.state in SHADOWED]
        watched = (one for one in self.register.of.values() if one.state == "promoted")
        found += [one.against for one in watched if time < one.since + policy.watch]
        return tuple(dict.fromkeys(found))


def checks_of(found: Sequence[Mapping[str, Any]]) -> tuple[Check, ...]:
    """Checks that were written as JSON has them."""
    return tuple(Check(**one) for one in found)
