"""A producer with transactions, and what each of its errors means.

librdkafka tells three kinds of errors of a transaction apart; each has one answer:

- retriable: the same call again, with the same arguments;
- requires abort: abort, rewind, begin anew (TransactionFailed);
- fatal, or none of these: the producer is finished and is replaced (ProducerLost), unless another process has taken
  its name (Fenced).

No delivery callbacks are needed: a failed delivery makes the transaction abortable.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from scorer.errors import Fenced, ProducerLost, StreamError, TransactionFailed
from scorer.stream.clients import Properties

LOGGER = logging.getLogger(__name__)

# One attempt of a call. Calls are repeated for as long as it takes, but between attempts the process can be stopped.
ATTEMPT_SECONDS = 2.0

# After this, a call that has not returned never will: longer than any time-out that the client is given, shorter than
# the transaction lives.
HUNG_SECONDS = 6.0

FENCED = {KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH}


class Transaction:
    """A transactional producer. Once ``stopping``, waiting for the broker ends in TransactionFailed."""

    def __init__(self, properties: Properties, timeout_ms: int, stopping: Callable[[], bool]) -> None:
        self._properties = properties
        self._timeout = timeout_ms / 1e3
        self._stopping = stopping
        self._begun = 0.0
        self._lost = False
        self._called: float | None = None  # since when the client has not returned
        self.open = False
        self.producer = self._start()

    def begin(self) -> None:
        """Begin, unless a transaction is open."""
        if not self.open:
            if self._lost:
                self._replace()
            self._begun = time.monotonic()
            self._call(self.producer.begin_transaction)
            self.open = True

    def commit(self, offsets: list[TopicPartition], group: object) -> None:
        """Send the offsets, wait for all deliveries, commit."""
        if offsets:
            self._call(lambda: self.producer.send_offsets_to_transaction(offsets, group, ATTEMPT_SECONDS))
        self._end(lambda: self.producer.commit_transaction(ATTEMPT_SECONDS))

    def abort(self) -> None:
        """Abort what is open. A producer that is lost, or cannot abort, is replaced, which aborts as well."""
        if self.open and not self._lost:
            try:
                self._end(lambda: self.producer.abort_transaction(ATTEMPT_SECONDS))
            except TransactionFailed as error:
                LOGGER.warning("the transaction could not be aborted: %s", error)
                self._lost = True
        if self._lost:
            self._replace()
        self.open = False

    def blocked(self) -> float:
        """For how many seconds the client has not returned from a call. May be asked from another thread.

        ``send_offsets_to_transaction`` does not heed its time-out, and never returns once the group's coordinator has
        left the cluster's metadata for a moment, as it does when it restarts (librdkafka issues 5456 and 5511). No
        other thread can end such a call; a new process can go on.
        """
        called = self._called
        return 0.0 if called is None else time.monotonic() - called

    def close(self) -> None:
        """Abort what is open, without waiting for the broker longer than one attempt, and drop the producer."""
        if self.open and not self._lost:
            try:
                self.producer.abort_transaction(ATTEMPT_SECONDS)
            except KafkaException as error:
                LOGGER.warning("the open transaction is left to time out: %s", error.args[0].str())
        self.producer.purge()
        self.open = False

    def _start(self) -> Producer:
        self.producer = Producer({**self._properties, "error_cb": _log})
        self._call(lambda: self.producer.init_transactions(ATTEMPT_SECONDS))
        return self.producer

    def _replace(self) -> None:
        """A new producer under the same name; its start aborts what the old one left open, and fences it."""
        LOGGER.warning("the producer is replaced")
        self.producer.purge()
        self._start()
        self._lost = False

    def _end(self, call: Callable[[], object]) -> None:
        """Commit or abort.

        Where the broker's answer was long in coming, a copy of the request may still be on its way, and could end a
        later transaction (KIP-890, which librdkafka lacks). A new producer has a new epoch, which fences that copy. It
        is made before the next transaction begins: this one has ended, whatever hinders its successor.
        """
        delayed = self._call(call)
        self.open = False
        self._lost = delayed

    def _call(self, call: Callable[[], object]) -> bool:
        """Repeat while the error is retriable; return whether it was repeated."""
        repeated = False
        while True:
            self._called = time.monotonic()
            try:
                call()
            except KafkaException as failure:
                error = failure.args[0]
                if not error.retriable() or error.fatal():
                    raise self._meaning(error) from failure
                if self._stopping():
                    raise TransactionFailed(f"stopped while waiting for the broker: {error.str()}") from failure
                LOGGER.warning("waiting for the broker: %s", error.str())
                repeated = True
            else:
                return repeated
            finally:
                self._called = None

    def _meaning(self, error: KafkaError) -> StreamError:
        """What an error that is not retriable asks for."""
        text = f"{error.name()}: {error.str()}"
        if error.code() in FENCED or (error.fatal() and "fenced" in error.str().lower()):
            self._lost = True
            # The broker itself bumps the epoch of a transaction that has outlived its time-out: that is no rival.
            if self.open and time.monotonic() - self._begun >= self._timeout:
                return ProducerLost(f"the transaction took longer than {self._timeout:.0f} s, so the broker ended it")
            return fenced(error)
        if error.txn_requires_abort() and not error.fatal():
            return TransactionFailed(text)
        self._lost = True
        return ProducerLost(text)


def fenced(error: KafkaError) -> Fenced:
    """Somebody else uses this process's name."""
    return Fenced(
        f"another process has taken this one's name ({error.str()}). Each process tree needs a scorer.instance of its "
        "own: if two run with the same one, stop one of them"
    )


def _log(error: KafkaError) -> None:
    # Whatever matters comes back from the next call, too; this is for people who read the log.
    LOGGER.info("producer: %s: %s", error.name(), error.str())
