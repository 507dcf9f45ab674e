"""The client alone, but every 100th event is left out: what the judge of a benchmark must notice."""

from __future__ import annotations

import sys
from pathlib import Path

from confluent_kafka import Message, Producer

from bench.passthrough import Loop, write_again
from scorer.settings import Settings


def wrong(loop: Loop, times: int) -> None:
    """Run the loop, writing every 100th event so many times."""
    write = write_again(loop.topic)

    def write_wrongly(producer: Producer, messages: list[Message]) -> None:
        write(producer, [m for m in messages for _ in range(times if (m.offset() or 0) % 100 == 7 else 1)])

    loop.run(write_wrongly)


if __name__ == "__main__":
    wrong(Loop(Settings.load(Path(sys.argv[1]), {})), 0)
