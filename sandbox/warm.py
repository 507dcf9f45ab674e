"""Makes a new cluster's coordinators ready, so that the first transaction and the first group do not wait for them."""

from __future__ import annotations

import threading
import time

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from sandbox.broker import client_settings
from sandbox.errors import StartFailed

_NAME = "sandbox-warm"


def warm(bootstrap: str, deadline: float) -> None:
    """Have the topics of both coordinators made and loaded, by the monotonic ``deadline``; at first this takes 1 s."""
    admin = AdminClient(client_settings(bootstrap))
    asked = admin.describe_consumer_groups([_NAME])  # has the group coordinator started meanwhile
    producer = Producer(client_settings(bootstrap) | {"transactional.id": _NAME})
    try:
        producer.init_transactions(max(deadline - time.monotonic(), 0.1))
    except KafkaException as error:
        raise StartFailed(f"Kafka's transaction coordinator did not answer in time: {error}") from error
    pause = threading.Event()
    while True:
        try:
            asked[_NAME].result()
        except KafkaException as error:
            if time.monotonic() > deadline:
                raise StartFailed(f"Kafka's group coordinator did not answer in time: {error}") from error
        else:
            return
        pause.wait(0.02)
        asked = admin.describe_consumer_groups([_NAME])
