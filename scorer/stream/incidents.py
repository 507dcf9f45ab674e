"""What happens inside the client's callbacks, kept until the loop can hear of it.

Callbacks run inside ``poll`` and ``consume``. One that raised there would drop fetched events and hang ``close``, so
callbacks never raise: they note here what went wrong, and it is raised once the client has returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from confluent_kafka import KafkaException

from scorer.errors import StreamBroken, StreamError, TransactionFailed
from scorer.stream.offsets import Partition
from scorer.stream.seam import StreamEvent

_KEPT = 1000


class Incidents:
    """Events that people want to know of, and the gravest error that is still to be raised."""

    def __init__(self) -> None:
        self._events: list[StreamEvent] = []
        self._error: StreamError | None = None

    def note(self, kind: str, text: str, partitions: Iterable[Partition] = ()) -> None:
        """Something happened; ``kind`` as in StreamEvent."""
        self._events.append(StreamEvent(kind, text, tuple(partitions)))
        del self._events[:-_KEPT]  # a loop that never asks must not fill the memory

    def events(self) -> list[StreamEvent]:
        """What was noted since this was last asked."""
        events, self._events = self._events, []
        return events

    @property
    def deferred(self) -> bool:
        """Whether an error is still to be raised."""
        return self._error is not None

    def defer(self, error: StreamError) -> None:
        """Keep the gravest error: one that ends the process outranks an abort."""
        if self._error is None or isinstance(self._error, TransactionFailed):
            self._error = error

    def guard(self, call: Callable[[], object]) -> None:
        """Make a call inside a callback, and defer what it raises."""
        try:
            call()
        except StreamError as error:
            self.defer(error)
        except KafkaException as error:
            self.defer(StreamBroken(f"while partitions moved: {error.args[0]}"))

    def raise_deferred(self) -> None:
        """Raise what was deferred, once; the client must have returned."""
        error, self._error = self._error, None
        if error is not None:
            raise error
