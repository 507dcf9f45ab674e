"""Signs in what comes and what does not: events, predictions, labels, versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from monitor.judge import wording
from monitor.judge.facts import HOUR, Arrivals, Facts, Flip, Role, Rules
from monitor.judge.sign import Sign

LEAST = 100
"""Of fewer predictions or events a share says nothing."""

POINTERS = ("champion", "challenger", "trial")
"""What flips are about. The audit names commands in the same place, whose sender is told what became of them."""

TOGETHER = HOUR // 60
"""A prediction read so long before its event still counts as its answer: topics are read one after another."""


def of_streams(facts: Facts, rules: Rules) -> Iterator[Sign]:
    """Silence, lag, coverage, challengers that cannot score, and refused flips."""
    yield from _stale(facts, rules)
    yield from _no_predictions(facts, rules)
    yield from _no_labels(facts, rules)
    yield from _behind(facts, rules)
    yield from _coverage(facts, rules)
    yield from _unscored(facts, rules)
    yield from _flips(facts, rules)


def _silent(facts: Facts, rules: Rules, role: Role, limit: int) -> Arrivals | None:
    """The topic, if nothing has come of it for longer than ``limit``. What was not read is not said to be silent."""
    topic = facts.topics.get(role)
    if topic is None or not limit or topic.current is None or topic.silent(facts.time) <= limit:
        return None
    return topic if topic.behind(facts.time) <= (rules.behind or HOUR) else None


def _since(topic: Arrivals) -> int:
    return topic.since if topic.newest is None else topic.newest


def _silence(facts: Facts, topic: Arrivals, limit: int) -> tuple[tuple[str, str], ...]:
    last = "none so far" if topic.newest is None else wording.moment(topic.newest)
    return (("nothing for", wording.span(topic.silent(facts.time))), ("last one", last), ("limit", wording.span(limit)))


def _stale(facts: Facts, rules: Rules) -> Iterator[Sign]:
    topic = _silent(facts, rules, "events", rules.stale)
    if topic is not None:
        yield Sign(
            "stale stream",
            "",
            "WARNING",
            f"no events for {wording.span(topic.silent(facts.time))}",
            "Nothing comes in upstream, so nothing is scored and nothing can be judged.",
            _silence(facts, topic, rules.stale),
            (("Ask those who produce the events. See the topics and their scorers:", "scorer status"),),
        )


def _no_predictions(facts: Facts, rules: Rules) -> Iterator[Sign]:
    topic = _silent(facts, rules, "predictions", rules.no_predictions)
    if topic is None:
        return
    events = facts.topics.get("events")
    if events is not None and (events.newest is None or events.newest <= _since(topic) + TOGETHER):
        return  # nothing was asked for
    yield Sign(
        "no predictions",
        "",
        "ALARM",
        f"no predictions for {wording.span(topic.silent(facts.time))}",
        "Events come, but nobody scores them." if events is not None else "Nobody scores, or no events come.",
        _silence(facts, topic, rules.no_predictions),
        (
            ("See whether scorers run, and what holds them up.", "scorer status"),
            ("See whether events end as dead letters.", "scorer dead-letters list"),
        ),
    )


def _no_labels(facts: Facts, rules: Rules) -> Iterator[Sign]:
    topic, predictions = _silent(facts, rules, "labels", rules.no_labels), facts.topics.get("predictions")
    if topic is None or predictions is None or predictions.newest is None or predictions.newest <= _since(topic):
        return
    yield Sign(
        "no labels",
        "",
        "ALARM",
        f"no labels for {wording.span(topic.silent(facts.time))}",
        "Predictions are made, but the truth about them no longer comes. Until it does nobody knows how good they are.",
        _silence(facts, topic, rules.no_labels),
        (("Ask those who produce the labels. See what waits for them:", "monitor status"),),
    )


def _behind(facts: Facts, rules: Rules) -> Iterator[Sign]:
    late = {role: topic.behind(facts.time) for role, topic in facts.topics.items()}
    late = {role: span for role, span in late.items() if rules.behind and span > rules.behind}
    if late:
        yield Sign(
            "behind",
            "",
            "WARNING",
            f"the monitor is behind in {', '.join(sorted(late))}",
            "It has not reached the end of these topics, so what it says is about the past, and alarms come late.",
            tuple((f"{role} not read to the end for", wording.span(span)) for role, span in sorted(late.items())),
            (("See how far it has come, and its logs for trouble with Kafka.", "monitor status"),),
        )


def _coverage(facts: Facts, rules: Rules) -> Iterator[Sign]:
    one = facts.coverage
    if one is None or one.predictions < LEAST or one.labelled >= rules.coverage_least * one.predictions:
        return
    share = one.labelled / one.predictions
    yield Sign(
        "coverage",
        "",
        "ALARM",
        f"only {share:.1%} of predictions have a label",
        "Their time to be judged has come. Figures that rest on so few labels may be far from the truth, because the "
        "labels that are missing are seldom missing by chance.",
        (
            ("labelled", f"{one.labelled:,} of {one.predictions:,}"),
            ("from", wording.moment(one.begin)),
            ("to", wording.moment(one.end)),
            ("limit", f"{rules.coverage_least:.1%}"),
        ),
        (("Ask those who produce the labels. See delay and coverage:", "monitor status"),),
        opens=facts.time - one.end <= rules.oldest,
    )


def _unscored(facts: Facts, rules: Rules) -> Iterator[Sign]:
    for one in facts.unscored:
        if (
            one.version not in facts.challengers
            or one.events < LEAST
            or one.unscored <= rules.unscored_most * one.events
        ):
            continue
        yield Sign(
            "unscored",
            one.version,
            "WARNING",
            f"challenger {one.version} cannot score {one.unscored / one.events:.1%} of the events",
            "Events that the champion scores fail in the challenger. It changes no prediction; they count against it.",
            (
                ("not scored", f"{one.unscored:,} of {one.events:,}"),
                ("most frequent reason", one.reason),
                ("limit", f"{rules.unscored_most:.1%}"),
            ),
            (("See what the version expects.", f"scorer models show {one.version}"),),
        )


def _flips(facts: Facts, rules: Rules) -> Iterator[Sign]:
    refused: dict[tuple[str, str], list[Flip]] = defaultdict(list)
    for one in facts.flips:
        gone = one.pointer == "champion" and facts.champion is not None and one.version != facts.champion
        if one.pointer in POINTERS and not one.ok and not gone:
            refused[one.pointer, one.version].append(one)
    for (pointer, version), flips in refused.items():
        last = max(flips, key=lambda flip: (flip.time, flip.instance))
        yield Sign(
            "flip",
            f"{pointer} {version}",
            "ALARM",
            f"{pointer} {version} was refused",
            "The pointer names a version that the scorers do not take. They go on with the version before.",
            (
                ("reason", last.reason),
                ("refused by", ", ".join(sorted({flip.instance for flip in flips})[:10])),
                ("last at", wording.moment(last.time)),
            ),
            (
                ("See what each scorer runs.", "scorer champion show"),
                ("Check the version.", f"scorer models verify {version}"),
                ("Go back to the version before, until it is mended.", 'scorer champion rollback --reason "…"'),
            )
            if pointer == "champion"
            else (("End the trial.", 'scorer trial stop --reason "…"'),),
            opens=facts.time - last.time <= rules.oldest,
        )
