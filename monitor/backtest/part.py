"""What was counted of some rows: whole numbers, so that parts from any process make up the same in any order. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, cast

import numpy as np

from monitor.backtest.asked import WINDOWS, Asked
from monitor.rows import distinct
from monitor.stats import exact
from monitor.stats.buckets import Bucket, Buckets, Key
from monitor.stats.layout import Layout
from scorer.batch import Bools, Floats, Int64s
from scorer.errors import SchemaError
from scorer.quality.requirement import Window
from scorer.quality.table import Table
from scorer.quality.windows import name_of, window_of

MOST = 10_000
"""Partitions and segments of a version at most."""

Texts: TypeAlias = Sequence[str | None]
"""A column as text."""

_MONTHS = 12


class Place(NamedTuple):
    """Of which partition and version pairs are."""

    partition: str
    version: str


@dataclass(slots=True)
class Pairs:
    """Differences of the losses of the first version and of this one on the same rows. ``n`` rows could be compared;
    ``unpaired`` are those that one of both could not score. ``limbs`` int64 ``(2 * losses, LIMBS)``: the sums of the
    differences and, behind all of them, of their squares (``exact.sums``)."""

    n: int
    unpaired: int
    limbs: Int64s

    def merge(self, other: Pairs) -> Pairs:
        """Both together."""
        return Pairs(self.n + other.n, self.unpaired + other.unpaired, exact.settled(self.limbs + other.limbs))


@dataclass(slots=True)
class Part:
    """Of ``rows`` rows. The buckets' keys bear the partition as role, and the month of the year (0 to 11, or 0 where no
    requirement has a season) as hour."""

    buckets: Buckets
    rows: int = 0
    pairs: dict[Place, Pairs] = field(default_factory=dict)

    @staticmethod
    def empty(layout: Layout) -> Part:
        """Without rows."""
        return Part(Buckets(layout))

    def add(self, asked: Asked, tables: Iterable[Table], fields: Mapping[str, Texts]) -> None:
        """Take in rows: for each version, in their order, what it says of them. ``fields`` are the columns that are
        needed. Raises SchemaError where there are too many partitions or segments."""
        several = list(tables)
        partition_of, partitions = _partitions(asked, several[0], fields)
        months = several[0].months if asked.seasonal else None
        cell_of = partition_of * _MONTHS + (0 if months is None else months - 1)
        groups = [
            _group(cell_of, partitions, None, []),
            *(_group(cell_of, partitions, name, fields[name]) for name in asked.fields),
        ]
        keys = [key for own, _ in groups for key in own]
        begins = np.cumsum([0, *(len(own) for own, _ in groups)])
        of_row = np.stack(
            [np.where(places < 0, -1, places + begin) for (_, places), begin in zip(groups, begins, strict=False)]
        )
        for version, table in zip(asked.versions, several, strict=True):
            self.buckets.add([key._replace(version=version) for key in keys], of_row, table)
        self._compare(asked, several, partition_of, partitions)
        self.rows += len(several[0])
        if len(self.buckets.kept) > MOST * len(asked.versions):
            raise SchemaError(
                f"there are more than {MOST:,} partitions and segments; choose another --by than {asked.by}"
            )

    def _compare(self, asked: Asked, tables: list[Table], partition_of: Int64s, partitions: list[str]) -> None:
        first, layout = tables[0], asked.compared
        for version, other in zip(asked.versions[1:], tables[1:], strict=True):
            usable = [_usable(layout, one) for one in (first, other)]
            both = usable[0] & usable[1]
            rows, lost = np.flatnonzero(both), first.labelled & ~both
            losses = [_losses(asked, layout, one.take(both)) for one in (first, other)]
            apart = losses[0] - losses[1]
            limbs = exact.sums(
                np.concatenate([apart, apart**2]),
                partition_of[rows][None],
                np.ones(len(rows), np.int64),
                len(partitions),
            )
            n = np.bincount(partition_of[rows], minlength=len(partitions))
            unpaired = np.bincount(partition_of[lost], minlength=len(partitions))
            for number, name in enumerate(partitions):
                place, pairs = Place(name, version), Pairs(int(n[number]), int(unpaired[number]), limbs[number])
                self.pairs[place] = self.pairs[place].merge(pairs) if place in self.pairs else pairs

    def merge(self, other: Part) -> None:
        """Take in all of another part."""
        self.buckets.merge(other.buckets)
        self.rows += other.rows
        for place, pairs in other.pairs.items():
            self.pairs[place] = self.pairs[place].merge(pairs) if place in self.pairs else pairs

    def to_json(self) -> bytes:
        """All of it."""
        buckets = [
            [*key[:3], key.segment, base64.b64encode(one.pack()).decode()] for key, one in self.buckets.kept.items()
        ]
        pairs = [[*place, one.n, one.unpaired, one.limbs.tolist()] for place, one in self.pairs.items()]
        return json.dumps({"rows": self.rows, "buckets": buckets, "pairs": pairs}).encode()

    @staticmethod
    def of_json(data: bytes, layout: Layout) -> Part:
        """What :meth:`to_json` gave, of the same layout. Raises ValueError for anything else."""
        facts, part = json.loads(data), Part.empty(layout)
        part.rows = facts["rows"]
        for month, version, partition, segment, content in facts["buckets"]:
            key = Key(month, version, partition, None if segment is None else (segment[0], segment[1]), 0)
            part.buckets.kept[key] = Bucket.unpack(base64.b64decode(content), layout)
        for partition, version, n, unpaired, limbs in facts["pairs"]:
            part.pairs[Place(partition, version)] = Pairs(n, unpaired, np.array(limbs, np.int64))
        return part


def _partitions(asked: Asked, table: Table, fields: Mapping[str, Texts]) -> tuple[Int64s, list[str]]:
    """The number of each row's partition, and the partitions' names."""
    if asked.by not in WINDOWS:
        codes, names = _coded([text or "" for text in fields[asked.by]])
        return codes, names
    assert table.time is not None  # noqa: S101  # Asked needs them
    window = cast("Window", asked.by)
    numbers, of_row = distinct(window_of(table.time, window))
    return of_row, [name_of(int(number), window) for number in numbers]


def _group(cell_of: Int64s, partitions: Sequence[str], name: str | None, texts: Texts) -> tuple[list[Key], Int64s]:
    """The keys of all rows, or of the segments of a field, without version, and the place of each row's; -1: none."""
    codes, values = (np.zeros(len(cell_of), np.int64), [""]) if name is None else _coded(texts)
    there = np.flatnonzero(codes >= 0)
    numbers, place = distinct(cell_of[there] * len(values) + codes[there]) if len(there) else (cell_of[:0], cell_of[:0])
    keys = []
    for number in numbers.tolist():
        cell, code = divmod(number, len(values))
        partition, month = divmod(cell, _MONTHS)
        keys.append(Key(month, "", partitions[partition], None if name is None else (name, values[code]), 0))
    of_row = np.full(len(cell_of), -1, np.int64)
    of_row[there] = place
    return keys, of_row


def _coded(texts: Texts) -> tuple[Int64s, list[str]]:
    """The number of each text among all, -1 for none, and the texts."""
    known: dict[str, int] = {}
    codes = [-1 if text is None else known.setdefault(text, len(known)) for text in texts]
    return np.array(codes, np.int64), list(known) or [""]


def _usable(layout: Layout, table: Table) -> Bools:
    valid, large = layout.usable(table)
    return np.asarray(table.labelled & valid & ~large)


def _losses(asked: Asked, layout: Layout, table: Table) -> Floats:
    """Float64 ``(losses, n)``."""
    values = layout.values(table)
    found = [
        (table.predicted != table.labels).astype(np.float64) if name == "wrong" else values[layout.row_sums.index(name)]
        for name in asked.losses
    ]
    return np.stack(found)
