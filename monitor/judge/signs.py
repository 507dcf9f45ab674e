"""What of the facts at a tick is a reason to alarm somebody: each a sign, with what to say of it and what to do next.

Signs are about one tick. What becomes of them over time, such as that one incident is told once, is for
``monitor.judge.incidents``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from monitor.judge import wording
from monitor.judge.facts import Facts, Flip, Rules, Unscored
from monitor.judge.verdicts import Segment, Verdict

Kind = Literal[
    "requirement", "challenger", "unscored", "no labels", "no predictions", "stale stream", "coverage", "behind", "flip"
]
Severity = Literal["WARNING", "ALARM", "FAIL"]
SEVERITIES: tuple[Severity, ...] = ("WARNING", "ALARM", "FAIL")
"""In rising order. ALARM: a fast detector, which is wrong now and then. FAIL: a verdict."""

SHOWN = 24
"""Most windows in a trend."""

LEAST = 100
"""Of fewer predictions or events a share says nothing."""


@dataclass(frozen=True, slots=True)
class Point:
    """One window of a trend; ``label`` names it. Infinite bounds are ``None``."""

    label: str
    value: float
    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Trend:
    """A metric over the last windows, the oldest first, and what is required of it."""

    name: str
    points: tuple[Point, ...]
    minimum: float | None
    maximum: float | None


@dataclass(frozen=True, slots=True)
class Sign:
    """One reason. ``kind`` and ``subject`` say what it is about; there is one for each at a tick.

    ``headline`` is one line, ``text`` says in a few sentences what it means, ``numbers`` are names and values,
    ``advice`` what to do and the command for it (empty where there is none).

    - ``holding``: neither a reason to alarm nor to call it over, as evidence in the middle is.
    - ``opens``: false for what lies so long back that nobody is to be woken for it.
    - ``window``: the number of the window it rests on, 0 for others.
    - ``alarms``: of a detector, how often it has alarmed, and ``detector`` which one that is. Such a sign without a
      verdict counts at the tick at which the number has risen.
    """

    kind: Kind
    subject: str
    severity: Severity
    headline: str
    text: str = ""
    numbers: tuple[tuple[str, str], ...] = ()
    advice: tuple[tuple[str, str], ...] = ()
    trend: Trend | None = None
    holding: bool = False
    opens: bool = True
    window: int = 0
    alarms: int = 0
    detector: str = ""

    @property
    def key(self) -> str:
        """Kind and subject."""
        return f"{self.kind}/{self.subject}" if self.subject else self.kind


def signs(facts: Facts, rules: Rules) -> list[Sign]:
    """All signs at a tick, ordered by key."""
    found = [*_performance(facts, rules), *_streams(facts, rules), *_coverage(facts, rules)]
    found += [*_unscored(facts, rules), *_flips(facts, rules)]
    return sorted(found, key=lambda sign: sign.key)


# -- verdicts ------------------------------------------------------------------------------------------------------


def _performance(facts: Facts, rules: Rules) -> Iterator[Sign]:
    groups: dict[tuple[str, str, Segment | None], list[Verdict]] = defaultdict(list)
    for one in facts.verdicts:
        if one.guarded and one.role == "champion":
            groups["", one.requirement, one.segment].append(one)
        elif one.guarded and one.role == "challenger" and one.version in facts.challengers:
            groups[one.version, one.requirement, one.segment].append(one)
    for (challenger, requirement, segment), verdicts in groups.items():
        about = requirement if segment is None else f"{requirement} {segment[0]}={segment[1]}"
        # Within a window the version that is champion now is what counts.
        ordered = sorted(verdicts, key=lambda one: (one.number, one.version == facts.champion, one.time, one.version))
        if challenger:
            yield from _challenger(facts, rules, f"{challenger}/{about}", ordered)
        else:
            yield from _champion(facts, rules, about, ordered)


def _champion(facts: Facts, rules: Rules, about: str, ordered: Sequence[Verdict]) -> Iterator[Sign]:
    last, decided = ordered[-1], _decided(ordered)
    opens = facts.time - last.end <= rules.oldest
    detector = f"{last.version}/{last.number}" if last.alarms else ""
    if decided is not None and decided.verdict == "FAIL":
        text = (
            f"The champion does not do what is required of it. All values that its {wording.subject(decided.name, None)} "
            f"may have had {wording.window(decided.window, decided.begin)}, by the labels that are known, lie "
            f"{wording.broken(decided)}."
        )
        recent = facts.time - decided.end <= rules.oldest
        shown = _shown("requirement", about, "FAIL", _failed(decided), text, decided, ordered)
        yield _with(shown, window=decided.number, opens=recent, alarms=last.alarms, detector=detector)
    elif last.alarms:
        text = (
            "A detector that watches every outcome has alarmed. It sees a fall within hours, before a window has "
            "evidence enough for a verdict, and by the setting monitor.mean_run it is rarely wrong."
        )
        headline = f"{wording.subject(last.name, last.segment)} is falling {wording.window(last.window, last.begin)}"
        shown = _shown("requirement", about, "ALARM", headline, text, last, ordered)
        held = last.verdict == "INSUFFICIENT"
        yield _with(shown, window=last.number, opens=opens, alarms=last.alarms, detector=detector, holding=held)
    elif last.verdict == "INSUFFICIENT":
        yield Sign("requirement", about, "FAIL", _failed(last), holding=True, window=last.number)


def _challenger(facts: Facts, rules: Rules, about: str, ordered: Sequence[Verdict]) -> Iterator[Sign]:
    last, decided = ordered[-1], _decided(ordered)
    if decided is not None and decided.verdict == "FAIL":
        text = "A challenger does not do what is required of a champion. It changes no prediction; it just is no candidate."
        headline = f"challenger {decided.version}: {_failed(decided)}"
        shown = _shown("challenger", about, "WARNING", headline, text, decided, ordered)
        yield _with(shown, window=decided.number, opens=facts.time - decided.end <= rules.oldest)
    elif last.verdict == "INSUFFICIENT":
        yield Sign("challenger", about, "WARNING", last.name, holding=True, window=last.number)


def _decided(ordered: Sequence[Verdict]) -> Verdict | None:
    return next((one for one in reversed(ordered) if one.verdict != "INSUFFICIENT"), None)
