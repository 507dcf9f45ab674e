"""A consumer as there may be many: reads what the scorer committed while it is being committed, and notes when.

Run by the demo in a process of its own, ``python -m demo.reader BOOTSTRAP PREDICTIONS DEAD_LETTERS FILE``. After each
batch it writes a line of JSON: how many predictions and dead letters it has seen, and the latest offset in each
partition of the predictions. When its input ends it writes source coordinates and times of arrival to FILE, and ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from array import array
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from demo.errors import DemoError
from demo.records import SCHEMAS, schema
from sandbox.judge import decoder

Int64s = npt.NDArray[np.int64]

_ROOT = Path(__file__).parents[1]
_AT_ONCE = 10_000
_WAIT = 0.05
_PATIENCE = 30.0


@dataclass(frozen=True, eq=False)
class Arrivals:
    """When each prediction arrived, in microseconds since the epoch, by source partition and offset: int64 ``(n,)``."""

    partition: Int64s
    offset: Int64s
    received: Int64s


class Reader:
    """The reader as its parent sees it: how much has arrived, and the offsets after the latest predictions."""

    def __init__(self, bootstrap: str, predictions: str, dead_letters: str, file: Path) -> None:
        self._file = file
        self.predictions = self.dead_letters = 0
        self.ends: dict[int, int] = {}
        self._ready = threading.Event()
        command = [sys.executable, "-m", "demo.reader", bootstrap, predictions, dead_letters, str(file)]
        # Its own session: Ctrl-C is for the parent, whose end closes the reader's input.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, text=True, cwd=_ROOT
        )
        self._thread = threading.Thread(target=self._listen, name="reader", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        if not self._ready.wait(_PATIENCE):
            self._process.kill()
            self._end()
            raise DemoError("the reader of the predictions does not begin to read; what it said is above")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def arrivals(self) -> Arrivals:
        """End the reader, which takes in what is there by now, and return what it noted."""
        code = self._end()
        if code:
            raise DemoError(f"the reader of the predictions ended with exit code {code}; what it said is above")
        with np.load(self._file) as found:
            return Arrivals(found["partition"], found["offset"], found["received"])

    def _end(self) -> int:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            return self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            raise DemoError(f"the reader of the predictions has not ended after {_PATIENCE:g} s") from None
        finally:
            self._process.kill()
            self._thread.join(_PATIENCE)

    def _listen(self) -> None:
        if self._process.stdout is not None:
            with self._process.stdout as lines:
                for line in lines:
                    self.predictions, self.dead_letters, ends = json.loads(line)
                    self.ends = {int(partition): offset for partition, offset in ends.items()}
                    self._ready.set()


def main(bootstrap: str, predictions: str, dead_letters: str, file: str) -> None:
    """Read until standard input has ended and nothing more arrives."""
    stopping = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        stopping.set()

    threading.Thread(target=listen, name="end", daemon=True).start()
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "demo.reader",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "fetch.queue.backoff.ms": 5,
        }
    )
    topics = consumer.list_topics(timeout=10).topics
    partitions = [(topic, partition) for topic in (predictions, dead_letters) for partition in topics[topic].partitions]
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for topic, partition in partitions])
    decode = decoder(_head())
    found = {name: array("q") for name in ("partition", "offset", "received")}
    letters, ends = 0, dict[int, int]()
    print(json.dumps([0, 0, ends]), flush=True)
    while True:
        first = consumer.poll(_WAIT)
        if first is None:
            if stopping.is_set():
                break
            continue
        messages = [first, *consumer.consume(_AT_ONCE, 0.0)]
        now = time.time_ns() // 1000
        for message in messages:
            record = decode(message.value()) if message.topic() == predictions else None
            if message.error() is None and record is not None:
                found["partition"].append(record["source_partition"])
                found["offset"].append(record["source_offset"])
                found["received"].append(now)
                ends[message.partition() or 0] = (message.offset() or 0) + 1
            else:
                letters += message.error() is None
        print(json.dumps([len(found["offset"]), letters, ends]), flush=True)
    consumer.close()
    partition, offset, received = (np.frombuffer(values, np.int64) for values in found.values())
    np.savez(file, partition=partition, offset=offset, received=received)


def _head() -> dict[str, object]:
    """The schema of a prediction up to its source coordinates."""
    described = schema(SCHEMAS / "prediction.avsc")
    names = [part["name"] for part in described["fields"]]
    return {**described, "fields": described["fields"][: names.index("source_offset") + 1]}


if __name__ == "__main__":
    main(*sys.argv[1:])
