"""Signs in verdicts and fast alarms."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace

from monitor.judge import wording
from monitor.judge.facts import Facts, Rules
from monitor.judge.sign import Kind, Point, Severity, Sign, Trend
from monitor.judge.verdicts import Segment, Verdict

SHOWN = 24
"""Most windows in a trend."""


def of_verdicts(facts: Facts, rules: Rules, open_: Container[str]) -> Iterator[Sign]:
    """Champion and challengers below what is required of them, and fast alarms, by requirement and segment.

    ``open_`` holds keys; of these a PASS is said, too.
    """
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
        oldest = facts.time - rules.oldest
        failing = [*_judged("challenger" if challenger else "requirement", challenger, about, ordered, oldest, open_)]
        yield from failing
        if not challenger:
            yield from _falling(about, ordered, oldest, failed=any(not (one.holding or one.over) for one in failing))


def _judged(
    kind: Kind, challenger: str, about: str, ordered: Sequence[Verdict], oldest: int, open_: Container[str]
) -> Iterator[Sign]:
    """The last verdict that is one decides; what is INSUFFICIENT since neither raises an alarm nor ends it."""
    about = f"{challenger}/{about}" if challenger else about
    severity: Severity = "WARNING" if challenger else "FAIL"
    whose = f"challenger {challenger}: " if challenger else ""
    last, decided = ordered[-1], next((one for one in reversed(ordered) if one.verdict != "INSUFFICIENT"), None)
    if decided is not None and decided.verdict == "FAIL":
        text = (
            f"{'This challenger' if challenger else 'The champion'} does not do what is required of it. By the labels "
            f"that are known, every value that its {decided.name} may have had "
            f"{wording.window(decided.window, decided.begin)} lies {wording.broken(decided)}."
            + (" None of its predictions counts." if challenger else "")
        )
        sign = _shown(kind, about, severity, f"{whose}{_failed(decided)}", text, decided, ordered)
        yield replace(sign, window=decided.number, opens=decided.end >= oldest)
    elif last.verdict == "INSUFFICIENT":
        yield Sign(kind, about, severity, f"{whose}{_failed(last)}", holding=True, window=last.number)
    elif decided is not None and f"{kind}/{about}" in open_:
        where = wording.window(decided.window, decided.begin)
        headline = f"{whose}{wording.subject(decided.name, decided.segment)} is {wording.bounds(decided)} {where}"
        sign = _shown(kind, about, severity, headline, "What was required is met again.", decided, ordered)
        yield replace(sign, over=True, window=decided.number, advice=())


def _falling(about: str, ordered: Sequence[Verdict], oldest: int, *, failed: bool) -> Iterator[Sign]:
    """The last window in which the fast detector alarmed; nobody is woken by it where a verdict has done so."""
    alarmed = next((one for one in reversed(ordered) if one.alarms), None)
    if alarmed is None:
        return
    where = wording.window(alarmed.window, alarmed.begin)
    headline = f"{wording.subject(alarmed.name, alarmed.segment)} lately {wording.broken(alarmed)} {where}"
    text = (
        "A detector that looks at every outcome found the latest of them beyond what is required for longer than "
        "chance explains. It alarms before a verdict can be given, is wrong now and then (monitor.mean_run says how "
        "seldom), and a short bad spell is enough for it: the figures here are of the whole window so far, which may "
        "still keep the requirement."
    )
    sign = _shown("falling", about, "ALARM", headline, text, alarmed, ordered)
    detector = f"{about}/{alarmed.version}/{alarmed.number}"
    yield replace(sign, opens=alarmed.end >= oldest and not failed, alarms=alarmed.alarms, detector=detector)


def _shown(
    kind: Kind, about: str, severity: Severity, headline: str, text: str, one: Verdict, ordered: Sequence[Verdict]
) -> Sign:
    value = "unknown" if one.value is None else wording.number(one.value)
    numbers = [
        ("required", wording.bounds(one)),
        (one.name, value),
        ("interval", wording.interval(one.low, one.high)),
        ("window", wording.window(one.window, one.begin).removeprefix("in ").removeprefix("on ")),
        ("labels", f"{one.n:,} of {one.predictions:,} predictions"),
        ("version", one.version),
        ("judged", one.judged),
    ]
    if one.segment is not None:
        numbers.insert(0, ("segment", f"{one.segment[0]} {one.segment[1]}"))
    if one.alarms:
        numbers.append(("fast alarms in this window", str(one.alarms)))
    if one.provisional:
        numbers.append(("so far", "more labels will come for this window"))
    if one.revision:
        numbers.append(("labels corrected since", f"{one.revision} times"))
    advice = [("See what else moved: inputs, segments, label delay.", wording.report(one.window, one.begin))]
    if kind != "challenger":
        advice += [
            ("See since when this version scores, and who set it.", "scorer champion show"),
            ("If the version before was better, go back to it.", 'scorer champion rollback --reason "…"'),
        ]
    return Sign(kind, about, severity, headline, text, tuple(numbers), tuple(advice), _trend(one, ordered))


def _trend(one: Verdict, ordered: Iterable[Verdict]) -> Trend:
    newest = {other.number: other for other in ordered if other.value is not None}  # the last of a window counts
    points = tuple(
        Point(
            wording.short(other.window, other.begin),
            other.value,
            other.low if other.low > -math.inf else None,
            other.high if other.high < math.inf else None,
            other.verdict,
        )
        for _, other in sorted(newest.items())[-SHOWN:]
        if other.value is not None
    )
    return Trend(wording.subject(one.name, one.segment), points, one.minimum, one.maximum)


def _failed(one: Verdict) -> str:
    value = "" if one.value is None else f"{wording.number(one.value)}, "
    where = f"{wording.subject(one.name, one.segment)} {wording.broken(one)} {wording.window(one.window, one.begin)}"
    return f"{where} ({value}{wording.interval(one.low, one.high)})"
