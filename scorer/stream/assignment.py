"""Which partitions the client fetches, and from where.

With the classic protocol, a group of static members is balanced eagerly: every change gives out all partitions anew.
Balanced cooperatively, it takes two rounds, and the second one is asked for by the member that has let go of some
partitions. If that member is killed in between and comes back under its static name, nobody asks, and the broker sees
a stable group in which some partitions belong to no one. Members without a static name are missed when their session
ends, and the newer protocol leaves it to the broker: those go on with the partitions that they keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from confluent_kafka import Consumer, TopicPartition

from scorer.settings import Scorer
from scorer.stream.offsets import Partition


def eager(settings: Scorer) -> bool:
    """Whether every change of the group gives out all partitions anew."""
    return settings.protocol == "classic" and settings.membership == "static"


class Assignment:
    """The partitions that the client fetches. The methods raise KafkaException."""

    def __init__(self, consumer: Consumer, *, eager: bool) -> None:
        self._consumer, self._eager = consumer, eager
        self._start: dict[Partition, int] = {}  # where each partition was told to start; kept if eager

    def take(self, partitions: list[TopicPartition]) -> None:
        """Fetch these, too, from their committed offsets; called while the group gives them out."""
        if self._eager:
            self._start = {(tp.topic, tp.partition): tp.offset for tp in partitions}
            self._consumer.assign(partitions)
        else:
            self._consumer.incremental_assign(partitions)

    def release(self, partitions: list[TopicPartition]) -> None:
        """Fetch these no more; called while the group takes them back."""
        if self._eager:
            self._start.clear()
            self._consumer.unassign()
        else:
            self._consumer.incremental_unassign(partitions)

    def go_to(self, partitions: list[TopicPartition], elsewhere: Mapping[Partition, int]) -> None:
        """Fetch these from their offsets. All others go on, ``elsewhere`` where it says so, or where they started.

        Not by ``seek``, which fails while a partition is being assigned or has no valid offset.
        """
        if self._eager:
            self._start |= {(tp.topic, tp.partition): tp.offset for tp in partitions}
            moved = _places(partitions)
            self._consumer.assign(
                [
                    TopicPartition(*place, start if place in moved else elsewhere.get(place, start))
                    for place, start in self._start.items()
                ]
            )
        else:
            self._consumer.incremental_unassign([TopicPartition(*place) for place in _places(partitions)])
            self._consumer.incremental_assign(partitions)


def _places(partitions: Iterable[TopicPartition]) -> set[Partition]:
    return {(tp.topic, tp.partition) for tp in partitions}
