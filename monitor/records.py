"""What one read of Kafka brings, as the monitor takes it in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from scorer.batch import Batch

Partition: TypeAlias = tuple[str, int]
"""What the state calls a topic (``rows.TOPICS``), and the partition's number."""


class Letter(NamedTuple):
    """What is counted of a dead letter: the stable code of its reason, ``""`` where somebody else wrote it, and when
    its event arrived, in milliseconds since the epoch."""

    code: str
    time: int


@dataclass(frozen=True, slots=True)
class Records:
    """What one read brought, to be taken in this order.

    - ``lost``: partitions whose next records are not there, and where reading goes on;
    - ``found``: partitions that are new, and where they begin;
    - ``batches``: by topic, none of them empty; ``letters`` are the dead letters among them, in their order, and
      ``revisions`` those of the retractions among the labels that bear one, by row (``headers.revisions``);
    - ``passed``: where to go on in partitions that were read to their end, behind the ends of transactions.
    """

    lost: Mapping[Partition, int] = field(default_factory=dict)
    found: Mapping[Partition, int] = field(default_factory=dict)
    batches: Mapping[str, Batch] = field(default_factory=dict)
    letters: Sequence[Letter] = ()
    revisions: Mapping[int, int | None] = field(default_factory=dict)
    passed: Mapping[Partition, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.lost or self.found or self.batches or self.passed)
