"""A state that is built anew from the topics is the old one, bit by bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from monitor import rereading, stream
from monitor.cli.app import run
from monitor.store.rows import DAY, HOUR
from tests.monitor.stage import Flight, Stage, flights
from tests.monitor.store.run import contents
from tests.monitor.watched import Watched

SetUp = Callable[..., Stage]
Tables = dict[str, list[tuple[object, ...]]]

START = 1_364_774_400_000_000
"""When the events begin, in microseconds."""

MONITOR = {"matures_after_hours": 24.0, "retention_days": 5.0, "idle_seconds": 86_400.0}


def watched(stage: Stage, redis: Redis) -> Path:
    """A monitor that watches a champion, challengers that come and go, late labels, corrections and retractions over
    twelve days, and dies once; the state's file."""
    made = flights(1_200, days=12.0)
    for name, slope in (("v1", 1.0), ("v2", -0.7), ("c1", 2.0)):
        _push(stage, redis, name, slope)
    parts = [made[begin : begin + 200] for begin in range(0, 1_200, 200)]
    models = {name: stage.models(stage.scoring(), name, slope) for name, slope in (("v1", 1.0), ("v2", -0.7))}
    days = iter(range(1, 1_000))
    now = START
    done = 0
    for life in (parts[:2], parts[2:]):
        with Watched(stage) as monitor:
            champion = "v1" if life is not parts[2:] and done == 0 else "v2"
            monitor.follow(champion, ["c1"] if done else [], now)
            for part in life:
                stage.publish_events(part)
                values = stage.predict(models[champion])[done : done + len(part)]
                stage.publish_predictions(values[:50], commit=False)
                stage.publish_predictions(values)
                done += len(part)
                for _ in range(3):
                    monitor.read()
                    now += 7 * HOUR
                    monitor.tick(now)
                stage.publish_labels(part[: len(part) // 2])
                monitor.read()
                now += HOUR // 2
                monitor.tick(now)
                stage.publish_labels(_corrected(made[max(0, done - 400) : done - 350]))
                stage.publish_labels(part[len(part) // 2 :])
                stage.send([b"no label"], topic=stage.settings.topics.labels)
                stage.send([b"dead"], topic=stage.settings.topics.dead_letters, headers=[("scorer.code", b"utf8")])
                monitor.read_all()
                now = max(now, START + next(days) * 2 * DAY)
                for _ in range(2):
                    now += HOUR
                    monitor.tick(now)
            monitor.follow(champion, [], now)
            for _ in range(30 if done == len(made) else 2):
                monitor.tick(now := now + 2 * HOUR)
            file = monitor.finish()
    return file


def _push(stage: Stage, redis: Redis, name: str, slope: float) -> None:
    stage.push(redis, name, slope)


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
    assert len(before["revisions"]) > 3
    assert len(before["followed"]) > 3
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
