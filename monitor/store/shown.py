"""What a snapshot shows of what was counted, row by row. Hours are microseconds since 1970, UTC; versions are names."""

from __future__ import annotations

from typing import NamedTuple


class Covered(NamedTuple):
    """How many predictions of an ``hour`` (microseconds) and version there are, and how many of them have a label."""

    hour: int
    version: str
    predictions: int
    labelled: int


class Delayed(NamedTuple):
    """Labels of an hour and version whose delay lies in a ``bin`` of ``tally.EDGES``."""

    hour: int
    version: str
    bin: int
    labels: int


class Counted(NamedTuple):
    """How many rows of a topic do not count, or could not be used, for a reason."""

    topic: str
    reason: str
    n: int


class Late(NamedTuple):
    """How many predictions of an event hour and version came in a ``bin`` of ``scorer.quality.lateness``."""

    hour: int
    version: str
    bin: int
    n: int


class Dead(NamedTuple):
    """How many dead letters there are of an hour, by reason."""

    hour: int
    reason: str
    n: int


class Unscored(NamedTuple):
    """How many events of an hour a challenger could not score, by reason."""

    hour: int
    version: str
    reason: str
    n: int


class Seen(NamedTuple):
    """How many values of an input lie in a bin of a version's profile, on a day counted from 1970; bin -1: missing."""

    day: int
    version: str
    input: str
    bin: int
    n: int


class Worst(NamedTuple):
    """A confident error of the champion: its loss, score and label, event time, and where its event is."""

    day: int
    version: str
    loss: float
    score: float
    label: float
    time: int
    topic: str
    partition: int
    offset: int


class Revised(NamedTuple):
    """A closed cohort that changed, in which tick, for the how-manieth time."""

    hour: int
    tick: int
    number: int
