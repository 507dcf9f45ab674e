"""The same job as tutorials do it, one event after the other: ``python -m bench.tutorial``.

Poll, fastavro, scikit-learn on one row, fastavro, produce; once a second wait for all deliveries and commit, which
makes it at least once. The prediction is the scorer's, field by field.
"""

from __future__ import annotations

import io
import signal
import sys
import time
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
from confluent_kafka import Consumer, Producer

from bench import job
from scorer import schema_files
from scorer.settings import Settings

COMMIT_SECONDS = 1.0
_going = True


def main(file: Path) -> None:
    """Until SIGTERM."""
    signal.signal(signal.SIGTERM, _stop)
    settings = Settings.load(file, {})
    model, topics = job.logistic().library, settings.topics
    event_schema = fastavro.parse_schema(job.plain(job.EVENT))
    schema = fastavro.parse_schema(job.plain(schema_files.own("prediction")))
    header = b"\0" + settings.schemas.prediction_id.to_bytes(4, "big")
    servers = {"bootstrap.servers": settings.kafka.bootstrap_servers}
    consumer = Consumer(
        servers | {"group.id": settings.scorer.group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    producer = Producer(servers | {"acks": "all"})
    consumer.subscribe([topics.events])
    due = time.monotonic() + COMMIT_SECONDS
    while _going:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            value = message.value() or b""
            source = io.BytesIO(value)
            source.seek(job.FRAME)
            event: dict[str, Any] = fastavro.schemaless_reader(source, event_schema, None)  # type: ignore[assignment]
            score = float(model.predict_proba(np.array([job.row(event)]))[0, 1])
            out = io.BytesIO()
            out.write(header)
            place = (str(message.topic()), int(message.partition() or 0), int(message.offset() or 0))
            scored = job.prediction(event, score, time.time_ns() // 1000, place, settings.scorer.model)
            fastavro.schemaless_writer(out, schema, scored)
            producer.produce(topics.predictions, out.getvalue(), message.key())
            producer.poll(0)
        if time.monotonic() >= due:
            commit(producer, consumer)
            due = time.monotonic() + COMMIT_SECONDS
    commit(producer, consumer)
    consumer.close()


def commit(producer: Producer, consumer: Consumer) -> None:
    """Once everything is delivered, commit where the consumer is."""
    if producer.flush(30):
        raise SystemExit("not everything could be delivered within 30 s")
    positions = consumer.position(consumer.assignment())
    if any(tp.offset >= 0 for tp in positions):
        consumer.commit(offsets=[tp for tp in positions if tp.offset >= 0], asynchronous=False)


def _stop(*_: object) -> None:
    global _going  # noqa: PLW0603  # a script with one loop
    _going = False


if __name__ == "__main__":
    main(Path(sys.argv[1]))
