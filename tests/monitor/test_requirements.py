"""What is in force stays so, whatever is lost: the file, the state, Redis; and a person alone loosens it."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import fastavro
from redis import Redis

from monitor.judge.verdicts import Verdict
from monitor.store.errors import SnapshotMissing
from scorer import schema_files
from tests.integration.deployment import until
from tests.monitor.stage import REQUIREMENTS, Running, Stage, flights

SetUp = Callable[..., Stage]

NAME = "accuracy//month/continuously"
VERDICT, AUDIT = (fastavro.parse_schema(schema_files.own(name)) for name in ("verdict", "audit"))


def written(stage: Stage, minimum: str) -> None:
    (stage.directory / "requirements.toml").write_text(REQUIREMENTS.replace("minimum = 0.5", f"minimum = {minimum}"))


def shown(stage: Stage) -> dict[str, dict[str, Any]]:
    return {one["requirement"]: one for one in json.loads(stage.ask("requirements", "show", "--json"))}


def records(stage: Stage, topic: str, schema: Any) -> list[dict[str, Any]]:
    values = [message.value() for message in stage.read(topic)]
    found = [fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, None) for value in values if value is not None]
    return [one for one in found if isinstance(one, dict)]


def floors(stage: Stage) -> list[dict[str, Any]]:
    return [one for one in records(stage, stage.settings.topics.verdicts, VERDICT) if one["kind"] == "floor"]


def ticks(stage: Stage) -> int:
    try:
        with stage.snapshot() as found:
            return found.clock.number
    except SnapshotMissing:
        return 0


@contextmanager
def started(stage: Stage) -> Iterator[Running]:
    """A monitor that has begun to publish what it sees."""
    before = ticks(stage)
    with stage.start() as running:

        def ticked() -> bool:
            assert running.process.poll() is None, running.log
            return ticks(stage) > before

        until(ticked, "it does not tick")
        yield running


def await_accuracy(stage: Stage, running: Running, minimum: float) -> list[Verdict]:
    """Wait until all months are judged anew by that bound."""

    def found() -> list[Verdict]:
        assert running.process.poll() is None, running.log
        return [one for one in stage.verdicts() if one.metric == "accuracy"]

    until(lambda: bool(found()) and all(one.minimum == minimum for one in found()), "no such verdicts")
    return found()


def test_only_a_person_loosens_and_nothing_that_is_lost_does(set_up: SetUp, redis: Redis) -> None:
    # All windows stay open, so that their verdicts can still change.
    stage, made = set_up(matures_after_hours=4_800.0), flights(400, days=20)
    stage.crown(redis, "v1")
    stage.publish_events(made)
    stage.publish_predictions(stage.predict(stage.models(stage.scoring(), "v1", 1.0)))
    stage.publish_labels(made)
    written(stage, "0.6")
    with started(stage) as running:
        await_accuracy(stage, running, 0.6)
        until(lambda: len(floors(stage)) == 2, "they are not in the topic")
        running.stop()
    # A file that asks for less, and one that asks for nothing of it.
    written(stage, "0.3")
    with started(stage) as running:
        await_accuracy(stage, running, 0.6)
        assert (shown(stage)[NAME]["in_force"], shown(stage)[NAME]["written"]) == (
            "at least 0.6 by 20 labels", "at least 0.3 by 20 labels",
        )  # fmt: skip
        assert "asks for less than is in force" in running.log
        diff = stage.ask("requirements", "show", "--diff")
        assert "-minimum = 0.3" in diff
        assert "+minimum = 0.6" in diff
        running.stop()
    # The state is lost, and Redis is emptied.
    shutil.rmtree(stage.directory / "monitor")
    for key in redis.keys(f"scorer:{stage.model}:*"):
        redis.delete(key)
    stage.crown(redis, "v1")
    with started(stage) as running:
        await_accuracy(stage, running, 0.6)
        # A person loosens it, with a reason; then there is nothing left to loosen.
        said = json.loads(
            stage.ask("requirements", "loosen", NAME, "--why", "a new sensor", "--actor", "ann", "--json")
        )
        assert (said["done"], said["present"]) == (True, "2")
        await_accuracy(stage, running, 0.3)
        until(lambda: shown(stage)[NAME]["revision"] == 2, "it is not published")
        again = stage.ask("requirements", "loosen", NAME, "--why", "once more", code=6)
        assert "nothing is to be loosened" in again
        unknown = stage.ask("requirements", "loosen", "nonsense", "--why", "w", code=6)
        assert "nothing is required under the name nonsense" in unknown
        history = json.loads(stage.ask("requirements", "history", "--json"))
        assert [(one["actor"], one["why"]) for one in history[:1]] == [("ann", "a new sensor")]
        until(lambda: 0.3 in {one["minimum"] for one in floors(stage)}, "it is not in the topic")
        running.stop()
    [audited] = [one for one in records(stage, stage.settings.topics.audit, AUDIT) if one["pointer"] == "loosen"]
    assert (audited["actor"], audited["actor_reason"], audited["event"]) == ("ann", "a new sensor", "applied")
    # The loosening, too, outlives the state; and a stricter file is in force again.
    shutil.rmtree(stage.directory / "monitor")
    with started(stage) as running:
        await_accuracy(stage, running, 0.3)
        running.stop()
    written(stage, "0.55")
    with started(stage) as running:
        await_accuracy(stage, running, 0.55)
        running.stop()


def test_what_is_dropped_goes_with_a_replay_and_what_is_not_stays(set_up: SetUp, redis: Redis) -> None:
    stage, made = set_up(matures_after_hours=4_800.0), flights(200, days=20)
    stage.crown(redis, "v1")
    stage.publish_events(made)
    stage.publish_predictions(stage.predict(stage.models(stage.scoring(), "v1", 1.0)))
    stage.publish_labels(made)
    with started(stage) as running:
        await_accuracy(stage, running, 0.5)
        running.stop()
    (stage.directory / "requirements.toml").write_text("[[requirement]]" + REQUIREMENTS.split("[[requirement]]")[2])
    with started(stage) as running:
        await_accuracy(stage, running, 0.5)
        running.stop()
    replay = ["replay", "--to", str(stage.directory / "held")]
    stage.ask(*replay)
    with started(stage) as running:
        assert shown(stage)[NAME]["written"] is None
        assert NAME in stage.ask("requirements", "loosen", "1", "--why", "it says nothing")
        until(lambda: shown(stage)[NAME]["in_force"] == "dropped", "it is not published")
        until(
            lambda: {one.guarded for one in stage.verdicts() if one.metric == "accuracy"} == {False},
            "something would follow from it",
        )
        running.stop()
    stage.ask("replay", "--to", str(stage.directory / "anew"))
    shutil.rmtree(stage.directory / "monitor")
    shutil.move(stage.directory / "anew", stage.directory / "monitor")
    assert list(shown(stage)) == [name for name in shown(stage) if name.startswith("brier")]
