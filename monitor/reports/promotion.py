"""What would be if a version were the champion: how it keeps the requirements on the events that it scored. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.judge.verdicts import Verdict
from monitor.reports.requirements import Row, of_version
from scorer.quality.requirement import Requirement

OTHERS = ("challenger", "trial")
"""The roles of a version that is not the champion."""


@dataclass(frozen=True, slots=True)
class Beside:
    """One requirement: what is said of the version, and of the champion in the same window (``None``: nothing)."""

    candidate: Row
    champion: Row | None


@dataclass(frozen=True, slots=True)
class Promotion:
    """A version in one role beside the champion. ``unscored`` counts the events that it could not score, by reason.

    A challenger scores all events that the champion scores, a trial those of its share.
    """

    version: str
    role: str
    champion: str | None
    requirements: tuple[Beside, ...]
    unscored: Mapping[str, int]

    @property
    def failed(self) -> list[str]:
        """The guarded requirements that it does not keep."""
        return self._said("FAIL")

    @property
    def undecided(self) -> list[str]:
        """The guarded requirements of which it is not known."""
        return self._said("INSUFFICIENT")

    @property
    def conclusion(self) -> str:
        """What would be, in one sentence."""
        guarded = [one.candidate for one in self.requirements if one.candidate.guarded]
        if self.failed:
            return f"it would break {', '.join(self.failed)}"
        if self.undecided:
            return f"it is not known yet whether it keeps {', '.join(self.undecided)}"
        if not guarded:
            return "nothing is required of it"
        before = sum(one.failed for one in guarded)
        earlier = f", and broke them in {before} earlier {'window' if before == 1 else 'windows'}" if before else ""
        return f"it keeps all {len({one.requirement for one in guarded})} requirements in their latest windows{earlier}"

    def _said(self, verdict: str) -> list[str]:
        rows = [one.candidate for one in self.requirements if one.candidate.guarded]
        return list(dict.fromkeys(f"{one.name} ({one.bounds})" for one in rows if one.verdict == verdict))


def promotion(
    version: str,
    role: str,
    champion: str | None,
    verdicts: Sequence[Verdict],
    requirements: Sequence[Requirement],
    unscored: Mapping[str, int],
) -> Promotion:
    """What is said of ``version`` in ``role``; ``unscored`` by reason."""
    table = tuple(Beside(*both) for both in of_version(verdicts, requirements, role, version))
    return Promotion(version, role, champion, table, dict(sorted(unscored.items(), key=lambda one: (-one[1], one[0]))))


def in_question(challengers: Collection[str], verdicts: Iterable[Verdict], since: int) -> list[tuple[str, str]]:
    """Versions that may be promoted, with their role: challengers that are followed, and whoever was judged of windows
    that ended after ``since`` (microseconds)."""
    judged = {(one.version, one.role) for one in verdicts if one.role in OTHERS and one.end > since}
    return sorted(judged | {(version, OTHERS[0]) for version in challengers})
