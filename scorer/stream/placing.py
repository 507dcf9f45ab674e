"""Where the client begins in each partition: at the committed offset, or, where there is none, where it is told to."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition

from scorer.errors import OffsetsLost, TransactionFailed
from scorer.settings import Scorer
from scorer.stream.assignment import Assignment
from scorer.stream.incidents import Incidents
from scorer.stream.offsets import Offsets, Partition

T = TypeVar("T")

REQUEST_SECONDS = 5.0
PLACE_SECONDS = 10.0

_ABSENT = KafkaError(KafkaError._NO_OFFSET).str()


class Placing:
    """Places the partitions of ``assignment`` and keeps ``offsets`` in step. All methods raise TransactionFailed."""

    def __init__(
        self, consumer: Consumer, settings: Scorer, offsets: Offsets, assignment: Assignment, incidents: Incidents
    ) -> None:
        self._consumer, self._settings = consumer, settings
        self._offsets, self._assignment, self._incidents = offsets, assignment, incidents
        self._told: set[Partition] = set()  # for which there was no offset, and which were told where to begin
        self._due, self._patience = math.inf, PLACE_SECONDS

    def gained(self, partitions: Iterable[Partition]) -> None:
        """The client has been given these, and looks for their committed offsets by itself."""
        self._told.difference_update(partitions)
        self._due, self._patience = time.monotonic() + PLACE_SECONDS, PLACE_SECONDS

    def check(self) -> None:
        """Raise if the client does not find out where to begin.

        Every partition tells of an event or of its end soon, but the client may wait for ever: after an answer that it
        does not heed (librdkafka issue 5586), which asking anew mends, and while a transaction has offsets pending in
        the group, which asking tells. Rarer and rarer, for a leader may be away.
        """
        if time.monotonic() <= self._due:
            return
        unplaced, waited = self._offsets.unplaced(), self._patience
        self._due, self._patience = math.inf, 2 * waited
        if unplaced:
            names = ", ".join(f"{topic}-{number}" for topic, number in unplaced)
            raise TransactionFailed(f"after {waited:.0f} s it is still not known where to begin in {names}")

    def rewind(self) -> None:
        """Go back to the committed offsets; where there are none, to the start."""
        self._offsets.rewind()
        self._told.clear()
        self._due = time.monotonic() + self._patience
        partitions = [TopicPartition(topic, partition) for topic, partition in self._offsets.assigned]
        if not partitions:
            return
        committed = self._committed(partitions)
        # Where nothing is committed, -1001 lets the client look again, find nothing, and follow scorer.start.
        self._assignment.go_to([TopicPartition(tp.topic, tp.partition, tp.offset) for tp in committed], {})

    def reset(self, errors: Mapping[Partition, KafkaError], read: dict[Partition, int]) -> None:
        """Begin where there is no offset to go on from: this group never committed one, or it is gone.

        ``read`` says where the others go on, besides what is processed. Raises OffsetsLost where the policy says so.
        """
        # Heeding twice that there is none would read again what has come from there meanwhile.
        new = {place: error for place, error in errors.items() if _ABSENT not in error.str() or place not in self._told}
        targets = [self._start(*place, error) for place, error in new.items()]
        if targets:
            self._assignment.go_to(targets, self._offsets.following() | read)

    def _start(self, topic: str, partition: int, error: KafkaError) -> TopicPartition:
        [committed] = self._committed([TopicPartition(topic, partition)])
        self._told.add((topic, partition))
        if committed.offset >= 0 and _ABSENT in error.str():
            # Who had the partition before has committed since the client looked for an offset, and found none.
            self._offsets.forget([(topic, partition)])
            return committed
        policy = self._settings.start if committed.offset < 0 else self._settings.on_lost_offsets
        if policy == "stop":
            raise OffsetsLost(
                f"{topic}-{partition}: offset {committed.offset} is committed, but the topic does not hold it "
                f"({error.str()}): events were deleted before they were scored, or the topic was made anew. Set "
                "scorer.on_lost_offsets to earliest or latest for one start to go on without them"
            )
        self._offsets.forget([(topic, partition)])
        target = OFFSET_BEGINNING if policy == "earliest" else OFFSET_END
        if policy == "latest":
            # Committed with the next transaction, so that a restart does not skip what arrives from now on.
            asked = TopicPartition(topic, partition)
            _, target = ask(lambda: self._consumer.get_watermark_offsets(asked, REQUEST_SECONDS, cached=False))
            self._offsets.move((topic, partition), target)
        self._incidents.note(
            "reset", f"starting at the {policy} offset, because {_cause(committed.offset)}:", [(topic, partition)]
        )
        return TopicPartition(topic, partition, target)

    def _committed(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """The committed offsets, negative where there are none. What nobody can tell is not taken for none."""
        try:
            answers = self._consumer.committed(partitions, REQUEST_SECONDS)
        except KafkaException as error:
            raise self._unanswered(error) from error
        for tp in answers:
            if tp.error is not None:
                raise TransactionFailed(f"{tp.topic}-{tp.partition}: its committed offset is unknown: {tp.error.str()}")
        return answers

    def _unanswered(self, error: KafkaException) -> TransactionFailed:
        """Nobody is told offsets while a transaction has some pending; whether it is that, and not a silent broker."""
        if error.args[0].code() == KafkaError._TIMED_OUT:
            try:
                self._consumer.list_topics(timeout=REQUEST_SECONDS)
            except KafkaException:
                return _silence(error)
            return TransactionFailed(
                f"the broker does not tell what group {self._settings.group} has committed: most likely a transaction "
                "that does not end has offsets pending there; if that lasts, see Hanging transactions in "
                "docs/operations.md"
            )
        return _silence(error)


def ask(question: Callable[[], T]) -> T:
    """The client's answer; what it raises as TransactionFailed."""
    try:
        return question()
    except KafkaException as error:
        raise _silence(error) from error


def _silence(error: KafkaException) -> TransactionFailed:
    return TransactionFailed(f"the broker did not answer: {error.args[0]}")


def _cause(committed: int) -> str:
    return "this group has never committed any" if committed < 0 else "the events at the committed one are gone"
