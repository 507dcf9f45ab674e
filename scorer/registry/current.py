"""What this process scores with, as the loop sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from scorer.registry.stock import Ready
from scorer.registry.trial import Trial

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OnTrial(Generic[T]):
    """A trial, and the version that it lets score."""

    trial: Trial
    ready: Ready[T]


@dataclass(frozen=True, slots=True)
class Current(Generic[T]):
    """What to score with. ``source`` is ``disk`` until Redis has confirmed the champion; ``since`` when it was set.

    The trial counts only while ``trial.trial.live(now)``; it is removed soon after, not at that very moment.
    """

    champion: Ready[T] | None
    trial: OnTrial[T] | None
    source: Literal["redis", "disk"]
    since: float
