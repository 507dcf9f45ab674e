"""Scores every event again, in another process and other batches, and compares the predictions bit for bit.

``python -m demo.rescore SETTINGS FILE``: reads the events' raw bytes from Kafka, scores all of them with each of the
committed versions by ``scorer.scoring``, and compares with the predictions in Kafka all that does not depend on when
they were made. Writes what it found to FILE as JSON.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from demo.pipelines import RECIPES
from demo.records import SCHEMAS, schema
from demo.train import COEFFICIENTS
from sandbox import judge
from scorer import schema_files
from scorer.model import golden
from scorer.registry.files import read_version
from scorer.scoring.models import Active, Models
from scorer.scoring.prediction import PredictionForm
from scorer.scoring.score import Scored, Scoring
from scorer.settings import Settings
from scorer.stream import batches
from scorer.wire.decode import Decoder
from scorer.wire.schema import parse

BATCH = 3_001
"""Events in a batch: a size that the scorer never had."""


def main(settings_file: str, file: str) -> None:
    """Compare all predictions; write how many there are, and the source partitions and offsets of the wrong ones."""
    settings = Settings.load(Path(settings_file), os.environ)
    kafka, topics = settings.kafka.bootstrap_servers, settings.topics
    decode = judge.decoder(schema(SCHEMAS / "prediction.avsc"))
    stored: defaultdict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for messages in judge.read(kafka, topics.predictions):
        for record in filter(None, map(decode, (message.value() for message in messages))):
            stored[record["source_partition"], record["source_offset"]].append(record)
    checked = sum(map(len, stored.values()))
    scoring, models = _scoring(settings)
    wrong: list[tuple[int, int]] = []
    for messages in judge.read(kafka, topics.events):
        for start in range(0, len(messages), BATCH):
            part = messages[start : start + BATCH]
            batch, _ = batches.build(part, (topics.events,))
            again = {version: _values(scoring.score(batch, one, now=0)) for version, one in models.items()}
            for row, message in enumerate(part):
                place = int(message.partition() or 0), int(message.offset() or 0)
                for first in stored.pop(place, ()):
                    second = decode(again.get(first["version"], {}).get(row))
                    if second is None or not same(first, second):
                        wrong.append(place)
    wrong += stored  # predictions of events that do not exist
    Path(file).write_text(json.dumps({"checked": checked, "wrong": wrong}))


def _values(scored: Scored) -> dict[int, bytes]:
    """The encoded predictions of a batch by row."""
    data, ends = scored.buffer.tobytes(), (scored.start + scored.length).tolist()
    spans = zip(scored.rows.tolist(), scored.start.tolist(), ends, strict=True)
    return {row: data[begin:end] for row, begin, end in spans}


def same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether two predictions agree in all but the time at which they were made, scores to the last bit."""
    timeless = {**second, "scored_time": first["scored_time"]}
    return first == timeless and struct.pack("d", first["score"]) == struct.pack("d", second["score"])


def _scoring(settings: Settings) -> tuple[Scoring, dict[str, Models]]:
    """What a worker scores with, for each version."""
    decoder = Decoder(schema_files.events(settings.schemas), schema_files.framing(settings.schemas))
    scorer = settings.scorer
    form = PredictionForm(
        scorer.model,
        parse(schema_files.own("prediction"), "prediction.avsc"),
        schema_files.framing(settings.schemas),
        settings.schemas.prediction_id,
        scorer.id_field,
        scorer.time_field,
        scorer.carried,
    )
    models = {}
    for version in RECIPES:
        model = golden.admit(read_version(COEFFICIENTS / version), model=scorer.model, version=version)
        models[version] = Models(Active(version, model.digest, model.bind(decoder.layout)))
    return Scoring(decoder, form), models


if __name__ == "__main__":
    main(*sys.argv[1:])
