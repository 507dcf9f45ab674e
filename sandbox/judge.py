"""An independent reader of the topics: counts what became of every event, by source coordinates.

It knows nothing of the scorer but its promise: for each record of the input topics there is exactly one committed
prediction or dead letter, and the records of one source partition keep their order. It reads committed records only,
with plain client and plain Avro reader, and imports neither scorer nor monitor.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import fastavro
import numpy as np
import numpy.typing as npt
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from sandbox.errors import SandboxError

Int64s = npt.NDArray[np.int64]
Schema = Mapping[str, Any]
"""An Avro schema as parsed JSON."""

FRAME = 5
"""Bytes before each Avro record: a zero and the schema's id."""

SETTLE_SECONDS = 30.0

_CHUNK = 20_000
_WAIT = 0.1
_PATIENCE = 30.0


def read(bootstrap: str, topic: str) -> Iterator[list[Message]]:
    """All committed records of ``topic``, in the order of each partition, up to the end that it has now.

    A commit returns before it is written to the partitions, so transactions that are still open get ``SETTLE_SECONDS``
    to end; after that, what is in them does not count. Raises ``SandboxError`` where there is no such topic, or when
    nothing comes for 30 s before the end is reached.
    """
    settings: dict[str, str | int | float | bool] = {
        "bootstrap.servers": bootstrap,
        "group.id": "judge",  # required, but it never joins
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "fetch.wait.max.ms": 10,  # the end is told by an answer without records, which brokers delay
        "queued.min.messages": 2 * _CHUNK,
        "log_level": 0,
    }
    consumer = Consumer(settings)
    try:
        bounds = _settled(bootstrap, consumer, topic)
        waiting = {partition for partition, (begin, end) in bounds.items() if end > begin}
        consumer.assign([TopicPartition(topic, partition, bounds[partition][0]) for partition in sorted(waiting)])
        silence = 0.0
        while waiting:
            messages, reached = _records(topic, consumer.consume(_CHUNK, _WAIT))
            # An end may be told before a transaction that has just ended is wholly read; then it is told again.
            waiting -= {partition for partition, offset in reached.items() if offset >= bounds[partition][1]}
            silence = 0.0 if messages or reached else silence + _WAIT
            if silence > _PATIENCE:
                raise SandboxError(f"{topic}: partitions {sorted(waiting)} give no more records before their end")
            if messages:
                yield messages
    except KafkaException as error:
        raise SandboxError(f"{topic} cannot be read: {error.args[0].str()}") from error
    finally:
        consumer.close()


def _settled(bootstrap: str, committed: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    """Where each partition begins, and where what is committed ends, once no transaction is open or none ends soon."""
    everything = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "judge", "isolation.level": "read_uncommitted", "log_level": 0}
    )
    try:
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            all_of_it, bounds = _bounds(everything, topic), _bounds(committed, topic)
            if all(bounds[number][1] >= end for number, (_, end) in all_of_it.items()) or time.monotonic() > deadline:
                return bounds
            time.sleep(_WAIT)
    finally:
        everything.close()


def _bounds(consumer: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    """Where each partition begins, and where what this consumer may see of it ends."""
    found = consumer.list_topics(topic, 10).topics[topic]
    if found.error is not None:
        raise SandboxError(f"{topic} cannot be read: {found.error.str()}")
    return {number: consumer.get_watermark_offsets(TopicPartition(topic, number), 10) for number in found.partitions}


def _records(topic: str, arrived: list[Message]) -> tuple[list[Message], dict[int, int]]:
    """The records among the messages, and the ends that were reached, by partition."""
    if not any(map(Message.error, arrived)):
        return arrived, {}
    records, reached = [], {}
    for message in arrived:
        error = message.error()
        if error is None:
            records.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            reached[message.partition() or 0] = message.offset() or 0
        else:
            raise SandboxError(f"{topic} cannot be read: {error.str()}")
    return records, reached


@dataclass(slots=True, eq=False)
class Places:
    """Source coordinates of ``n`` records, in the order in which they were read.

    ``source`` int32 indexes ``sources``, a list of (topic, partition); ``offset`` int64; ``lane`` int32 is the
    partition that the record itself was read from, ``time`` int64 its timestamp in milliseconds since the epoch.
    ``unreadable`` counts records that bear no coordinates.
    """

    sources: list[tuple[str, int]] = field(default_factory=list)
    source: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    offset: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    lane: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    time: Int64s = field(default_factory=lambda: np.empty(0, np.int64))
    unreadable: int = 0

    def __len__(self) -> int:
        return len(self.offset)

    def by_source(self) -> dict[tuple[str, int], Int64s]:
        """The offsets of each source."""
        return {name: self.offset[self.source == number] for number, name in enumerate(self.sources)}

    def misplaced(self) -> int:
        """How many records come after one of a higher offset, of the same source, in the same partition.

        Copies do not count; ``doubled`` counts them.
        """
        group = self.lane.astype(np.int64) * max(len(self.sources), 1) + self.source
        order = np.lexsort((self.offset, group))  # equal ones stay in the order in which they were read
        again = (np.diff(group[order]) == 0) & (np.diff(self.offset[order]) == 0)
        first = order[np.concatenate([[True], ~again])] if len(order) else order
        return int(((np.diff(group[first]) == 0) & (np.diff(first) < 0)).sum())


class Gatherer:
    """Collects coordinates from the records of a topic."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, int], int] = {}
        self._parts: list[tuple[list[int], list[int], list[int], list[int]]] = []
        self._unreadable = 0

    def add(self, messages: Sequence[Message], places: Sequence[tuple[str, int, int] | None]) -> None:
        """The (topic, partition, offset) of each message; ``None`` where it has none."""
        sources, offsets, lanes, times = [], [], [], []
        for message, place in zip(messages, places, strict=True):
            if place is None:
                self._unreadable += 1
                continue
            topic, partition, offset = place
            sources.append(self._numbers.setdefault((topic, partition), len(self._numbers)))
            offsets.append(offset)
            lanes.append(message.partition() or 0)
            times.append(message.timestamp()[1])
        self._parts.append((sources, offsets, lanes, times))

    def places(self) -> Places:
        """All that was added."""
        source, offset, lane, time = (
            np.concatenate([np.array(part[column], np.int64) for part in self._parts] or [np.empty(0, np.int64)])
            for column in range(4)
        )
        names = list(self._numbers)
        return Places(names, source.astype(np.int32), offset, lane.astype(np.int32), time, self._unreadable)


def inputs(bootstrap: str, topics: Sequence[str]) -> Places:
    """The coordinates of all records of the input topics: their own."""
    found = Gatherer()
    for topic in topics:
        for messages in read(bootstrap, topic):
            own = zip(map(Message.partition, messages), map(Message.offset, messages), strict=True)
            found.add(messages, [(topic, partition or 0, offset or 0) for partition, offset in own])
    return found.places()


def predictions(bootstrap: str, topic: str, schema: Schema) -> Places:
    """The source coordinates that the predictions bear. Of each record only what comes before them is decoded."""
    names = [part["name"] for part in schema["fields"]]
    head = {**schema, "fields": schema["fields"][: names.index("source_offset") + 1]}
    decode = decoder(head)

    def place(message: Message) -> tuple[str, int, int] | None:
        record = decode(message.value())
        if record is None:
            return None
        return record["source_topic"], record["source_partition"], record["source_offset"]

    return _gathered(bootstrap, topic, place)


def dead_letters(bootstrap: str, topic: str) -> Places:
    """The source coordinates in the headers of the dead letters."""
    return _gathered(bootstrap, topic, _headed)


def _gathered(bootstrap: str, topic: str, place: Callable[[Message], tuple[str, int, int] | None]) -> Places:
    found = Gatherer()
    for messages in read(bootstrap, topic):
        found.add(messages, list(map(place, messages)))
    return found.places()


def _headed(message: Message) -> tuple[str, int, int] | None:
    headers = message.headers() or []
    listed = dict(headers.items() if isinstance(headers, dict) else headers)
    parts = [listed.get(f"scorer.source.{name}") for name in ("topic", "partition", "offset")]
    try:
        topic, partition, offset = (
            bytes(part or b"").decode() if not isinstance(part, str) else part for part in parts
        )
        return topic, int(partition), int(offset)
    except ValueError:
        return None


def decoder(schema: Schema) -> Callable[[bytes | None], dict[str, Any] | None]:
    """A function that decodes one framed record; ``None`` for what is none. Bytes behind the record are ignored.

    Times stay the integers that they are stored as.
    """
    parsed = fastavro.parse_schema(_without_logical_types(schema))

    def decode(value: bytes | None) -> dict[str, Any] | None:
        if value is None or len(value) < FRAME or value[0]:
            return None
        source = io.BytesIO(value)
        source.seek(FRAME)
        try:
            record: dict[str, Any] = fastavro.schemaless_reader(source, parsed, None)  # type: ignore[assignment]
        except (EOFError, IndexError, KeyError, TypeError, ValueError):
            return None
        return record

    return decode


def _without_logical_types(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        return {name: _without_logical_types(part) for name, part in schema.items() if name != "logicalType"}
    return [_without_logical_types(part) for part in schema] if isinstance(schema, list) else schema


@dataclass(frozen=True)
class Count:
    """What became of the events. ``examples`` names up to ten source coordinates for each kind of breach.

    ``lost`` events have no output; ``doubled`` counts the outputs beyond the first of an event; ``extra`` outputs name
    an event that does not exist, or none at all; ``misplaced`` outputs are out of the order of their source.
    """

    events: int
    predictions: int
    dead_letters: int
    lost: int
    doubled: int
    extra: int
    misplaced: int
    examples: Mapping[str, Sequence[str]]

    @property
    def broken(self) -> dict[str, int]:
        """The breaches that there are, by name."""
        named = {"lost": self.lost, "doubled": self.doubled, "extra": self.extra, "misplaced": self.misplaced}
        return {name: number for name, number in named.items() if number}


def count(events: Places, predicted: Places, dead: Places) -> Count:
    """Compare inputs and outputs by source coordinates."""
    wanted, given, letters = events.by_source(), predicted.by_source(), dead.by_source()
    nothing = np.empty(0, np.int64)
    totals = {"lost": 0, "doubled": 0, "extra": predicted.unreadable + dead.unreadable}
    examples: dict[str, list[str]] = {name: [] for name in totals}
    for source in sorted({*wanted, *given, *letters}):
        there = np.unique(wanted.get(source, nothing))
        outputs = np.concatenate([given.get(source, nothing), letters.get(source, nothing)])
        found, times = np.unique(outputs, return_counts=True)
        known = np.isin(found, there, assume_unique=True)
        breaches = {
            "lost": (np.setdiff1d(there, found, assume_unique=True), None),
            "doubled": (found[times > 1], times[times > 1] - 1),
            "extra": (found[~known], None),
        }
        for name, (offsets, weight) in breaches.items():
            totals[name] += int(len(offsets) if weight is None else weight.sum())
            room = 10 - len(examples[name])
            examples[name] += [f"{source[0]}-{source[1]}-{offset}" for offset in offsets[:room].tolist()]
    misplaced = predicted.misplaced() + dead.misplaced()
    return Count(
        len(events),
        len(predicted) + predicted.unreadable,
        len(dead) + dead.unreadable,
        **totals,
        misplaced=misplaced,
        examples=examples,
    )
