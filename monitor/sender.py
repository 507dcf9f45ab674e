"""Sends what the outbox holds for topics: verdicts, alarms and audit records.

Every record bears the id of its letter. It is struck out once all in-sync replicas have it, in the order of its key:
what comes later on the same subject counts as sent only after all before it, so that the last record of a key is the
last that was said. After a restart the end of the topic is read first, for what was sent and not struck out; what is
found is not sent again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from monitor.alerts.records import Record
from monitor.recalling import HEADER, Recalling
from monitor.settings import MonitorSettings
from monitor.store import outbox
from scorer.stream import clients

LOGGER = logging.getLogger(__name__)

VERDICT, AUDIT = "verdict", "audit"
"""Kinds of letters in the outbox."""

LEASE = "monitor.lease"
"""The header with the number of the lease under which a record was sent."""

UNDER_WAY = 10_000
"""Most records of a kind that are under way."""

PAUSE_SECONDS = 1.0
LEAVE_SECONDS = 2.0


@dataclass(slots=True)
class _Line:
    """What goes to one topic. ``chains`` are the ids of each key in their order, from the first that is under way."""

    topic: str
    recalling: Recalling | None = None
    asked: bool = False
    turns: dict[str, object] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    chains: dict[bytes, list[str]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)


class Sender:
    """For one thread, which no method holds up for long."""

    def __init__(self, settings: MonitorSettings) -> None:
        self._settings = settings
        self._lines = {VERDICT: _Line(settings.topics.verdicts), AUDIT: _Line(settings.topics.audit)}
        self._again_at = 0.0
        self._fatal = False
        self.problem = ""
        self._producer = self._made()

    def offer(self, kind: str, letters: Sequence[outbox.Letter], lease: int) -> None:
        """All that the outbox holds of a kind, in its order, again and again; ``lease`` is the number of the lease."""
        line = self._lines[kind]
        line.done &= {letter.id for letter in letters}
        if not self._recalled(line, letters) or time.monotonic() < self._again_at:
            return
        if self._fatal:
            self._begin_anew()
        for letter in letters:
            if len(line.turns) >= UNDER_WAY or not self._send(line, kind, letter, lease):
                return

    def done(self) -> list[str]:
        """The ids that are to be struck out. Until they are no longer offered they are told again."""
        self._producer.poll(0)
        return sorted(one for line in self._lines.values() for one in line.done)

    def close(self) -> None:
        """Wait shortly for what is under way; what is not there then is sent by the next monitor."""
        for line in self._lines.values():
            if line.recalling is not None:
                line.recalling.close()
        self._producer.flush(LEAVE_SECONDS)
        for line in self._lines.values():
            line.turns.clear()
        self._producer.purge()

    def _recalled(self, line: _Line, letters: Sequence[outbox.Letter]) -> bool:
        """Whether it is known what was sent before this process began."""
        if not line.asked:
            line.asked = True
            if letters:
                line.recalling = Recalling(self._settings, line.topic, [letter.id for letter in letters])
        if line.recalling is not None and (found := line.recalling.found) is not None:
            line.done |= found & {letter.id for letter in letters}
            line.recalling.close()
            line.recalling = None
        return line.recalling is None

    def _send(self, line: _Line, kind: str, letter: outbox.Letter, lease: int) -> bool:
        """Hand a record to the client, unless it is there already; false where the client takes no more."""
        if letter.id in line.done or letter.id in line.turns:
            return True
        record = Record.unpacked(letter.payload) if kind == VERDICT else Record(b"", letter.payload)
        turn = object()

        def delivered(error: KafkaError | None, _message: Message) -> None:
            if line.turns.get(letter.id) is turn:
                self._delivered(line, record.key, letter.id, error)

        headers: list[tuple[str, str | bytes | None]] = [(HEADER, letter.id), (LEASE, str(lease))]
        partition = -1 if record.key else 0  # what bears no key goes where the scorers' audit records go
        try:
            self._producer.produce(
                line.topic, record.value, record.key or None, partition, on_delivery=delivered, headers=headers
            )
        except BufferError:
            return False
        except KafkaException as error:  # it has failed for good since it was last heard of
            self._heard(error.args[0])
            self._pause(line, error.args[0])
            return False
        line.turns[letter.id] = turn
        line.chains.setdefault(record.key, []).append(letter.id)
        return True

    def _delivered(self, line: _Line, key: bytes, name: str, error: KafkaError | None) -> None:
        """What became of a record. Called by the client, within ``poll``."""
        chain = line.chains[key]
        if error is None:
            self.problem = ""
            line.acknowledged.add(name)
            while chain and chain[0] in line.acknowledged:
                first = chain.pop(0)
                line.acknowledged.discard(first)
                del line.turns[first]
                line.done.add(first)
        else:
            self._pause(line, error)
            # What comes after it on the same subject goes again, too, whether it has arrived or not.
            at = chain.index(name)
            for later in chain[at:]:
                line.acknowledged.discard(later)
                del line.turns[later]
            del chain[at:]
        if not chain:
            del line.chains[key]

    def _pause(self, line: _Line, error: KafkaError) -> None:
        """Say what went wrong, once, and send nothing for a moment."""
        if self.problem != error.str():
            LOGGER.warning("%s did not take a record, which is sent again: %s", line.topic, error.str())
        self.problem = error.str()
        self._again_at = time.monotonic() + PAUSE_SECONDS

    def _begin_anew(self) -> None:
        """Replace a client that sends nothing any more; what was under way is sent again."""
        for line in self._lines.values():
            line.turns.clear()
            line.acknowledged.clear()
            line.chains.clear()
        self._fatal = False
        self._producer.purge()
        self._producer = self._made()

    def _made(self) -> Producer:
        return Producer(
            {
                "linger.ms": 5,
                "compression.type": "lz4",
                "message.max.bytes": 1_000_000_000,  # what the topic takes is the limit
                "partitioner": "murmur2_random",
                **clients.common(self._settings, self._settings.monitor.group),
                "acks": "all",
                "enable.idempotence": True,
                "message.timeout.ms": 0,  # it repeats for as long as the process lives, and keeps the order
                "error_cb": self._heard,
            }
        )

    def _heard(self, error: KafkaError) -> None:
        """Trouble of the client, which mends most of it itself. Called by the client, and must not raise."""
        if error.fatal():
            self._fatal = True
            LOGGER.warning("the producer of verdicts ends and is replaced: %s", error.str())
