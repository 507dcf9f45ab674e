"""What scoring one batch costs, without Kafka: the scorer's pure function, beside fastavro and the training library.

Both decode the events, score them and encode this project's predictions. The other side is a batch written by hand:
fastavro record by record, one call of scikit-learn for the whole batch, fastavro again. Both sides take turns for a few
rounds on one thread; figures are medians of processor time per event.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bench import job, pure
from bench.effort import Effort
from bench.errors import BenchError
from scorer import schema_files
from scorer.batch import Batch
from scorer.model import golden
from scorer.scoring.models import Active, Models
from scorer.scoring.prediction import PredictionForm
from scorer.scoring.score import Scored, Scoring
from scorer.wire.decode import Decoder
from scorer.wire.schema import parse

SIZES = (1, 100, 1_000, 10_000)
MODELS: Sequence[Callable[[], job.Model]] = (job.logistic, job.trees)
NAME = "bench"
PREDICTION_ID = 2

_COMPARED = ("event_id", "source_topic", "source_partition", "source_offset", "class", "event_time")


def run(effort: Effort, sizes: Sequence[int] = SIZES, models: Sequence[Callable[[], job.Model]] = MODELS) -> Table:
    """Measure all models at all sizes; raises ``BenchError`` where both sides do not come to the same predictions."""
    payloads = job.written(job.EVENT, job.events(max(sizes)))
    table = Table(
        "", "events in a batch", "CPU µs/event", "fastavro + scikit-learn µs", "ratio",
        title=f"batch: decode, prepare, score, encode; {effort.rounds} rounds",
    )  # fmt: skip
    with threadpool_limits(1):
        for fit in models:
            model = fit()
            for size in sizes:
                ours, theirs = scorer(model, payloads[:size]), by_hand(model, payloads[:size])
                check(predictions(ours()), job.read(schema_files.own("prediction"), theirs()))
                found = pure.side_by_side(ours, theirs, size, effort)
                effort.say(f"batch: {model.title}, {size:,}: {found.ours:.3f} µs, by hand {found.theirs:.1f} µs")
                cells = (f"{size:,}", f"{found.ours:.3f}", f"{found.theirs:.1f}", f"{found.ratio:.0f}")
                table.add_row(model.title, *cells)
    return table


def scorer(model: job.Model, payloads: Sequence[bytes]) -> Callable[[], Scored]:
    """A call that scores all of these as the service does."""
    decoder = Decoder({job.EVENT_ID: parse(job.EVENT, "event")})
    schema = parse(schema_files.own("prediction"), "prediction.avsc")
    form = PredictionForm(NAME, schema, schema_id=PREDICTION_ID, id_field="event_id", time_field="ts")
    admitted = golden.admit(job.version(NAME, "v1", model))
    models = Models(Active("v1", admitted.digest, admitted.bind(decoder.layout)))
    scoring, batch = Scoring(decoder, form), pure.batch(payloads)
    return lambda: _scored(scoring, batch, models)


def _scored(scoring: Scoring, batch: Batch, models: Models) -> Scored:
    return scoring.score(batch, models, time.time_ns() // 1000)


def by_hand(model: job.Model, payloads: Sequence[bytes]) -> Callable[[], list[bytes]]:
    """A call that does the same with fastavro and scikit-learn."""
    schema = schema_files.own("prediction")

    def score() -> list[bytes]:
        events = job.read(job.EVENT, payloads)
        rows = np.array([job.row(event, model.missing) for event in events])
        scores = model.library.predict_proba(rows)[:, 1].tolist()
        now = time.time_ns() // 1000
        return job.written(
            schema,
            [
                job.prediction(event, score, now, (pure.TOPIC, 0, offset), NAME)
                for offset, (event, score) in enumerate(zip(events, scores, strict=True))
            ],
            PREDICTION_ID,
        )

    return score


def predictions(scored: Scored) -> list[dict[str, Any]]:
    """What the scorer wrote, read by fastavro."""
    ends = scored.start + scored.length
    spans = zip(scored.start.tolist(), ends.tolist(), strict=True)
    return job.read(schema_files.own("prediction"), [scored.buffer[start:end].tobytes() for start, end in spans])


def check(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> None:
    """Raise ``BenchError`` unless both have made the same predictions of the same events."""
    if len(ours) != len(theirs):
        raise BenchError(f"the scorer made {len(ours)} predictions of {len(theirs)} events")
    for mine, other in zip(ours, theirs, strict=True):
        same = all(mine[name] == other[name] for name in _COMPARED)
        if not (same and np.isclose(mine["score"], other["score"], rtol=1e-9, atol=1e-12)):
            raise BenchError(f"the scorer predicts {dict(mine)}, fastavro and scikit-learn {dict(other)}")
