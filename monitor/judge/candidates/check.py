"""What has to be so for a candidate to leave its step: each check has passed, has failed, or is open."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from monitor.judge.verdicts import Verdict
from monitor.judge.wording import number, span
from monitor.stats.continuous.spending import share_of

Standing = Literal["passed", "failed", "open"]


@dataclass(frozen=True, slots=True)
class Check:
    """One of them: what it is called, how it stands, why in words, and the numbers behind it."""

    name: str
    standing: Standing
    text: str
    numbers: Mapping[str, float] = field(default_factory=dict)


def together(checks: Iterable[Check]) -> Standing:
    """``failed`` where one has failed, ``passed`` where all have passed; without any nothing is known."""
    standings = [one.standing for one in checks]
    if "failed" in standings:
        return "failed"
    return "passed" if standings and set(standings) == {"passed"} else "open"


def least(name: str, found: float, wanted: float, text: str) -> Check:
    """That a number has reached what it shall reach at least."""
    return Check(name, "passed" if found >= wanted else "open", text, {"found": found, "least": wanted})


def lasted(since: int, now: int, wanted: int) -> Check:
    """That a step has lasted long enough; microseconds."""
    text = f"{span(max(0, now - since))} of {span(wanted)}"
    return least("duration", max(0, now - since), wanted, text)


def patience(since: int, now: int, most: int, checks: Iterable[Check]) -> Check:
    """That a step with open checks has not lasted too long; microseconds."""
    waiting = [one.name for one in checks if one.standing == "open"]
    over = bool(waiting) and now - since > most
    text = f"{', '.join(waiting)} open after {span(now - since)}" if over else f"up to {span(most)}"
    return Check("patience", "failed" if over else "passed", text, {"most": most})


def gate(name: str, evidence: float, k: int, alpha: float) -> Check:
    """That the evidence (its logarithm) is enough now, for the ``k``-th comparison of a family that may spend
    ``alpha`` (``spending``)."""
    wanted = -math.log(share_of(k, alpha))
    text = f"evidence {number(math.exp(min(evidence, 700.0)))}, needed {number(math.exp(wanted))}"
    return least(f"gate {name}", evidence, wanted, text)


def no_worse(name: str, evidence: float, alpha: float) -> Check:
    """That there is no evidence (its logarithm) of being worse, at ``alpha``: such evidence stays evidence, so
    ``evidence`` is the most that there ever was."""
    worse = evidence >= -math.log(alpha)
    return Check(f"not worse: {name}", "failed" if worse else "passed",
                 f"evidence of being worse {number(math.exp(min(evidence, 700.0)))}, too much at {number(1.0 / alpha)}",
                 {"evidence": evidence, "most": -math.log(alpha)})  # fmt: skip


def required(verdicts: Iterable[Verdict], wanted: Iterable[str], since: int, fails: Standing = "open") -> list[Check]:
    """That each requirement ``wanted``, by identity, is kept by outcomes of windows that end after ``since``.

    ``verdicts`` are those of the candidate in one role. The newest window that decides counts, in each segment. In the
    shadow a FAIL leaves the check open, since the time may be bad for every version: patience ends it. ``fails`` is how
    the check stands after one.
    """
    newest: dict[str, dict[object, Verdict]] = {name: {} for name in wanted}
    for one in sorted(verdicts, key=lambda one: one.number):
        if one.requirement in newest and one.end > since and not (one.provisional and one.verdict == "INSUFFICIENT"):
            newest[one.requirement][one.segment] = one
    return [_required(name, list(found.values()), fails) for name, found in newest.items()]


def _required(name: str, found: list[Verdict], fails: Standing) -> Check:
    bad = min((one for one in found if one.verdict != "PASS"), key=lambda one: one.verdict, default=None)
    if bad is not None:
        return Check(
            f"requirement {name}",
            fails if bad.verdict == "FAIL" else "open",
            f"{bad.verdict}: {bad.reason}",
            {"labels": bad.n},
        )
    if not found:
        return Check(f"requirement {name}", "open", "it was not judged yet")
    return Check(f"requirement {name}", "passed", "PASS", {"labels": min(one.n for one in found)})
