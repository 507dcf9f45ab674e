"""A model of one number and one category, its events, and a state that takes in what is read of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
from numpy.typing import NDArray

from monitor.intake.intake import Intake
from monitor.judge.outputs import Outputs, carried
from monitor.records import Letter, Partition, Records
from monitor.rows import AUDIT, DAY, DEAD_LETTERS, EVENTS, HOUR, LABELS, PREDICTIONS, RETRY, Layout
from monitor.settings import MonitorSettings
from monitor.store.cohorts import Timing
from monitor.store.state import State
from monitor.store.step import Ticked
from scorer import schema_files
from scorer.batch import Batch
from scorer.batch import Layout as Columns
from scorer.model import build, golden
from scorer.model.build import Design, Proof
from scorer.model.inputs import Input
from scorer.model.profile import profile
from scorer.model.table import values_of
from scorer.scoring.models import Active
from scorer.wire.decode import Decoder
from tests.monitor.intake.support import START, read
from tests.monitor.stage import framed
from tests.wire.support import plain

EVENT_ID, AUDIT_ID = 7, 1002
TIMESTAMP = {"type": "long", "logicalType": "timestamp-micros"}
EVENT = {
    "type": "record",
    "name": "Event",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": ["null", TIMESTAMP]},
        {"name": "x", "type": ["null", "double"]},
        {"name": "carrier", "type": ["null", "string"]},
    ],
}
OUTPUTS = Outputs("binary", ("no", "yes"))
SEGMENTS = ("carrier",)
TIMING = Timing(2 * HOUR, 40 * DAY, HOUR, HOUR, 99 * DAY)
SENTINEL = -99.0
CARRIERS = ["AA"] * 200 + ["UA"] * 150 + ["B6"] * 50
PLACES: list[Partition] = [(topic, 0) for topic in (EVENTS, RETRY, PREDICTIONS, LABELS, DEAD_LETTERS, AUDIT)]
_PARSED = fastavro.parse_schema(plain(EVENT))
_AUDIT = fastavro.parse_schema(plain(schema_files.own("audit")))


def event(name: str, x: float | None = 0.5, carrier: str | None = "AA", at: int | None = START) -> bytes:
    """An event."""
    return framed(EVENT_ID, _PARSED, {"id": name, "at": at, "x": x, "carrier": carrier})


def flip(**changes: Any) -> bytes:
    """An audit record."""
    texts = ("digest", "previous", "reason", "command", "actor", "actor_reason", "trial")
    fields = {"at": START, "model": "m", "instance": "i-0", "event": "applied", "pointer": "champion", "version": "v1",
              "seen": START, **dict.fromkeys(texts)}  # fmt: skip
    return framed(AUDIT_ID, _AUDIT, {**fields, **changes})


def probability(x: float, carrier: str | None, slope: float) -> float:
    """What a version of that slope says."""
    return float(1 / (1 + np.exp(-(slope * x + 0.25 * (carrier == "AA")))))


def version(
    name: str, layout: Columns, slope: float = 1.0, *, nullable: bool = True, classes: Sequence[str] = OUTPUTS.classes
) -> Active:
    """A logistic regression; ``x`` may be missing where it is ``nullable``, and is 0 then."""
    xs = np.linspace(-3, 3, len(CARRIERS))
    rows: list[list[float | int | str | None]] = [[float(x), one] for x, one in zip(xs, CARRIERS, strict=True)]
    inputs = [Input("x", "float64", nullable, SENTINEL if nullable else None), Input("carrier", "category", True)]
    scores = np.array([[probability(float(x), one, slope) for x, one in zip(xs, CARRIERS, strict=True)]])
    design = Design(
        "m",
        name,
        1,
        ("numpy", np.__version__),
        inputs,
        [build.impute(["x"], ["x_known"], [0.0]), build.one_hot("carrier", ["AA"])],
        build.logistic(["x_known", "carrier=AA"], [slope, 0.25], 0.0),
        "binary",
        classes,
        profile(inputs, values_of(inputs, rows), scores),
    )
    model = golden.admit(build.version(design, Proof(rows, scores)))
    return Active(name, model.digest, model.bind(layout))


class Scene:
    """A state and its intake. The first tick has been, and partition 0 of every topic is known, unless ``bare``."""

    def __init__(self, directory: Path, *, bare: bool = False, time_field: str | None = "at") -> None:
        directory.mkdir(exist_ok=True)
        (directory / "event.avsc").write_text(json.dumps(EVENT))
        self.settings = MonitorSettings.model_validate(
            {
                "scorer": {"model": "m", "id_field": "id", "time_field": time_field, "carried": SEGMENTS},
                "schemas": {"events": {EVENT_ID: directory / "event.avsc"}},
            }
        )
        schemas = self.settings.schemas
        self.decoder = Decoder(schema_files.events(schemas), schema_files.framing(schemas))
        self.intake = Intake(self.settings, OUTPUTS, self.decoder)
        self.state = State(directory / "state.duckdb", Layout(carried(OUTPUTS, SEGMENTS)), TIMING)
        self.time = START
        if not bare:
            self.tick()
            self.take(found=dict.fromkeys(PLACES, 0))

    def tick(self, after: int = 0, ended: Sequence[Partition] = ()) -> Ticked:
        """A tick so much later."""
        self.time += after
        with self.state.step() as step:
            return step.tick(self.time, ended)

    def follow(self, champion: Active | None, *challengers: Active) -> None:
        """Let the pointers say this, with a tick."""
        with self.state.step() as step:
            self.intake.follow(step, champion, challengers)
            step.tick(self.time)

    def take(
        self,
        batches: Mapping[str, Batch] | None = None,
        letters: Sequence[Letter] = (),
        found: Mapping[Partition, int] | None = None,
        lost: Mapping[Partition, int] | None = None,
        passed: Mapping[Partition, int] | None = None,
    ) -> None:
        """Take in one read."""
        with self.state.step() as step:
            self.intake.take(step, Records(lost or {}, found or {}, batches or {}, letters, {}, passed or {}))

    def events(self, *payloads: bytes | None, offset: int = 0, topic: str = EVENTS, time: int = START // 1000) -> None:
        """Take in events."""
        self.take({topic: read(payloads, [b"k%d" % n for n in range(len(payloads))], time=time, offset=offset)})

    def table(self, name: str) -> list[tuple[Any, ...]]:
        """A table, its codes as texts."""
        found = self.state.reader().execute(f"FROM {name} ORDER BY ALL")
        names = [column[0] for column in found.description or ()]
        kinds = {"version": "version", "input": "input", "reason": "reason"} if name != "counts" else {}
        texts = {column: self.state.names(kind) for column, kind in kinds.items()}
        return [
            tuple(
                texts[column][value] if column in texts and isinstance(value, int) else value
                for column, value in zip(names, row, strict=True)
            )
            for row in found.fetchall()
        ]

    def counts(self) -> dict[tuple[str, str], int]:
        """What does not count, by topic and reason."""
        return {(topic, reason): n for topic, reason, n in self.table("counts")}


def numbers(column: NDArray[Any]) -> list[Any]:
    """A column as Python values."""
    found: list[Any] = column.tolist()
    return found
