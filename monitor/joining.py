"""Predictions, labels and challengers' scores of the same event brought together, in whatever order they are read.

A prediction and a label meet by the event's id. A challenger's score meets the prediction by the place of the event,
which the prediction names. What has come together is passed to ``fold``; when something more comes for the same
event, it is taken back with the sign -1 and passed anew. So the sums depend on what was read, not on its order, and of
several records for one event the least one counts: the prediction scored first, the label known first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", int, bytes)
V = TypeVar("V")

NOWHERE = -1
"""The place of events that no challenger scores."""


class Cell(NamedTuple):
    """What predictions are summed by: ``month`` counts from January 1970, role and version are the prediction's."""

    month: int
    role: str
    version: str


class Prediction(NamedTuple):
    """What is kept of a prediction. ``scored`` in microseconds since the epoch, ``place`` of its event."""

    scored: int
    place: int
    score: float
    cell: Cell


class Label(NamedTuple):
    """``time`` in microseconds since the epoch, when the ``truth``, 0 or 1, was known."""

    time: int
    truth: int


class Shadow(NamedTuple):
    """What a challenger says of an event."""

    version: str
    score: float


class Outcome(NamedTuple):
    """All that has been read for one event id."""

    prediction: Prediction | None = None
    label: Label | None = None
    shadow: Shadow | None = None


@dataclass(slots=True)
class Counts:
    """What became of records that are in no sum, or not in the one where they belong."""

    duplicates: int = 0
    """Predictions and labels for an event that already had one."""
    predictions_dropped: int = 0
    """Predictions that waited for their label until there was no room; they count as predicted, not as outcomes."""
    labels_dropped: int = 0
    """Labels that waited for their prediction until there was no room."""


_NOTHING = Outcome()


class Joining:
    """Holds what waits: at most ``pending`` ids, and as many scores of challengers.

    The last ``remembered`` ids that have both prediction and label are held too, so that a duplicate, or a
    challenger's score that is read late, is recognised.
    """

    def __init__(self, fold: Callable[[Outcome, int], None], *, pending: int, remembered: int) -> None:
        self.counts = Counts()
        self._fold = fold
        self._pending: _Bounded[bytes, Outcome] = _Bounded(pending)
        self._joined: _Bounded[bytes, Outcome] = _Bounded(remembered)
        # By place: scores that wait for their prediction, and the ids of predictions that wait for a score.
        self._scores: _Bounded[int, Shadow | None] = _Bounded(pending)
        self._awaiting: _Bounded[int, bytes] = _Bounded(pending)

    @property
    def pending(self) -> int:
        """How many ids lack their prediction or their label."""
        return len(self._pending)

    def add_predictions(self, rows: Iterable[tuple[bytes, Prediction]]) -> None:
        """Take in predictions under their events' ids."""
        for event_id, new in rows:
            old = self._find(event_id)
            before = old.prediction
            shadow = old.shadow
            if before is None:
                shadow = self._score_of(new.place, event_id)
            else:
                self.counts.duplicates += 1
                if before <= new:
                    if new.place != before.place:
                        self._scores.pop(new.place, None)
                    continue
                if new.place != before.place:
                    self._awaiting.pop(before.place, None)
                    shadow = self._score_of(new.place, event_id)
            self._put(event_id, old, Outcome(new, old.label, shadow))
        self._forget()

    def add_labels(self, rows: Iterable[tuple[bytes, Label]]) -> None:
        """Take in labels under their events' ids."""
        for event_id, new in rows:
            old = self._find(event_id)
            if old.label is not None:
                self.counts.duplicates += 1
                if old.label <= new:
                    continue
            self._put(event_id, old, Outcome(old.prediction, new, old.shadow))
        self._forget()

    def add_scores(self, rows: Iterable[tuple[int, Shadow | None]]) -> None:
        """Take in what a challenger says of the events at these places; ``None`` where there is nothing to come."""
        for place, new in rows:
            event_id = self._awaiting.pop(place, None)
            if event_id is None:
                self._scores[place] = new
            elif new is not None:
                old = self._find(event_id)
                if old.prediction is not None and old.prediction.place == place:
                    self._put(event_id, old, old._replace(shadow=new))
        self._forget()

    def _find(self, event_id: bytes) -> Outcome:
        found = self._pending.get(event_id)
        return found if found is not None else self._joined.get(event_id, _NOTHING)

    def _score_of(self, place: int, event_id: bytes) -> Shadow | None:
        """The score that waits at that place; where the event has not been read yet, it will find the id."""
        if place in self._scores:
            return self._scores.pop(place)
        self._awaiting[place] = event_id
        return None

    def _put(self, event_id: bytes, old: Outcome, new: Outcome) -> None:
        if old.prediction is not None:
            self._fold(old, -1)
        if new.prediction is not None:
            self._fold(new, +1)
        if new.prediction is not None and new.label is not None:
            self._pending.pop(event_id, None)
            self._joined[event_id] = new
        else:
            self._pending[event_id] = new

    def _forget(self) -> None:
        for outcome in self._pending.overflow():
            if outcome.prediction is not None:
                self.counts.predictions_dropped += 1
            else:
                self.counts.labels_dropped += 1
        for others in (self._joined, self._scores, self._awaiting):
            others.overflow()


class _Bounded(OrderedDict[K, V], Generic[K, V]):
    """A mapping from which the oldest entries fall out. The order is that of the keys' first insertion."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def overflow(self) -> list[V]:
        """Remove what is too much, and return it."""
        return [self.popitem(last=False)[1] for _ in range(len(self) - self._limit)]
