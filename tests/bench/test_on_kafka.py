"""The benchmarks on a real Kafka run, and void the figures of whoever loses or doubles events."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Producer
from rich.console import Console

import bench.__main__ as program
from bench import flip, latency, startup, stream
from bench.contender import SCORER, Contender, fault
from bench.effort import Effort
from bench.errors import BenchError
from bench.stage import Stage
from sandbox import judge
from sandbox.services import KAFKA, REDIS
from scorer import compiled
from tests.conftest import SharedKafka, SharedRedis

LOSSY, DOUBLING = "tests.bench.lossy", "tests.bench.doubling"


def test_stream(stage: Stage, effort: Effort) -> None:
    others = stream.CONTENDERS[-2:]
    assert {contender.module for contender in others} == {stream.PASSTHROUGH, stream.TUTORIAL}
    table = stream.run(stage, effort, others)
    assert table.row_count == len(others)


def test_stream_with_the_scorer_is_judged_by_an_independent_reader(stage: Stage, effort: Effort) -> None:
    topic, bootstrap = f"{stage.model}.stream", stage.services.bootstrap
    stage.fill(topic, effort.events)
    inputs = judge.inputs(bootstrap, [topic])
    assert len(inputs) == effort.events
    with stage.run("stream", SCORER[0].delivery, topic) as run:
        samples = stream.watch(stage.services, run, SCORER[0].start(run), effort.events)
        run.stop()
        wrong = fault(bootstrap, run, inputs, SCORER[0])
        measured = stream.figures(samples, effort.events, wrong)
        assert measured.fault is None
        assert measured.rate > 0
        assert measured.peak > 0
        predictions = run.settings.topics.predictions
        [first, *_] = next(judge.read(bootstrap, predictions))
        producer = Producer({"bootstrap.servers": bootstrap})
        producer.produce(predictions, first.value(), first.key(), first.partition() or 0)
        assert producer.flush(30) == 0
        assert "'doubled': 1" in (fault(bootstrap, run, inputs, SCORER[0]) or "")
    stage.drop([topic])


@pytest.mark.parametrize(("module", "breach"), [(LOSSY, "'lost': 20"), (DOUBLING, "'doubled': 20")])
def test_stream_voids_a_contender_that_breaks_its_promise(
    stage: Stage, effort: Effort, module: str, breach: str
) -> None:
    with pytest.raises(BenchError, match=breach):
        stream.run(stage, effort, [Contender("wrong", "exactly-once", module, echoes=True)])


def test_latency_of_the_scorer_by_the_command(
    kafka: SharedKafka, redis_server: SharedRedis, effort: Effort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KAFKA, kafka.bootstrap)
    monkeypatch.setenv(REDIS, redis_server.url)
    console = Console(record=True, width=120)
    program.run(console, ["latency"], replace(effort, folder=tmp_path / "bench"))
    shown = console.export_text()
    assert "scorer run, exactly once" in shown
    assert "scorer run, at least once" in shown


def test_latency_voids_a_contender_that_loses(stage: Stage, effort: Effort) -> None:
    with pytest.raises(BenchError, match="'lost'"):
        latency.run(stage, effort, [Contender("wrong", "at-least-once", LOSSY, echoes=True)])


def test_flips_are_all_applied_and_the_gaps_after_them_are_told_apart(stage: Stage, effort: Effort) -> None:
    assert flip.run(stage, effort).row_count == 2
    times = np.array([0, 1, 2, 3, 53, 54, 1_054, 1_055, 1_056, 1_080, 2_100], np.int64) * 1_000
    found = flip.judged(times, np.array([2_500]))
    assert (found.flips.tolist(), found.rests.tolist(), found.median) == ([50.0], [1000.0], 1.0)


def test_startup_tells_whether_anything_was_compiled(stage: Stage, effort: Effort, tmp_path: Path) -> None:
    kept = Path(compiled._CACHE or "")
    cache = tmp_path / "cache"
    shutil.copytree(kept, cache / "scorer" / kept.name)
    assert startup.run(stage, effort, cache).row_count == 1
    for file in cache.glob("scorer/*/wire/murmur2.*"):
        file.unlink()
    with pytest.raises(BenchError, match=startup.WITH):
        startup.run(stage, effort, cache)


def test_unknown_names_are_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "speed"])
    with pytest.raises(SystemExit, match="2"):
        program.main()
    assert (
        "there is no benchmark speed; there are codec, kernels, batch, monitor, stream, latency, flip, startup"
        in capsys.readouterr().err
    )
