"""What the service knows at a tick of all that may be a reason to alarm somebody, and the rules for that."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from monitor.judge.verdicts import Verdict

HOUR = 3_600_000_000
"""Microseconds, as all times and spans here."""

Role = Literal["events", "predictions", "labels"]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came of one topic.

    ``since`` is the tick from which it has been watched, ``newest`` the one at which its last record came (``None``:
    none came), ``current`` the last one at which everything had been read that lay in it a moment before (``None``:
    never yet). A tick at which a record comes need not be one of those.
    """

    since: int
    newest: int | None = None
    current: int | None = None

    def silent(self, time: int) -> int:
        """For how long nothing has come."""
        return time - (self.since if self.newest is None else self.newest)

    def behind(self, time: int) -> int:
        """For how long the end has not been reached."""
        return time - (self.since if self.current is None else self.current)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the champion's predictions in the cohorts from ``begin`` to ``end`` have a label. All are closed."""

    begin: int
    end: int
    predictions: int
    labelled: int


@dataclass(frozen=True, slots=True)
class Unscored:
    """How many of the last day's events a challenger could not score; ``reason`` is the most frequent one."""

    version: str
    events: int
    unscored: int
    reason: str


@dataclass(frozen=True, slots=True)
class Flip:
    """The last that a scorer process said of a pointer: that it applied the version, or why not. ``time`` of saying."""

    pointer: str
    instance: str
    version: str
    time: int
    ok: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it, at the tick ``time``, of one model.

    ``verdicts`` are those kept of champion, trial and challengers; of each requirement, version and segment the newest
    windows suffice (a plot shows up to ``signs.SHOWN``). ``champion`` is the version that the pointer names, ``None``
    where that is not known. A topic that is not watched is not in ``topics``. ``coverage`` is of the last day that has
    closed, ``None`` before there is one. ``flips`` holds one for each pointer and process.
    """

    time: int
    model: str
    verdicts: Collection[Verdict] = ()
    champion: str | None = None
    challengers: Collection[str] = ()
    topics: Mapping[Role, Arrivals] = field(default_factory=dict)
    coverage: Coverage | None = None
    unscored: Collection[Unscored] = ()
    flips: Collection[Flip] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings ``[alerts]``, in microseconds and shares. A limit of 0 is none."""

    oldest: int = 7 * 24 * HOUR
    remind: int = 24 * HOUR
    no_labels: int = 72 * HOUR
    no_predictions: int = HOUR // 4
    stale: int = HOUR
    coverage_least: float = 0.5
    behind: int = HOUR // 4
    unscored_most: float = 0.01
