"""Who does the job on Kafka, and the independent reader's word on whether it was done."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Message

from bench import job
from bench.stage import PARTITIONS, Run
from sandbox import judge
from sandbox.judge import Gatherer, Places
from scorer import schema_files


@dataclass(frozen=True)
class Contender:
    """Who does the job, with which guarantee: ``scorer run``, or a ``module`` that is given the settings' file.

    ``most`` events, for the slow. One that ``echoes`` writes the events again as they are, instead of predictions.
    """

    name: str
    delivery: str
    module: str | None = None
    most: int | None = None
    echoes: bool = False

    @property
    def title(self) -> str:
        """For the table."""
        return f"{self.name}, {self.delivery.replace('-', ' ')}"

    @property
    def file_name(self) -> str:
        """For topics and folders."""
        return self.title.replace(" ", "-").replace(",", "")

    def start(self, run: Run) -> int:
        """Start it; the id of its process."""
        if self.module is None:
            return run.start_scorer()
        return run.start([sys.executable, "-m", self.module, str(run.file)])


SCORER = (Contender("scorer run", "exactly-once"), Contender("scorer run", "at-least-once"))


def fault(bootstrap: str, run: Run, inputs: Places, contender: Contender) -> str | None:
    """What is wrong with the output, compared with the committed offsets of ``inputs``; ``None`` if nothing.

    None of the contenders is interrupted, so even those that promise less may neither lose nor double an event.
    """
    topics, offsets = run.settings.topics, np.array(run.committed())
    done = inputs.offset < offsets[inputs.lane]
    wanted = Places(inputs.sources, inputs.source[done], inputs.offset[done], inputs.lane[done], inputs.time[done])
    if contender.echoes:
        predicted = _echoed(bootstrap, topics.predictions, topics.events)
    else:
        predicted = judge.predictions(bootstrap, topics.predictions, schema_files.own("prediction"))
    found = judge.count(wanted, predicted, judge.dead_letters(bootstrap, topics.dead_letters))
    wrong = found.broken | ({"dead letters": found.dead_letters} if found.dead_letters else {})
    return f"the judge says {wrong}; examples: {dict(found.examples)}" if wrong else None


def _echoed(bootstrap: str, topic: str, events: str) -> Places:
    """The source coordinates of events that were written again: ``Stage.fill`` puts each where its number says."""
    found = Gatherer()
    for messages in judge.read(bootstrap, topic):
        found.add(messages, [_place(message, events) for message in messages])
    return found.places()


def _place(message: Message, events: str) -> tuple[str, int, int] | None:
    try:
        number = job.number_of(message.value() or b"")
    except ValueError:
        return None
    return events, number % PARTITIONS, number // PARTITIONS
