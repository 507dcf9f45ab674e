"""From the client's messages to a batch: the only place where events are Python objects."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

import numpy as np
from confluent_kafka import Message

from scorer.batch import Batch
from scorer.wire.joined import join


class Messages:
    """The owner of a batch's bytes: the client's messages, and the two buffers that their bytes were joined into."""

    def __init__(self, messages: Sequence[Message], payloads: object, keys: object) -> None:
        self.messages = messages
        self._buffers = (payloads, keys)

    def release(self) -> None:
        """Drop messages and buffers; the batch's addresses are invalid from here on."""
        self.messages = ()
        self._buffers = (None, None)


def build(messages: Sequence[Message], topics: tuple[str, ...]) -> tuple[Batch, int]:
    """A batch of these messages, all from ``topics`` and none of them an error; and the bytes that they hold.

    Every attribute is fetched by a C-level map, without a Python frame per message.
    """
    n = len(messages)
    payloads, payload_address, payload_length = join(list(map(Message.value, messages)))
    keys, key_address, key_length = join(list(map(Message.key, messages)))
    number = {name: index for index, name in enumerate(topics)}
    batch = Batch(
        payload_address,
        payload_length,
        key_address,
        key_length,
        np.fromiter(map(number.__getitem__, map(Message.topic, messages)), np.int32, n),  # type: ignore[arg-type]
        np.fromiter(map(Message.partition, messages), np.int32, n),
        np.fromiter(map(Message.offset, messages), np.int64, n),
        np.fromiter(map(itemgetter(1), map(Message.timestamp, messages)), np.int64, n),
        np.fromiter(map(bool, map(Message.headers, messages)), np.bool_, n),
        topics,
        Messages(messages, payloads, keys),
    )
    return batch, len(payloads) + len(keys)
