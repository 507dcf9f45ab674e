"""What a deployment asks of its candidates: the settings ``[candidates]`` in the units of the judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.judge.candidates.states import State
from monitor.judge.facts import HOUR


@dataclass(frozen=True, slots=True)
class Policy:
    """``approve``: the states that a candidate reaches only once a person has agreed, ``approvers`` who that may be
    (empty: anybody). Spans are microseconds.

    ``margins``: of each metric that is compared, by how much the candidate must be better; below 0, by how much it may
    be worse. ``fields``: segment fields in none of whose values it may be worse. ``alpha`` is the chance that any
    candidate of a family passes that is no better. ``corpus``: whether there is one for the back-test; without, nobody
    is taken. ``trial``: whether one comes before the promotion. ``ratchet``: of each metric whose requirements tighten
    after a promotion, the margin that is left.
    """

    approve: frozenset[State] = frozenset({"promoted"})
    approvers: tuple[str, ...] = ()
    most_open: int = 5
    alpha: float = 0.05
    margins: Mapping[str, float] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    corpus: bool = True
    trial: bool = True
    shadow_least: int = 24 * HOUR
    shadow_most: int = 30 * 24 * HOUR
    pairs_least: int = 1_000
    matched_least: float = 0.99
    trial_least: int = 24 * HOUR
    trial_most: int = 14 * 24 * HOUR
    watch: int = 72 * HOUR
    ratchet: Mapping[str, float] = field(default_factory=dict)
