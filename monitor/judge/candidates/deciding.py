"""What is to be so for a candidate in its state: the checks of each step, from what is known. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.judge.candidates.candidate import Candidate
from monitor.judge.candidates.check import Check, Standing, gate, lasted, least, no_worse, patience, required
from monitor.judge.candidates.pairs import Comparison
from monitor.judge.candidates.policy import Policy
from monitor.judge.verdicts import Verdict
from monitor.judge.wording import span


@dataclass(frozen=True, slots=True)
class Known:
    """What is known at the tick ``time``. All cohorts that begin before ``closed`` are closed. ``reports`` are the
    checks of what was examined outside of the monitor, by candidate and state; ``guarded`` are the requirements that
    must be kept, by identity."""

    time: int
    closed: int
    policy: Policy
    comparisons: Mapping[str, Comparison]
    reports: Mapping[tuple[str, str], Sequence[Check]]
    verdicts: Sequence[Verdict]
    guarded: Sequence[str]


def checks(one: Candidate, known: Known) -> list[Check]:
    """Those of the step that the candidate is in; empty where its life is over."""
    if one.state in ("submitted", "regression-tested"):
        report = known.reports.get((one.id, one.state), ())
        return list(report) or [Check("report", "open", "it is being made")]
    if one.state == "back-tested":
        return _shadowed(one, known)
    if one.state == "shadowed":
        return [Check("ready", "passed", "the gate was open")]
    return _tried(one, known) if one.state == "on trial" else []


def _shadowed(one: Candidate, known: Known) -> list[Check]:
    policy, comparison = known.policy, known.comparisons.get(one.id)
    if comparison is None:
        found = [Check("shadow", "open", "it is not scored in the shadow yet")]
    else:
        since = known.closed if comparison.since is None else comparison.since
        found = [lasted(since, known.closed, policy.shadow_least), *_compared(one, comparison, policy)]
        found += _kept(one, "challenger", since, known)
    return [*found, patience(one.since, known.time, policy.shadow_most, found)]


def _tried(one: Candidate, known: Known) -> list[Check]:
    policy, comparison = known.policy, known.comparisons.get(one.id)
    found = [lasted(one.since, known.time, policy.trial_least)]
    found += [] if comparison is None else _compared(one, comparison, policy)
    since = known.closed if comparison is None or comparison.since is None else comparison.since
    found += _kept(one, "trial", since, known, "failed")
    return [*found, patience(one.since, known.time, policy.trial_most, found)]


def _compared(one: Candidate, comparison: Comparison, policy: Policy) -> list[Check]:
    """Pairs, how many have both scores, the gates, and the segments."""
    n, matched = comparison.n, comparison.matched
    share = matched / n if n else 0.0
    found = [
        least("pairs", n, policy.pairs_least, f"{n:,} of {policy.pairs_least:,}"),
        least("matched", share, policy.matched_least, f"{matched:,} of {n:,} pairs have both scores"),
    ]
    for name in policy.margins:
        evidence = comparison.gates[name].evidence if name in comparison.gates else 0.0
        found.append(gate(name, evidence, one.comparison, policy.alpha))
    chances = max(1, len(comparison.worse))
    for (field, value), worse in comparison.worse.items():
        found.append(no_worse(f"{field} = {value}", worse.peak, policy.alpha / chances))
    return found


def _kept(one: Candidate, role: str, since: int, known: Known, fails: Standing = "open") -> list[Check]:
    own = [verdict for verdict in known.verdicts if verdict.role == role and verdict.version == one.version]
    return required(own, known.guarded, since, fails)


def watched(one: Candidate, known: Known) -> list[Check]:
    """Of a new champion in its watch period: ``failed`` where the old one, now in the shadow, is better for sure."""
    comparison = known.comparisons.get(one.id)
    left = one.since + known.policy.watch - known.time
    if left <= 0:
        return []
    found = [Check("watch", "passed", f"for another {span(left)}")]
    for name, evidence in (
        {} if comparison is None else {name: it.peak for name, it in comparison.gates.items()}.items()
    ):
        found.append(no_worse(f"{name}, beside {one.against}", evidence, known.policy.alpha))
    return found
