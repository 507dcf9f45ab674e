"""A state that is built anew from the topics is the old one, bit by bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from confluent_kafka import TopicPartition
from redis import Redis

from monitor import rereading, stream
from monitor.cli.app import run
from monitor.rows import DAY, HOUR
from scorer.scoring.models import Models
from tests.monitor.stage import Flight, Stage, flights, prediction
from tests.monitor.store.run import contents
from tests.monitor.watched import Watched

SetUp = Callable[..., Stage]
Tables = dict[str, list[tuple[object, ...]]]

START = 1_364_774_400_000_000
"""When the events begin, in microseconds."""

MONITOR = {"matures_after_hours": 24.0, "retention_days": 5.0, "idle_seconds": 86_400.0, "ahead_seconds": 86_400.0}


def watched(stage: Stage, redis: Redis) -> Path:
    """A monitor that watches two champions, a challenger that comes and goes, late labels and corrections for twelve
    days, and ends once on the way; the state's file."""
    made = flights(1_200, start=START // 1000, days=12.0)
    for name, slope in (("v1", 1.0), ("v2", -0.7), ("c1", 2.0)):
        stage.push(redis, name, slope)
    lives = {"v1": range(2), "v2": range(2, 6)}
    for champion, parts in lives.items():
        model = stage.models(stage.scoring(), champion, -0.7 if champion == "v2" else 1.0)
        with Watched(stage) as monitor:
            monitor.follow(champion, ["c1"] if champion == "v2" else [], _end(parts[0]) - 12 * HOUR)
            for part in parts:
                _part(stage, monitor, made, part, model)
            monitor.follow(champion, [], _end(parts[-1]) + 24 * HOUR)
            for hours in range(26, 60 if champion == "v2" else 30, 2):
                monitor.tick(_end(parts[-1]) + hours * HOUR)
            file = monitor.finish()
    return file


def _end(part: int) -> int:
    """When the events of a part have all happened: each takes two days."""
    return START + (part + 1) * 2 * DAY


def _part(stage: Stage, monitor: Watched, made: list[Flight], part: int, model: Models) -> None:
    """Publish and read a sixth of all events, with ticks on the way."""
    begin, end, topics = part * 200, (part + 1) * 200, stage.settings.topics
    stage.publish_events(made[begin:end])
    values = stage.predict(model)
    values = [value for value in values if int(prediction(value)["event_id"][1:]) >= begin]
    stage.publish_predictions(values[:50], commit=False)
    stage.publish_predictions(values)
    for hours in (-6, -5, -4):
        monitor.read()
        monitor.tick(_end(part) + hours * HOUR)
    stage.publish_labels(made[begin : begin + 120])
    monitor.read()
    monitor.tick(_end(part) + HOUR)
    stage.publish_labels(_corrected(made[max(0, end - 400) : end - 350]))
    stage.publish_labels(made[begin + 120 : end])
    stage.send([b"no label"], topic=topics.labels)
    stage.send([None], topic=topics.labels, headers=[("label.revision", b"1")])
    stage.retract(made[begin : begin + 3], revision=2)
    headers = [("scorer.code", b"utf8"), ("scorer.source.time", b"%d" % (_end(part) // 1000))]
    stage.send([b"dead"], topic=topics.dead_letters, headers=headers)
    monitor.read_all()
    for hours in (2, 3):
        monitor.tick(_end(part) + hours * HOUR)


def _corrected(made: list[Flight]) -> list[Flight]:
    return [
        Flight(one.id, one.at, one.x, None if one.label is None else 1 - one.label, one.label_at + 1) for one in made
    ]


def replayed(stage: Stage, name: str, *words: str, code: int = 0) -> Path:
    """Replay into a directory; the new state's file."""
    to = stage.directory / name
    assert run(["--settings", str(stage.file), "replay", "--to", str(to), *words]) == code
    return to / f"{stage.model}.duckdb"


def tables(path: Path) -> Tables:
    """All that is the same in a replay: what waits to be sent is not sent again."""
    return {name: rows for name, rows in contents(path).items() if name != "outbox"}


def test_every_table_and_file_is_the_same(
    set_up: SetUp, redis: Redis, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MESSAGES", 70)  # so that ticks fall between the records of all partitions
    stage = set_up(**MONITOR)
    state = watched(stage, redis)
    before = tables(state)
    assert {"v1", "v2", "c1"} <= {str(row[-1]) for row in before["names"]}
    assert before["revisions"]
    assert len(before["followed"]) == 3
    assert before["buckets"]
    assert before["verdicts"]
    assert before["letters"]
    assert len({name for name in before if name.startswith("predictions_")}) > 2
    monkeypatch.setattr(rereading, "AHEAD", 20)  # partitions pause again and again
    monkeypatch.setattr(rereading, "MESSAGES", 50)
    after = replayed(stage, "anew", "--json")
    said = json.loads(capsys.readouterr().out)
    found = tables(after)
    assert found.keys() == before.keys()
    for name, rows in before.items():
        assert found[name] == rows, name
    assert contents(after)["outbox"] == []
    assert (said["missing"], said["whole_from"]) == ({}, None)
    assert said["ticks"] == len(before["ticks"])
    files, again = (sorted((one.parent / "outcomes").iterdir()) for one in (state, after))
    assert [file.name for file in files] == [file.name for file in again]
    assert [file.read_bytes() for file in files] == [file.read_bytes() for file in again]
    assert len(files) > 8


def test_what_is_missing_is_said_and_what_is_in_use_refused(
    set_up: SetUp, redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    stage, made = set_up(**MONITOR), flights(200, start=START // 1000, days=2.0)
    stage.push(redis, "v1")
    with Watched(stage) as monitor:
        monitor.follow("v1", [], _end(0) - 12 * HOUR)
        _part(stage, monitor, made, 0, stage.models(stage.scoring(), "v1"))
        said = stage.ask("replay", "--to", str(stage.directory / "anew"), code=17)
        assert "is in use: stop the monitor first" in said
        state = monitor.finish()
    topics = stage.settings.topics
    low = stage.ends(topics.predictions)[topics.predictions, 0] // 2
    [done] = stage.admin.delete_records([TopicPartition(topics.predictions, 0, low)]).values()
    done.result(30)
    after = replayed(stage, "anew", "--json")
    facts = json.loads(capsys.readouterr().out)
    assert facts["missing"] == {f"{topics.predictions}-0": low}
    assert facts["whole_from"] is not None
    assert 0 < _predictions(after) < _predictions(state)
    replayed(stage, "anew", code=2)
    assert "name a directory that is empty" in capsys.readouterr().err
    replayed(stage, "elsewhere", "--from", str(stage.file), code=16)
    assert "is no state file" in capsys.readouterr().err
    replayed(stage, "elsewhere", "--from", str(stage.directory / "nothing"), code=16)
    assert "there is no state" in capsys.readouterr().err
    assert not (stage.directory / "elsewhere").exists()


def _predictions(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        return int(connection.execute("SELECT coalesce(sum(predictions), 0) FROM coverage").fetchall()[0][0])
