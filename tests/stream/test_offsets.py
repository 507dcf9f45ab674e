"""What a member commits: never more than it has processed, never less than it had, and nothing of what has gone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from scorer.batch import Batch
from scorer.stream.offsets import Offsets, Partition
from tests.scoring.support import batch

PARTITIONS: tuple[Partition, ...] = (("events", 0), ("events", 1), ("retry", 0))
TOPICS = ("events", "retry")
some = st.sampled_from(PARTITIONS)


def read(places: Sequence[tuple[Partition, int]]) -> Batch:
    """A batch of events at these places."""
    whole = batch([b"x"] * len(places))
    return Batch(
        payload_address=whole.payload_address,
        payload_length=whole.payload_length,
        key_address=whole.key_address,
        key_length=whole.key_length,
        topic=np.array([TOPICS.index(topic) for (topic, _), _ in places], np.int32),
        partition=np.array([number for (_, number), _ in places], np.int32),
        offset=np.array([offset for _, offset in places], np.int64),
        time=whole.time,
        has_headers=whole.has_headers,
        topics=TOPICS,
        owner=whole.owner,
    )


class Member(RuleBasedStateMachine):
    """A member of a group beside what the broker knows and what the client has handed out."""

    def __init__(self) -> None:
        super().__init__()
        self.offsets = Offsets()
        self.broker = dict.fromkeys(PARTITIONS, 0)
        self.client: dict[Partition, int] = {}

    @rule(partition=some)
    def gain(self, partition: Partition) -> None:
        self.offsets.gain([partition])
        self.client[partition] = self.broker[partition]
        assert partition not in self.offsets.moved()
        assert self.offsets.committed()[partition] is None

    @rule(partition=some)
    def drop(self, partition: Partition) -> None:
        behind = partition in self.offsets.moved()
        assert self.offsets.drop([partition]) == behind
        self.client.pop(partition, None)

    @precondition(lambda self: self.client)
    @rule(data=st.data(), counts=st.lists(st.integers(1, 3), min_size=1, max_size=6))
    def process(self, data: st.DataObject, counts: list[int]) -> None:
        places = []
        for step in counts:  # a step of more than one: markers or compacted records lie between
            partition = data.draw(st.sampled_from(sorted(self.client)))
            places.append((partition, self.client[partition] + step - 1))
            self.client[partition] += step
        self.offsets.processed(read(places))
        for partition, _ in places:
            assert self.offsets.moved()[partition] == self.client[partition]

    @precondition(lambda self: self.client)
    @rule(data=st.data(), markers=st.integers(0, 2))
    def reach(self, data: st.DataObject, markers: int) -> None:
        partition = data.draw(st.sampled_from(sorted(self.client)))
        self.client[partition] += markers
        self.offsets.reached(partition, self.client[partition])

    @rule()
    def commit(self) -> None:
        moved = self.offsets.moved()
        self.broker |= moved
        self.offsets.commit()
        assert not self.offsets.moved()
        assert moved.items() <= self.offsets.committed().items()

    @rule()
    def rewind(self) -> None:
        self.offsets.rewind()
        assert not self.offsets.uncommitted
        self.client = {partition: self.broker[partition] for partition in self.client}

    @invariant()
    def never_too_far_or_back(self) -> None:
        for partition, offset in self.offsets.moved().items():
            assert self.broker[partition] <= offset <= self.client[partition]
        assert self.offsets.committed().keys() == self.client.keys()
        for partition, known in self.offsets.committed().items():
            assert known is None or known == self.broker[partition]


TestMember = Member.TestCase


def test_what_was_taken_and_not_committed_comes_again_unless_it_is_overtaken() -> None:
    offsets, (first, second, _) = Offsets(), PARTITIONS
    offsets.gain([first, second])
    offsets.processed(read([(first, 4), (second, 7)]))
    assert offsets.take() == {first: 5, second: 8}
    assert not offsets.uncommitted
    offsets.processed(read([(second, 8)]))
    assert offsets.give_back(first, 5)
    assert not offsets.give_back(second, 8)
    assert offsets.take() == {first: 5, second: 9}
    offsets.commit_taken(first, 5)
    assert offsets.committed() == {first: 5, second: None}
    offsets.drop([first])
    assert not offsets.give_back(first, 5)
    assert offsets.moved() == {}


def test_the_end_is_never_before_what_is_processed() -> None:
    offsets, (first, *_) = Offsets(), PARTITIONS
    offsets.gain([first])
    offsets.reached(first, 9)
    offsets.processed(read([(first, 5), (first, 6)]))
    assert offsets.moved() == {first: 9}
    offsets.reached(first, 3)
    assert offsets.moved() == {first: 9}


def test_what_is_processed_of_a_partition_that_has_gone_is_never_committed() -> None:
    offsets, (first, second, _) = Offsets(), PARTITIONS
    offsets.gain([first])
    offsets.processed(read([(first, 0), (second, 0)]))
    assert offsets.moved() == {first: 1}
