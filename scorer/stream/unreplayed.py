"""The dead letters that were not replayed yet: from the replay group's committed offsets to the end as it is now."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from scorer.errors import OffsetsLost, SettingsError
from scorer.settings import Settings
from scorer.stream import clients, dead_letters
from scorer.stream.asking import PASSING, Heard, asking, patiently
from scorer.stream.dead_letters import PREFIX
from scorer.stream.history import History
from scorer.stream.letters import Coordinates

LETTER = PREFIX + "letter"
"""On a replayed event: the coordinates of the dead letter that it came from."""

CHUNK_EVENTS = 1_000
CHUNK_BYTES = 8 << 20
REQUEST_SECONDS = 10.0


def group(settings: Settings) -> str:
    """The consumer group that remembers what was replayed; the transactional id of replays is the same."""
    return f"{settings.scorer.group}.replay"


class Unreplayed:
    """Reads chunk by chunk; ``offsets`` are to be committed with each chunk. A context manager.

    Kafka forgets the offsets of a group that has been idle for a week (offsets.retention.minutes). Replayed events
    bear the coordinates of their letters, so what was forgotten is read from the retry topic again.
    """

    def __init__(self, settings: Settings, partitions: int) -> None:
        """Raises OffsetsLost where nobody knows any more what was replayed, StreamBroken, SettingsError."""
        self._settings, self._topic = settings, settings.topics.dead_letters
        self._what = f"read {self._topic}"
        self.deleted: list[str] = []
        self._group = group(settings)
        properties = clients.reader(settings, "scorer-replay", self._group, 4 * CHUNK_BYTES)
        self._heard = Heard()
        with asking(self._what):
            self._consumer = Consumer({**properties, "error_cb": self._heard})
        self._heard.client = self._consumer
        self._numbers = range(partitions)
        try:
            bounds = self._bounds()
            self._end = {number: end for number, (_, end) in bounds.items()}
            self.begun = self._begin(bounds)
            self._next, self._pending = dict(self.begun), dict(self.begun)
            self._open = {number for number in self._numbers if self._next[number] < self._end[number]}
            self._consumer.assign([self._at(number, self._next[number]) for number in self._open])
        except BaseException:
            self._consumer.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._consumer.close()

    @property
    def total(self) -> int:
        """How many offsets lie between the beginning and the end."""
        return sum(self._end[number] - begun for number, begun in self.begun.items())

    @property
    def passed(self) -> int:
        """How many of them are done."""
        return sum(self._next[number] - begun for number, begun in self.begun.items())

    def read(self) -> list[Message]:
        """The next chunk; empty at the end. StreamBroken."""
        found: list[Message] = []
        size, deadline = 0, time.monotonic() + REQUEST_SECONDS
        with asking(self._what, self._heard):
            while self._open and len(found) < CHUNK_EVENTS and size < CHUNK_BYTES:
                message = self._consumer.poll(max(0.0, deadline - time.monotonic()))
                if message is None:
                    raise TimeoutError
                if self._is_letter(message):
                    found.append(message)
                    size += len(message)
                    deadline = time.monotonic() + REQUEST_SECONDS
        return found

    def _is_letter(self, message: Message) -> bool:
        """Whether this is one to replay; what it says of its partition is noted."""
        error, number, offset = message.error(), int(message.partition() or 0), int(message.offset() or 0)
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            if error.code() not in PASSING:
                raise KafkaException(error)
            return False
        mine = error is None and number in self._open and offset < self._end[number]
        if mine:
            self._pending[number] = offset + 1
        if number in self._open and (error is not None or offset + 1 >= self._end[number]):
            # Behind the last letter there may be offsets without records.
            self._pending[number] = self._end[number]
            self._open.discard(number)
            self._consumer.pause([self._at(number)])
        return mine

    def offsets(self) -> list[TopicPartition]:
        """What to commit with the chunk that was read last: all partitions, so that Kafka forgets none of them."""
        return [self._at(number, offset) for number, offset in self._pending.items()]

    def group_metadata(self) -> object:
        """What a transaction needs to know of the group."""
        return self._consumer.consumer_group_metadata()

    def done(self) -> None:
        """The chunk that was read last is committed."""
        self._next = dict(self._pending)

    def standing(self) -> str:
        """What the committed offsets say of the chunk that was read last: ``open``, ``done``, or ``elsewhere``."""
        committed = self._committed()
        if committed == self._pending:
            return "done"
        before = {number: offset for number, offset in committed.items() if offset >= 0}
        return "open" if all(self._next[number] == offset for number, offset in before.items()) else "elsewhere"

    def _begin(self, bounds: dict[int, tuple[int, int]]) -> dict[int, int]:
        """Where each partition goes on."""
        begun = {number: offset for number, offset in self._committed().items() if offset >= 0}
        unknown = [number for number in self._numbers if number not in begun and bounds[number][0] < bounds[number][1]]
        begun |= self._from_retry(unknown) if unknown else {}
        for number, (low, end) in bounds.items():
            offset = begun.setdefault(number, low)
            if offset > end:
                raise OffsetsLost(
                    f"{self._topic}-{number} ends at offset {end}, but {offset} is committed: the topic was made anew. "
                    f"Delete the group {self._group} with Kafka's own tool to replay its letters from the beginning"
                )
            if offset < low:
                self.deleted.append(f"{self._topic}-{number}: offsets {offset} to {low - 1}")
                begun[number] = low
        return begun

    def _from_retry(self, unknown: Iterable[int]) -> dict[int, int]:
        """Where these partitions go on, by what was replayed of them."""
        found: dict[int, int] = {}
        retry = self._settings.topics.retry
        with History(self._settings, retry) as history:
            if any(history.oldest().values()):
                raise OffsetsLost(
                    f"Kafka has forgotten the offsets of the group {self._group}, and the oldest records of {retry} "
                    "are deleted, so nobody knows which letters were replayed. Set the group's offsets with Kafka's "
                    "own tool (kafka-consumer-groups --reset-offsets), then run this again"
                )
            for message in history.newest_first():
                at = _letter(message)
                if at is not None and at.topic == self._topic and at.partition in unknown:
                    found[at.partition] = max(found.get(at.partition, 0), at.offset + 1)
        return found

    def _bounds(self) -> dict[int, tuple[int, int]]:
        with asking(self._what, self._heard):
            return {number: patiently(partial(self._ends, number), REQUEST_SECONDS) for number in self._numbers}

    def _ends(self, number: int) -> tuple[int, int]:
        return self._consumer.get_watermark_offsets(self._at(number), REQUEST_SECONDS)

    def _committed(self) -> dict[int, int]:
        """The committed offset of each partition; negative where there is none."""
        with asking(f"read the offsets of the group {self._group}", self._heard):
            return patiently(self._ask, REQUEST_SECONDS)

    def _ask(self) -> dict[int, int]:
        answers = self._consumer.committed([self._at(number) for number in self._numbers], REQUEST_SECONDS)
        for tp in answers:
            if tp.error is not None:
                raise KafkaException(tp.error)
        return {tp.partition: tp.offset for tp in answers}

    def _at(self, number: int, offset: int | None = None) -> TopicPartition:
        return TopicPartition(self._topic, number) if offset is None else TopicPartition(self._topic, number, offset)


def _letter(message: Message) -> Coordinates | None:
    text = dict(dead_letters.listed(message.headers())).get(LETTER)
    if not isinstance(text, bytes):
        return None
    try:
        return Coordinates.parse(text.decode())
    except (SettingsError, UnicodeDecodeError):
        return None
