"""Being woken by pub/sub when a pointer changes, so that a flip does not wait for the next poll.

Only a hint: a message that was published while the connection was away is lost, so the poll is what counts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

import redis
from redis.client import PubSub

from scorer.errors import RegistryUnavailable
from scorer.registry.client import answering, primary

_LISTEN_SECONDS = 0.25
_PAUSE_SECONDS = 1.0
FAILOVER_SECONDS = 5.0
"""How often the sentinels, where there are some, are asked who the primary is."""


class Waking:
    """A daemon thread that calls ``wake`` whenever something is published on ``channel``, and on each new connection.

    It connects again by itself. With Sentinel it also asks regularly who the primary is, so that connections to a
    former primary, which may be cut off and go on answering with old pointers, are dropped. ``listening`` says that
    there is a connection, ``problem`` why there is none; ``failure`` is an exception that nobody expected and that
    ended the thread.
    """

    def __init__(self, client: redis.Redis, channel: str, wake: Callable[[], None]) -> None:
        self._client, self._channel, self._wake = client, channel, wake
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="registry-wake", daemon=True)
        self.problem: str | None = None
        self.listening = False
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; ``join`` waits for it."""
        self._stopping.set()

    def join(self, seconds: float) -> None:
        """Wait until the thread has ended, but not longer than ``seconds``."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    with answering(self._client, "listen for changes"), self._client.pubsub() as pubsub:  # type: ignore[no-untyped-call]
                        self._listen(pubsub)
                except RegistryUnavailable as error:
                    self.problem, self.listening = str(error), False
                    self._stopping.wait(_PAUSE_SECONDS)
        except BaseException as error:  # noqa: BLE001  # kept for the service, which raises it in the main thread
            self.failure = error

    def _listen(self, pubsub: PubSub) -> None:
        connected_to, asked = primary(self._client), monotonic()
        pubsub.subscribe(self._channel)
        while not self._stopping.is_set():
            if pubsub.get_message(timeout=_LISTEN_SECONDS) is not None:
                # The confirmation of the subscription counts, too: something may have been missed before it.
                self.problem, self.listening = None, True
                self._wake()
            if monotonic() - asked > FAILOVER_SECONDS:
                asked = monotonic()
                if primary(self._client) != connected_to:
                    return
