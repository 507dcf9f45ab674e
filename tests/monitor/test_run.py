"""``monitor run`` as a process, on a real Kafka and a real Redis-compatible server, against pandas and scikit-learn."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest
from redis import Redis
from sklearn.metrics import accuracy_score, brier_score_loss

from monitor.judge.verdicts import Verdict
from sandbox import Valkey
from scorer.scoring.models import Models
from scorer.stream import topics
from tests.conftest import SharedKafka
from tests.integration.deployment import until
from tests.monitor.stage import HOUR, Flight, Stage, first, flights, prediction

SetUp = Callable[..., Stage]


def champions(stage: Stage, *slopes: float) -> list[Models]:
    return [stage.models(stage.scoring(), f"v{number}", slope) for number, slope in enumerate(slopes, 1)]


def by_id(values: Iterable[bytes]) -> dict[str, float]:
    return {fields["event_id"]: fields["score"] for fields in map(prediction, values)}


def versions(values: Iterable[bytes]) -> dict[str, str]:
    return {fields["event_id"]: fields["version"] for fields in map(prediction, values)}


def raw(made: Iterable[Flight], values: list[bytes]) -> pd.DataFrame:
    frame = pd.DataFrame(list(map(asdict, made)))
    frame["month"] = pd.to_datetime(frame["at"], unit="ms", utc=True).dt.strftime("%Y-%m")
    frame["score"], frame["version"] = frame["id"].map(by_id(values)), frame["id"].map(versions(values))
    return frame


def month(one: Verdict) -> str:
    return str(pd.Timestamp(one.begin, unit="us").strftime("%Y-%m"))


def assert_equal(verdicts: list[Verdict], frame: pd.DataFrame, role: str) -> None:
    """Every verdict of a role has the figures of its month and version, and none is missing."""
    ours = [one for one in verdicts if one.role == role]
    wanted = {(m, v, metric) for m, v in set(zip(frame["month"], frame["version"], strict=True)) for metric in METRICS}
    assert {(month(one), one.version, one.metric) for one in ours} == wanted
    for one in ours:
        rows = frame[(frame["month"] == month(one)) & (frame["version"] == one.version)]
        known = rows.dropna(subset="label")
        assert (one.n, one.predictions) == (len(known), len(rows))
        assert one.value == pytest.approx(METRICS[one.metric](known["label"], known["score"]), rel=0, abs=1e-9)


METRICS: dict[str, Callable[..., float]] = {
    "accuracy": lambda label, score: float(accuracy_score(label, score > 0.5)),
    "brier": lambda label, score: float(brier_score_loss(label, score)),
}


def test_the_figures_are_those_of_pandas_and_scikit_learn(set_up: SetUp, redis: Redis) -> None:
    stage, made = set_up(), flights(3_000)
    stage.crown(redis, "v1")
    stage.challenge(redis, "c1")
    stage.publish_events(made)
    values = stage.predict(*champions(stage, 1.0, -0.7))
    with stage.start() as running:
        stage.publish_predictions(stage.predict(*champions(stage, 9.0))[:500], commit=False)
        stage.publish_labels(made[:2_000])
        stage.publish_predictions(values)
        stage.publish_labels(made[2_000:])
        verdicts = stage.await_verdicts(3 * 3 * 2, running)
        status = json.loads(stage.ask("status", "--json"))
        report = json.loads(stage.ask("report", "--period", "month", "--json"))
        running.stop()
    assert_equal(verdicts, raw(made, values), "champion")
    challenger = stage.predict(stage.models(stage.scoring(), "c1", 2.0))
    assert_equal(verdicts, raw(made, challenger), "challenger")
    said = {(one.version, one.metric): one.verdict for one in verdicts if month(one) == month(verdicts[0])}
    assert said["v1", "accuracy"] == "PASS"
    assert said["v2", "accuracy"] == "FAIL", "the slope is wrong"
    assert status["champion"] == "v1"
    assert status["running"] is True
    assert (report["model"], report["champion"]) == (stage.model, "v1")


def test_an_incident_is_acknowledged_while_it_runs(set_up: SetUp, redis: Redis) -> None:
    stage, made = set_up(), flights(400, days=20)
    stage.crown(redis, "v1")
    stage.publish_events(made)
    stage.publish_predictions(stage.predict(*champions(stage, 1.0)))
    stage.publish_labels(made)
    with stage.start() as running:
        until(lambda: "brier" in stage.ask("incidents", "list") if stage.verdicts() else False, "no incident")
        [found] = [one for one in json.loads(stage.ask("incidents", "list", "--json")) if "brier" in one["headline"]]
        said = json.loads(stage.ask("incidents", "acknowledge", found["id"], "--reason", "seen", "--json"))
        assert (said["done"], said["present"]) == (True, "acknowledged")
        again = stage.ask("incidents", "acknowledge", "nothing", "--reason", "seen", code=6)
        assert "unknown" in again
        until(lambda: "seen to by" in stage.ask("incidents", "list"), "it is not published")
        running.stop()


def test_it_goes_on_where_it_was_killed(set_up: SetUp, redis: Redis) -> None:
    stage, made = set_up(), flights(2_000, days=40)
    stage.crown(redis, "v1")
    stage.publish_events(made)
    values = stage.predict(*champions(stage, 1.0))
    stage.publish_predictions(values[:1_000])
    with stage.start() as running:
        until(lambda: bool(stage.verdicts()), f"nothing was judged: {running.log}")
        running.process.send_signal(signal.SIGKILL)
        running.process.wait(30)
    stage.publish_labels(made)
    stage.publish_predictions(values[1_000:])
    stage.publish_predictions(values[:700])
    with stage.start() as running:
        verdicts = stage.await_verdicts(4, running)
        stage.await_read()
        running.stop()
    frame = raw(made, values)
    for one in verdicts:
        rows = frame[frame["month"] == month(one)]
        assert one.predictions == len(rows), "predictions that came again are no others"


def test_labels_are_corrected_and_retracted(set_up: SetUp, redis: Redis) -> None:
    stage, made = set_up(), flights(200, days=20)
    stage.crown(redis, "v1")
    stage.publish_events(made)
    values = stage.predict(*champions(stage, 1.0))
    stage.publish_predictions(values)
    stage.publish_labels(made)
    labelled = [flight for flight in made if flight.label is not None]
    with stage.start() as running:
        before = stage.await_verdicts(2, running)
        assert {one.n for one in before} == {len(labelled)}
        turned = [replace(one, label=1 - (one.label or 0), label_at=one.label_at + 1) for one in labelled[:50]]
        stage.publish_labels(turned)
        stage.retract(labelled[50:60])
        until(lambda: {one.n for one in stage.verdicts()} == {len(labelled) - 10}, "nothing was retracted")
        after = stage.verdicts()
        running.stop()
    now = {one.id: one for one in [*made, *turned]} | {one.id: replace(one, label=None) for one in labelled[50:60]}
    assert_equal(after, raw(now.values(), values), "champion")
    assert all(one.revision > 0 for one in after), "what had closed was revised"
    assert [one.verdict for one in after] == [one.verdict for one in before], "and verdicts stand"


def test_bad_records_are_counted_and_do_no_harm(set_up: SetUp, redis: Redis) -> None:
    stage, made = set_up(), flights(40, days=2)
    stage.crown(redis, "v1")
    names = stage.settings.topics
    stage.publish_events(made)
    values = stage.predict(*champions(stage, 1.0))
    stage.publish_predictions(values)
    good = values[0]
    stage.send([None, b"", good[:-1], good + b"\0", b"\0\0\0\0\1" + good[5:], b"{}"], topic=names.predictions)
    stage.publish_labels(made)
    label = b"\0" + stage.settings.schemas.label_id.to_bytes(4, "big") + b"\x04f1"
    stage.send([b"{}", label, label + b"\0" * 7 + b"\x40\0"], topic=names.labels)
    with stage.start() as running:
        verdicts = stage.await_verdicts(2, running)
        stage.await_read()
        until(lambda: counts(stage).get(("labels", "unreadable")) == 2, f"{counts(stage)}")
        running.stop()
    assert {(one.predictions, one.n) for one in verdicts} == {(40, 36)}
    assert counts(stage)["predictions", "unreadable"] == 6


def counts(stage: Stage) -> dict[tuple[str, str], int]:
    with stage.snapshot() as found:
        return {(one.topic, one.reason): one.n for one in found.counts()}


def test_an_event_from_the_future_moves_no_clock(set_up: SetUp, redis: Redis) -> None:
    stage, made = set_up(), flights(100, days=2)
    stage.crown(redis, "v1")
    far = Flight("far", 4_102_444_800_000, 1.0, 1, 4_102_444_800_001)
    stage.publish_events([*made, far])
    stage.publish_predictions(stage.predict(*champions(stage, 1.0)))
    stage.publish_labels([*made, far])
    with stage.start() as running:
        verdicts = stage.await_verdicts(2, running)
        until(lambda: counts(stage).get(("labels", "future")) == 1, f"{counts(stage)}")
        running.stop()
    assert {one.predictions for one in verdicts} == {100}
    assert counts(stage)["predictions", "future"] == 1


def test_a_second_process_stands_by_and_takes_over(set_up: SetUp, redis: Redis) -> None:
    stage, made = set_up(), flights(100, days=2)
    stage.crown(redis, "v1")
    stage.publish_events(made)
    stage.publish_predictions(stage.predict(*champions(stage, 1.0)))
    with stage.start() as first:
        until(lambda: bool(stage.verdicts()), f"nothing was judged: {first.log}")
        with stage.start(log="second") as second:
            until(lambda: "standing by" in second.log, "it does not stand by")
            first.process.kill()
            first.process.wait(30)
            stage.publish_labels(made)
            until(lambda: any(one.n == 90 for one in stage.verdicts()), f"nobody took over: {second.log}")
            second.stop()


def test_without_redis_it_does_not_begin(kafka: SharedKafka, new_valkey: Callable[..., Valkey], tmp_path: Path) -> None:
    valkey = new_valkey()
    stage, made = Stage(tmp_path, kafka.bootstrap, valkey.url), flights(60, days=10)
    stage.publish_events(made)
    stage.publish_predictions(stage.predict(*champions(stage, 1.0)))
    with valkey.client() as client:
        stage.crown(client, "v1")
    valkey.freeze()
    with stage.start() as running:
        until(lambda: "standing by" in running.log, "Redis is not missed")
        assert stage.shown() == {}
        valkey.thaw()
        stage.await_verdicts(2, running)
        running.stop()


def test_settings_that_are_wrong(set_up: SetUp) -> None:
    stage = set_up(matures_after_hours=-1.0, topic="x")
    with stage.start() as running:
        assert running.process.wait(60) == 2
        assert "monitor.matures_after_hours" in running.log
        assert "monitor.topic" in running.log


def test_requirements_that_are_missing(set_up: SetUp) -> None:
    stage = set_up()
    (stage.directory / "requirements.toml").unlink()
    with stage.start() as running:
        assert running.process.wait(60) == 2
        assert "requirements.toml: cannot be read" in running.log


def test_waits_for_topics_that_are_missing(set_up: SetUp, redis: Redis) -> None:
    stage = set_up(partitions=1)
    stage.crown(redis, "v1")
    labels = stage.settings.topics.labels
    stage.admin.delete_topics([labels])[labels].result(30)
    until(lambda: labels not in stage.admin.list_topics(timeout=10).topics, "the topic is still there")
    with stage.start() as running:
        until(lambda: f"there is no topic {labels}" in running.log, "the topic is not missed")
        assert topics.create(stage.settings, 1, 1)[labels] == "created"
        stage.await_leaders(labels, 1)
        stage.publish_labels([Flight("x", first(), 1.0, 1, first() + HOUR)])
        stage.await_read()
        running.stop()
