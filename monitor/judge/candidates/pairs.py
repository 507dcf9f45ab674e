"""Candidates and the champion pair by pair: every labelled event that the champion scored is one.

Pairs come with the cohorts that close, in their order; and only of events from the offsets ``begin`` on, at which the
candidate was first scored in the shadow: those before had been read without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from monitor.judge.candidates.policy import Policy
from monitor.judge.outputs import CHALLENGER, CHAMPION, VERSION, Outputs, segment_column, segment_kind, table
from monitor.judge.windows import Names
from monitor.judge.worst import TOPIC
from monitor.rows import Rows, take
from monitor.stats.continuous.gate import Gate
from monitor.stats.continuous.paired import Loss
from monitor.stats.layout import Layout
from scorer.batch import Bools, Int64s
from scorer.quality.metrics import CONTINUOUSLY, METRICS
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement
from scorer.quality.table import Table

VALUES: Final = 100
"""So many values of each segment field are watched, those that come first."""

Part = tuple[str, str]
"""A segment field and a value."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What is compared: a loss of each metric of the policy, and by how much it must be smaller."""

    of: Mapping[str, Loss]
    margins: Mapping[str, float]
    fields: Sequence[tuple[int, str]]
    outputs: Outputs

    @staticmethod
    def made(
        policy: Policy, requirements: Sequence[Requirement], layout: Layout, outputs: Outputs, fields: Sequence[str]
    ) -> Losses:
        """By ``requirements`` where one is continuous and of the metric, which says its parameters. ``fields`` are the
        segment fields in the order of their columns. Raises ``ValueError`` where a metric cannot be compared, or a
        field is none of these."""
        asked = {one.metric.name: one for one in reversed(requirements) if one.judged == CONTINUOUSLY}
        of = {
            name: Loss(asked.get(name) or Requirement(METRICS[name], Parameters(), "day", CONTINUOUSLY, 1), layout)
            for name in policy.margins
        }
        for name, margin in policy.margins.items():
            Gate(of[name].bound, margin)
        unknown = [one for one in policy.fields if one not in fields]
        if unknown:
            raise ValueError(
                f"{', '.join(unknown)}: no segment field; monitor.segments has {', '.join(fields) or 'none'}"
            )
        return Losses(of, policy.margins, [(fields.index(one), one) for one in policy.fields], outputs)


@dataclass(slots=True)
class Comparison:
    """Number ``number`` of its family: ``version`` with ``against``, of events from the offsets ``begin`` on, which are
    by topic and partition; of a partition that is not there all.

    Of ``n`` pairs ``matched`` have a score of both; ``since`` is the least event time of the first that came. ``gates``
    by metric; ``worse`` by segment: evidence of the first metric that the candidate is worse there. In the ``watch``
    period, in which the champion of before is the challenger, no margin counts: better is better.
    """

    version: str
    against: str
    number: int
    begin: dict[str, dict[int, int]]
    watch: bool = False
    since: int | None = None
    n: int = 0
    matched: int = 0
    gates: dict[str, Gate] = field(default_factory=dict)
    worse: dict[Part, Gate] = field(default_factory=dict)

    def feed(self, outcomes: Rows, names: Names, losses: Losses) -> bool:
        """Take in the outcomes of closed cohorts, in their order; whether there were any pairs."""
        codes = {text: code for code, text in names(VERSION).items()}
        ours = self._begun(outcomes, names)
        live = ours & outcomes["labelled"] & (outcomes["version"] == codes.get(self.against, -1))
        champion = take(outcomes, live & (outcomes["role"] == CHAMPION))
        if not len(champion["time"]):
            return False
        shadow = ours & (outcomes["version"] == codes.get(self.version, -1)) & (outcomes["role"] == CHALLENGER)
        first, second, scored = _paired(champion, take(outcomes, shadow), losses.outputs)
        self.since = int(champion["time"].min()) if self.since is None else self.since
        self.n += len(first)
        self.matched += int((scored & second.valid).sum())
        for place, (name, loss) in enumerate(losses.of.items()):
            differences = loss.differences(first, second, scored)
            floor = 0.0 if self.watch else losses.margins[name]
            self.gates.setdefault(name, Gate(loss.bound, floor)).update(differences)
            if place == 0:
                for part, where in _parts(champion, names, losses.fields):
                    if part in self.worse or sum(one[0] == part[0] for one in self.worse) < VALUES:
                        self.worse.setdefault(part, Gate(loss.bound)).update(-differences[where])
        return True

    def _begun(self, outcomes: Rows, names: Names) -> Bools:
        found = np.ones(len(outcomes["time"]), np.bool_)
        for code, topic in names(TOPIC).items():
            for partition, offset in self.begin.get(topic, {}).items():
                here = (outcomes["source_topic"] == code) & (outcomes["source_partition"] == partition)
                found &= ~here | (outcomes["source_offset"] >= offset)
        return found

    def plain(self) -> dict[str, Any]:
        """All of it, as JSON has it, with the same bits."""
        return {
            "version": self.version,
            "against": self.against,
            "number": self.number,
            "begin": {topic: list(places.items()) for topic, places in self.begin.items()},
            "watch": self.watch,
            "since": self.since,
            "n": self.n,
            "matched": self.matched,
            "gates": {name: [gate.scale.high, gate.floor, *gate.plain()] for name, gate in self.gates.items()},
            "worse": [[*part, gate.scale.high, *gate.plain()] for part, gate in self.worse.items()],
        }

    @staticmethod
    def of_plain(facts: Mapping[str, Any]) -> Comparison:
        """What :meth:`plain` gave."""
        gates = {name: Gate(bound, floor, np.array(rest)) for name, (bound, floor, *rest) in facts["gates"].items()}
        worse = {(name, value): Gate(bound, 0.0, np.array(rest)) for name, value, bound, *rest in facts["worse"]}
        begin = {topic: dict(map(tuple, places)) for topic, places in facts["begin"].items()}
        return Comparison(**{**facts, "begin": begin, "gates": gates, "worse": worse})


def _paired(champion: Rows, shadow: Rows, outputs: Outputs) -> tuple[Table, Table, Bools]:
    """Both as tables of the champion's events and labels, and which events the candidate has a score of."""
    first = table(champion, outputs)
    if not len(shadow["time"]):
        return first, first, np.zeros(len(first), np.bool_)
    places = {key: place for place, key in enumerate(_ids(shadow).tolist())}
    found = np.array([places.get(key, -1) for key in _ids(champion).tolist()], np.int64)
    second = table(take(shadow, np.maximum(found, 0)), outputs)
    return first, replace(second, labels=first.labels, time=first.time), found >= 0


def _ids(rows: Rows) -> np.ndarray[Any, Any]:
    pairs = np.empty(len(rows["time"]), [("high", "u8"), ("low", "u8")])
    pairs["high"], pairs["low"] = rows["id_high"], rows["id_low"]
    return pairs


def _parts(rows: Rows, names: Names, fields: Sequence[tuple[int, str]]) -> list[tuple[Part, Int64s]]:
    """The places of the rows of each segment, in the order in which they come."""
    found = []
    for number, name in fields:
        column, called = rows[segment_column(number)], names(segment_kind(name))
        codes, firsts = np.unique(column, return_index=True)
        for code in codes[np.argsort(firsts)].tolist():
            if code >= 0:
                found.append(((name, called[code]), np.flatnonzero(column == code)))
    return found
