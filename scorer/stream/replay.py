"""Dead letters sent back to be scored again, each once, however often this is started, killed or run twice at once.

One transaction holds a chunk of events for the retry topic and the offsets, in the dead-letter topic, behind the
letters that they came from. All replays of a model have the same transactional id: one that starts ends what another
has left open, and fences it if it is still alive.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from confluent_kafka import KafkaException, Message

from scorer.errors import HUNG, Fenced, StreamBroken, TransactionFailed
from scorer.settings import Settings
from scorer.stream import clients, dead_letters, topics
from scorer.stream.asking import asking, explained
from scorer.stream.clients import Properties
from scorer.stream.dead_letters import ATTEMPT, ORIGIN, Header
from scorer.stream.letters import Letter
from scorer.stream.topics import TopicFacts
from scorer.stream.transaction import HUNG_SECONDS, Transaction
from scorer.stream.unreplayed import CHUNK_BYTES, CHUNK_EVENTS, LETTER, Unreplayed, group

LOGGER = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
QUEUE_FULL_SECONDS = 0.1
FAILURES = 3
NAMED = 1_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A letter that was not replayed: its coordinates, those of its event, a stable code for why, and in words."""

    letter: str
    source: str
    code: str
    text: str


@dataclass(slots=True)
class Outcome:
    """What became of the letters: how many were replayed and how many stay, by code. ``kept`` names the first of these.

    ``deleted`` says which letters were deleted from the topic before anybody replayed them.
    """

    replayed: int = 0
    stay: Counter[str] = field(default_factory=Counter)
    kept: list[Kept] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def add(self, replayed: int, kept: Sequence[Kept]) -> None:
        """Count a chunk."""
        self.replayed += replayed
        self.stay.update(one.code for one in kept)
        self.kept += kept[: NAMED - len(self.kept)]


@dataclass(frozen=True, slots=True)
class Event:
    """An event for the retry topic, as its producer made it, with the headers of a replay. ``partition`` -1: by key."""

    key: bytes | None
    value: bytes | None
    headers: list[Header]
    partition: int
    timestamp: int


def _unwatched(_passed: int, _total: int) -> None:
    """Nobody looks on."""


def replay(settings: Settings, *, dry_run: bool = False, progress: Callable[[int, int], None] = _unwatched) -> Outcome:
    """Replay every dead letter that is there now and was not replayed yet; ``dry_run`` only says what would be done.

    ``progress`` is told how many offsets are passed, and of how many. Raises Fenced where another replay takes over,
    OffsetsLost where nobody knows any more what was replayed, StreamBroken; what was replayed by then counts.
    """
    names = (settings.topics.dead_letters, settings.topics.retry)
    with asking("ask about the topics"):
        facts = topics.describe(topics.admin(settings), names)
    missing = [name for name in names if name not in facts]
    if missing:
        raise StreamBroken(f"topics are missing: {', '.join(missing)}; make them with: scorer topics create")
    letters, retry = (facts[name] for name in names)
    rules = Rules(settings, letters, retry, time.time())
    # The producer first: what another replay has left open is ended before anybody asks which offsets are committed.
    sender = None if dry_run else Sender(settings, retry)
    try:
        with Unreplayed(settings, letters.partitions) as source:
            outcome = Outcome(deleted=source.deleted)
            while chunk := source.read():
                judged = [rules.judge(message) for message in chunk]
                events = [one for one in judged if isinstance(one, Event)]
                if sender is not None:
                    sender.send(source, events)
                source.done()
                outcome.add(len(events), [one for one in judged if isinstance(one, Kept)])
                progress(source.passed, source.total)
            if sender is not None:
                sender.send(source, [])  # what lies behind the last letter, and the offsets of idle partitions
    finally:
        if sender is not None:
            sender.close()
    return outcome


class Rules:
    """Which letters are replayed, and as what."""

    def __init__(self, settings: Settings, letters: TopicFacts, retry: TopicFacts, now: float) -> None:
        self._letters, self._retry, self._most = letters, retry, settings.scorer.max_attempts
        self._timed_by_broker = settings.scorer.time_field is None
        self._now = now

    def judge(self, message: Message) -> Event | Kept:
        """The event to write, or why the letter stays."""
        letter = Letter.of(message)
        headers: list[Header] = [
            *letter.headers,
            (ATTEMPT, str(letter.attempt).encode()),
            (ORIGIN, letter.origin.encode()),
            (LETTER, str(letter.at).encode()),
        ]
        # Where the broker's timestamp is the event's time, a replayed event keeps it.
        text = letter.facts.get("source.time", "") if self._timed_by_broker else ""
        event = Event(letter.key, letter.value, headers, self._partition(letter), int(text) if text.isdecimal() else 0)
        why = self._obstacle(letter, event)
        return event if why is None else Kept(str(letter.at), letter.source, *why)

    def _obstacle(self, letter: Letter, event: Event) -> tuple[str, str] | None:
        if not letter.attempt or not letter.origin:
            return "foreign", "it is no dead letter of a scorer: headers are missing"
        if letter.cut:
            length = letter.facts.get("value.length", "?")
            return "cut", f"only a part of its event of {length} bytes is kept: whoever produced it must send it again"
        if letter.attempt > self._most:
            return "attempts", f"it was tried {letter.attempt} times; scorer.max_attempts allows {self._most} replays"
        size = dead_letters.size(event.key, event.value, event.headers)
        if size > self._retry.max_bytes:
            return "too_large", f"it has {size} bytes, but {self._retry.name} takes {self._retry.max_bytes}"
        kept_ms = self._retry.retention_ms
        if event.timestamp and kept_ms is not None and 0 <= kept_ms <= self._now * 1e3 - event.timestamp:
            return "too_old", f"{self._retry.name} deletes {self._retry.deletes} at once; set its retention.ms to -1"
        return None

    def _partition(self, letter: Letter) -> int:
        """The same number where both topics have equally many, else by the key, else the number modulo the count."""
        if self._letters.partitions == self._retry.partitions:
            return letter.at.partition
        return letter.at.partition % self._retry.partitions if letter.key is None else -1


class Sender:
    """The transactional producer of a replay."""

    def __init__(self, settings: Settings, retry: TopicFacts) -> None:
        """Ends what another replay has left open, and fences it. Raises Fenced, StreamBroken, SettingsError."""
        self._topic, self._model = retry.name, settings.scorer.model
        self._until = time.monotonic() + PATIENCE_SECONDS
        with asking("replay"):
            try:
                timeout = settings.scorer.transaction_timeout_ms
                self._transaction = Transaction(_properties(settings, retry), timeout, self._out_of_patience)
            except Fenced as error:
                raise self._taken_over() from error
            except TransactionFailed as error:
                raise StreamBroken(f"the replay cannot begin: {error}") from error
        self._closed = threading.Event()
        threading.Thread(target=self._end_if_hung, name="hung", daemon=True).start()

    def send(self, source: Unreplayed, events: Sequence[Event]) -> None:
        """Write the events and commit the offsets of the chunk, both or neither."""
        for _ in range(FAILURES):
            try:
                self._transaction.begin()
                for event in events:
                    self._produce(event)
                self._transaction.commit(source.offsets(), source.group_metadata())
            except Fenced as error:
                raise self._taken_over() from error
            except TransactionFailed as error:
                LOGGER.warning("the transaction failed and is tried again: %s", error)
                if self._settled(source):
                    break
            else:
                break
        else:
            raise StreamBroken(f"the replay failed {FAILURES} times in a row; run it again to go on from where it was")
        self._until = time.monotonic() + PATIENCE_SECONDS

    def close(self) -> None:
        """Abort what is open."""
        self._closed.set()
        self._transaction.close()

    def _end_if_hung(self) -> None:
        """Nothing but its end stops a process whose client never returns, not even Ctrl-C."""
        while not self._closed.wait(1.0):
            if self._transaction.blocked() > HUNG_SECONDS:
                LOGGER.error("the Kafka client does not return; run it again: nothing is replayed twice")
                os._exit(HUNG)

    def _settled(self, source: Unreplayed) -> bool:
        """Abort; whether the transaction had committed all the same, and only the answer was lost."""
        try:
            self._transaction.abort()
        except Fenced as error:
            raise self._taken_over() from error
        except TransactionFailed as error:
            raise StreamBroken(f"the replay is given up: {error}") from error
        standing = source.standing()
        if standing == "elsewhere":
            raise self._taken_over()
        return standing == "done"

    def _produce(self, event: Event) -> None:
        while True:
            try:
                self._transaction.producer.produce(
                    self._topic,
                    event.value,
                    event.key,
                    event.partition,
                    timestamp=event.timestamp,
                    headers=event.headers,
                )
            except BufferError as error:
                if self._out_of_patience():
                    raise TransactionFailed("the producer's queue stays full") from error
                self._transaction.producer.poll(QUEUE_FULL_SECONDS)
            except KafkaException as error:
                cause = error.args[0]
                raise TransactionFailed(str(explained(f"write to {self._topic}", cause))) from error
            else:
                return

    def _out_of_patience(self) -> bool:
        return time.monotonic() > self._until

    def _taken_over(self) -> Fenced:
        return Fenced(
            f"another replay of the dead letters of {self._model} has begun and goes on from where this one was; "
            "nothing is replayed twice"
        )


def _properties(settings: Settings, retry: TopicFacts) -> Properties:
    return {
        "linger.ms": 5,
        "compression.type": "lz4",
        "queue.buffering.max.messages": 4 * CHUNK_EVENTS,
        "queue.buffering.max.kbytes": 4 * CHUNK_BYTES >> 10,
        "partitioner": "murmur2_random",
        **clients.common(settings, "scorer-replay"),
        "acks": "all",
        "enable.idempotence": True,
        # Each record's size is checked here, against what the topic takes; a batch must not be larger, either.
        "message.max.bytes": 1_000_000_000,
        "batch.size": min(1 << 20, retry.max_bytes),
        "transactional.id": group(settings),
        "transaction.timeout.ms": settings.scorer.transaction_timeout_ms,
    }
