"""The benchmarks of pure functions run, and would notice other results than the libraries'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bench import batch, codec, job, kernels
from bench.effort import Effort
from bench.errors import BenchError


def test_codec(effort: Effort) -> None:
    assert codec.run(effort).row_count == 3


def test_codec_notices_a_wrong_value() -> None:
    events = job.events(100)
    payloads = job.written(job.EVENT, events)
    codec.decoding(payloads, events)
    events[57]["f3"] = 7.0
    with pytest.raises(BenchError, match="f3"):
        codec.decoding(payloads, events)


def test_codec_notices_other_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [{"event_id": "e", "model_version": "v", "score": 0.5, "event_ts": 1, "scored_ts": 2}] * 3
    codec.encoding(codec.SHORT, records, ())
    other = job.written(codec.SHORT, [*records[:2], records[2] | {"score": 0.25}])
    monkeypatch.setattr(job, "written", lambda *_: other)
    with pytest.raises(BenchError, match="encoder"):
        codec.encoding(codec.SHORT, records, ())


def test_batch(effort: Effort) -> None:
    assert batch.run(effort, (1, 300), (job.logistic, lambda: job.trees(3))).row_count == 4


@pytest.mark.parametrize("change", [{"score": 0.123}, {"event_id": "x"}, {"source_offset": 9}, {"class": "?"}])
def test_batch_notices_another_prediction(change: dict[str, Any]) -> None:
    events = job.events(3)
    theirs = [job.prediction(event, 0.7, 1, ("t", 0, offset), "m") for offset, event in enumerate(events)]
    batch.check(theirs, theirs)
    with pytest.raises(BenchError, match="the scorer predicts"):
        batch.check([*theirs[:2], theirs[2] | change], theirs)
    with pytest.raises(BenchError, match="2 predictions of 3 events"):
        batch.check(theirs[:2], theirs)


@pytest.mark.parametrize("contest", [kernels.trees, kernels.logistic, kernels.pipeline])
def test_kernels(effort: Effort, contest: Callable[[], kernels.Contest]) -> None:
    assert kernels.run(effort, (1, 300), (contest,)).row_count == 2


def test_kernels_notice_other_scores() -> None:
    scores = np.linspace(0.1, 0.9, 100)
    kernels.check("", scores, scores, scores + 1e-6)
    with pytest.raises(BenchError, match="the library"):
        kernels.check("", scores, scores + 1e-6, scores)
    kernels.check("", scores, scores, np.where(np.arange(100) < 2, 0.0, scores))
    with pytest.raises(BenchError, match="onnxruntime"):
        kernels.check("", scores, scores, np.where(np.arange(100) < 3, 0.0, scores))
