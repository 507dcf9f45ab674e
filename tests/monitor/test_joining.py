"""Whatever the order and however often records come, the sums are those of a plain table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import hypothesis.strategies as st
from hypothesis import given

from monitor.joining import NOWHERE, Cell, Joining, Label, Outcome, Prediction, Shadow

CELLS = [Cell(519, "champion", "v1"), Cell(519, "champion", "v2"), Cell(520, "trial", "v3")]

Record = tuple[str, object, object]


@dataclass
class Folded:
    """What is in the sums now."""

    now: Counter[Outcome] = field(default_factory=Counter)

    def __call__(self, outcome: Outcome, sign: int) -> None:
        self.now[outcome] += sign
        assert self.now[outcome] >= 0, f"{outcome} was taken back, but never added"

    def as_set(self) -> Counter[Outcome]:
        return +self.now


def joining(folded: Folded, pending: int = 1_000, remembered: int = 1_000) -> Joining:
    return Joining(folded, pending=pending, remembered=remembered)


def feed(target: Joining, records: Sequence[Record]) -> None:
    """Hand over the records in this order, one by one."""
    add = {"prediction": target.add_predictions, "label": target.add_labels, "score": target.add_scores}
    for kind, key, value in records:
        add[kind]([(key, value)])  # type: ignore[operator]  # of the kind that it is


def expected(records: Sequence[Record]) -> Counter[Outcome]:
    """Of each event the least prediction and label, and the score at that prediction's place."""
    scores = {key: value for kind, key, value in records if kind == "score"}
    found: Counter[Outcome] = Counter()
    for event_id in {key for kind, key, _ in records if kind == "prediction"}:
        predictions = [value for kind, key, value in records if (kind, key) == ("prediction", event_id)]
        labels = [value for kind, key, value in records if (kind, key) == ("label", event_id)]
        prediction, label = min(predictions), min(labels, default=None)  # type: ignore[type-var]  # tuples
        found[Outcome(prediction, label, scores.get(prediction.place))] += 1  # type: ignore[attr-defined, arg-type]
    return found


@st.composite
def streams(draw: st.DrawFn) -> list[Record]:
    """Records of a few events in any order, with repetitions and with records that contradict each other."""
    records: list[Record] = []
    place = 0
    for number in range(draw(st.integers(1, 5))):
        event_id = b"e%d" % number
        for _ in range(draw(st.integers(0, 3))):
            place += 1
            scored, score = draw(st.integers(0, 2)), draw(st.sampled_from([0.0, 0.25, 1.0]))
            nowhere = draw(st.integers(0, 5)) == 0
            made = Prediction(scored, NOWHERE if nowhere else place, score, draw(st.sampled_from(CELLS)))
            records += [("prediction", event_id, made)] * draw(st.integers(1, 3))
            said = draw(st.sampled_from([None, Shadow("c", 0.5), Shadow("d", 0.125)]))
            if draw(st.booleans()):
                records.append(("score", place, said))
        for _ in range(draw(st.integers(0, 2))):
            label = Label(draw(st.integers(0, 2)), draw(st.integers(0, 1)))
            records += [("label", event_id, label)] * draw(st.integers(1, 3))
    return draw(st.permutations(records))


@given(streams())
def test_the_order_is_of_no_matter(records: list[Record]) -> None:
    folded = Folded()
    target = joining(folded)
    feed(target, records)
    assert folded.as_set() == expected(records)
    singles = Counter((kind, key) for kind, key, _ in records if kind != "score")
    assert target.counts.duplicates == sum(count - 1 for count in singles.values())


@given(streams(), st.randoms())
def test_two_orders_count_the_same(records: list[Record], random: object) -> None:
    other = list(records)
    random.shuffle(other)  # type: ignore[attr-defined]  # a random.Random
    first, second = Folded(), Folded()
    one, two = joining(first), joining(second)
    feed(one, records)
    feed(two, other)
    assert first.as_set() == second.as_set()
    assert (one.counts, one.pending) == (two.counts, two.pending)


def prediction(place: int, scored: int = 1) -> Prediction:
    return Prediction(scored, place, 0.75, CELLS[0])


def test_an_event_waits_until_both_are_there() -> None:
    folded = Folded()
    target = joining(folded)
    target.add_labels([(b"a", Label(5, 1))])
    assert (target.pending, folded.as_set()) == (1, Counter())
    target.add_predictions([(b"a", prediction(1)), (b"b", prediction(2))])
    assert target.pending == 1
    assert folded.as_set() == Counter([Outcome(prediction(1), Label(5, 1)), Outcome(prediction(2))])


def test_what_waits_longest_is_dropped_and_counted() -> None:
    folded = Folded()
    target = joining(folded, pending=3)
    target.add_labels([(b"l%d" % n, Label(1, 1)) for n in range(2)])
    target.add_predictions([(b"p%d" % n, prediction(n)) for n in range(4)])
    assert (target.pending, target.counts.labels_dropped, target.counts.predictions_dropped) == (3, 2, 1)
    target.add_labels([(b"p0", Label(1, 1)), (b"p3", Label(1, 1))])
    outcomes = [outcome for outcome in folded.as_set() if outcome.label is not None]
    assert outcomes == [Outcome(prediction(3), Label(1, 1))]
    assert sum(folded.as_set().values()) == 4, "a prediction that was dropped still counts as predicted"


def test_an_outcome_does_not_wait() -> None:
    target = joining(Folded(), pending=2, remembered=2)
    for number in range(100):
        target.add_predictions([(b"%d" % number, prediction(number))])
        target.add_labels([(b"%d" % number, Label(1, 1))])
        target.add_scores([(number, None)])
    assert (target.pending, target.counts.predictions_dropped, target.counts.labels_dropped) == (0, 0, 0)


def test_scores_for_which_nothing_comes_are_bounded() -> None:
    folded = Folded()
    target = joining(folded, pending=3)
    target.add_scores([(n, Shadow("c", 0.5)) for n in range(10)])
    target.add_predictions([(b"lost", prediction(6)), (b"kept", prediction(7))])
    assert {outcome.shadow for outcome in folded.as_set()} == {None, Shadow("c", 0.5)}


def test_a_score_that_was_used_makes_room() -> None:
    folded = Folded()
    target = joining(folded, pending=3)
    target.add_scores([(0, Shadow("c", 0.25))])
    for number in range(1, 10):
        target.add_scores([(number, Shadow("c", 0.5))])
        target.add_predictions([(b"%d" % number, prediction(number))])
    target.add_predictions([(b"waited", prediction(0))])
    assert folded.as_set()[Outcome(prediction(0), None, Shadow("c", 0.25))] == 1


def test_a_score_is_not_given_to_another_event_of_the_same_id() -> None:
    folded = Folded()
    target = joining(folded, remembered=1)
    for event_id, place in ((b"a", 1), (b"b", 2)):
        target.add_predictions([(event_id, prediction(place))])
        target.add_labels([(event_id, Label(1, 1))])
    target.add_predictions([(b"a", prediction(3))])  # the first one is not remembered any more
    target.add_scores([(1, Shadow("c", 0.5))])
    assert all(outcome.shadow is None for outcome in folded.as_set())
