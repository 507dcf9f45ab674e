"""``monitor run`` as a process, on a real Kafka and a real Redis-compatible server, against pandas and scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from redis import Redis
from sklearn.metrics import accuracy_score, brier_score_loss

from sandbox import Valkey
from scorer.scoring.models import Models
from scorer.stream import topics
from tests.conftest import SharedKafka
from tests.integration.deployment import until
from tests.monitor.stage import HOUR, Flight, Stage, flights, prediction

SetUp = Callable[..., Stage]


def champions(stage: Stage, *slopes: float) -> list[Models]:
    return [stage.models(stage.scoring(), f"v{number}", slope) for number, slope in enumerate(slopes, 1)]


def by_id(values: Iterable[bytes]) -> dict[str, float]:
    return {fields["event_id"]: fields["score"] for fields in map(prediction, values)}


def raw(made: Iterable[Flight], **scores: dict[str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(list(map(asdict, made)))
    frame["month"] = pd.to_datetime(frame["at"], unit="ms", utc=True).dt.strftime("%Y-%m")
    for name, each in scores.items():
        frame[name] = frame["id"].map(each)
    return frame


def assert_equal(figures: dict[str, Any], labels: pd.Series[Any], scores: pd.Series[Any]) -> None:
    assert figures["outcomes"] == len(labels)
    assert figures["accuracy"] == pytest.approx(accuracy_score(labels, scores > 0.5), rel=0, abs=1e-12)
    assert figures["brier"] == pytest.approx(brier_score_loss(labels, scores), rel=0, abs=1e-12)


def test_the_figures_are_those_of_pandas_and_scikit_learn(set_up: SetUp, redis: Redis) -> None:
    stage, made = set_up(), flights(3_000)
    stage.challenge(redis, "c1")
    stage.publish_events(made)
    values = stage.predict(*champions(stage, 1.0, -0.7))
    with stage.start("--json") as running:
        stage.publish_predictions(stage.predict(*champions(stage, 9.0))[:500], commit=False)
        stage.publish_labels(made[:2_000])
        stage.publish_predictions(values)
        stage.publish_labels(made[2_000:])
        stage.await_read()
        until(lambda: len(running.lines) == 2, f"April and May are not closed: {running.log}")
        lines = running.stop()
    challenger = by_id(stage.predict(stage.models(stage.scoring(), "c1", 2.0)))
    frame = raw(made, live=by_id(values), challenger=challenger)
    assert [(line["month"], line["state"], line["revision"]) for line in lines] == [
        ("2013-04", "closed", 1),
        ("2013-05", "closed", 1),
        ("2013-06", "so far", 0),
    ]
    for line in lines:
        month = frame[frame["month"] == line["month"]]
        known = month.dropna(subset="label")
        assert (line["predictions"], line["outcomes"], line["late"]) == (len(month), len(known), 0)
        assert line["labelled"] == pytest.approx(month["label"].notna().mean(), abs=1e-15)
        assert_equal(line["champion"], known["label"], known["live"])
        assert sorted(line["champion"]["versions"]) == ["v1", "v2"]
        [other] = line["others"]
        assert (other["role"], other["versions"]) == ("challenger", {"c1": len(known)})
        assert_equal(other, known["label"], known["challenger"])
        verdicts = [(each["metric"], each["verdict"]) for each in other["verdicts"]]
        assert verdicts == [("accuracy", "PASS"), ("brier", "FAIL")]


def test_lines_for_people(set_up: SetUp, redis: Redis) -> None:
    stage, made = set_up(), flights(40, days=2)
    stage.challenge(redis, "c1")
    stage.publish_events(made)
    stage.publish_predictions(stage.predict(*champions(stage, 1.0)))
    stage.publish_labels(made)
    with stage.start() as running:
        stage.await_read()
        running.process.terminate()
        assert running.process.wait(10) == 0
        head, champion, challenger = running.output.splitlines()
    assert head == "2013-04 so far: 36 of 40 predictions labelled (90.00%)"
    assert champion.split()[:3] == ["champion", "v1", "accuracy"]
    assert "FAIL (at most 0.01)" in champion
    assert challenger.split()[:3] == ["challenger", "c1", "accuracy"]
    assert challenger.endswith("outcomes 36")


def test_a_label_known_too_late_is_counted_and_not_judged(set_up: SetUp) -> None:
    stage = set_up(close_after_days=1.0)
    end = 1_367_366_400_000  # 1 May 2013
    made = [
        Flight("in time", end - HOUR, 1.0, 1, end + 24 * HOUR),
        Flight("late", end - HOUR, 1.0, 1, end + 24 * HOUR + 1),
        Flight("may", end, -1.0, 0, end + HOUR),
    ]
    stage.publish_events(made)
    stage.publish_predictions(stage.predict(*champions(stage, 1.0)))
    stage.publish_labels(made)
    with stage.start("--json") as running:
        stage.await_read()
        until(lambda: len(running.lines) == 1, "April is not closed")
        april, may = running.stop()
    assert (april["month"], april["state"], april["predictions"], april["outcomes"], april["late"]) == (
        "2013-04", "closed", 2, 1, 1,
    )  # fmt: skip
    assert (may["month"], may["state"], may["outcomes"], may["late"]) == ("2013-05", "so far", 1, 0)
    assert [each["verdict"] for each in april["champion"]["verdicts"]] == ["INSUFFICIENT", "INSUFFICIENT"]


def test_what_arrives_behind_its_label_revises_a_closed_month(set_up: SetUp) -> None:
    stage, made = set_up(), flights(60, days=25)
    sign = Flight("sign", 1_370_000_000_000, 0.0, 1, 1_370_000_000_001)
    stage.publish_events([*made, sign])
    values = stage.predict(*champions(stage, 1.0))
    stage.publish_predictions(values[:30])
    stage.publish_labels([*made, sign])
    with stage.start("--json") as running:
        until(lambda: len(running.lines) == 1, "April is not closed")
        stage.publish_predictions(values[30:])
        stage.await_read()
        lines = running.stop()
    assert [(line["month"], line["state"], line["revision"]) for line in lines] == [
        ("2013-04", "closed", 1),
        ("2013-04", "closed", 2),
        ("2013-05", "so far", 0),
    ]
    assert lines[1]["predictions"] == 60


def test_bad_records_are_named_and_do_no_harm(set_up: SetUp) -> None:
    stage, made = set_up(), flights(40, days=2)
    names = stage.settings.topics
    stage.publish_events(made)
    stage.send([None, b"", b"\0\0\0\0\x07broken", b"{}"], topic=names.events)
    values = stage.predict(*champions(stage, 1.0))
    stage.publish_predictions(values)
    good = values[0]
    stage.send([None, b"", good[:-1], good + b"\0", b"\0\0\0\0\1" + good[5:], b"{}"], topic=names.predictions)
    stage.publish_labels(made)
    label = b"\0" + stage.settings.schemas.label_id.to_bytes(4, "big") + b"\x04f1"
    stage.send([None, b"{}", label, label + b"\0" * 8 + b"\0" * 2, label + b"\0" * 7 + b"\x40\0"], topic=names.labels)
    with stage.start("--json") as running:
        stage.await_read()
        [line] = running.stop()
        log = running.log
    assert (line["predictions"], line["outcomes"]) == (40, 36)
    for named in (
        "bad predictions (framing)",
        "bad predictions (avro)",
        "bad labels (tombstone)",
        "bad labels (value)",
    ):
        assert named in log
    assert f"{names.labels}-" in log
    assert "label 2 is neither 0 nor 1" in log


def test_a_challenger_comes_changes_and_is_refused(set_up: SetUp, redis: Redis) -> None:
    stage, made = set_up(partitions=1), flights(120, days=10)
    with stage.start("--json") as running:
        stage.publish_events(made[:30])
        stage.await_read()
        stage.challenge(redis, "c1", "c2", slope=2.0)
        until(lambda: "challenger: c1; not scored: c2" in running.log, "c1 was not followed")
        stage.publish_events(made[30:60])
        stage.await_read()
        redis.set(stage.keys.challenger, "c2")
        until(lambda: "challenger: c2" in running.log, "c2 was not followed")
        stage.publish_events(made[60:90])
        stage.await_read()
        redis.set(stage.keys.challenger, "nowhere")
        until(lambda: "nowhere is refused" in running.log, "the refusal was not said")
        stage.publish_events(made[90:])
        stage.publish_predictions(stage.predict(*champions(stage, 1.0)))
        stage.publish_labels(made)
        stage.await_read()
        [line] = running.stop()
    assert line["outcomes"] == 108
    assert {tuple(other["versions"].items()) for other in line["others"]} == {(("c1", 27),), (("c2", 27),)}


def test_events_wait_until_the_challenger_is_known(
    kafka: SharedKafka, new_valkey: Callable[..., Valkey], tmp_path: Path
) -> None:
    valkey = new_valkey()
    stage, made = Stage(tmp_path, kafka.bootstrap, valkey.url), flights(60, days=10)
    stage.publish_events(made)
    stage.publish_predictions(stage.predict(*champions(stage, 1.0)))
    stage.publish_labels(made)
    with valkey.client() as client:
        stage.challenge(client, "c1")
    valkey.freeze()
    with stage.start("--json") as running:
        until(lambda: "the challenger stays unknown" in running.log, "Redis is not missed")
        assert stage.shown() == {}
        valkey.thaw()
        stage.await_read()
        [line] = running.stop()
    assert [(other["role"], other["outcomes"]) for other in line["others"]] == [("challenger", 54)]


def test_what_waits_without_end_is_dropped_and_said(set_up: SetUp) -> None:
    stage, made = set_up(pending_events=100), flights(400, days=10)
    stage.publish_events(made)
    stage.publish_predictions(stage.predict(*champions(stage, 1.0)))
    with stage.start("--json") as running:
        stage.await_read()
        stage.publish_labels(made)
        stage.await_read()
        [line] = running.stop()
    assert line["predictions"] == 400
    assert line["outcomes"] <= 100
    assert "predictions dropped" in running.log
    assert "raise monitor.pending_events" in running.log


def test_settings_that_are_wrong(set_up: SetUp) -> None:
    stage = set_up(close_after_days=-1.0, topic="x")
    with stage.start() as running:
        assert running.process.wait(60) == 2
        assert "monitor.close_after_days" in running.log
        assert "monitor.topic" in running.log


def test_requirements_that_are_missing(set_up: SetUp) -> None:
    stage = set_up()
    (stage.directory / "requirements.toml").unlink()
    with stage.start() as running:
        assert running.process.wait(60) == 2
        assert "requirements.toml: cannot be read" in running.log


def test_nothing_to_say_where_nothing_was_predicted(set_up: SetUp) -> None:
    stage = set_up()
    stage.publish_labels(flights(5))
    with stage.start("--json") as running:
        stage.await_read()
        assert running.stop() == []


def test_waits_for_topics_that_are_missing(set_up: SetUp) -> None:
    stage = set_up(partitions=1)
    labels = stage.settings.topics.labels
    stage.admin.delete_topics([labels])[labels].result(30)
    until(lambda: labels not in stage.admin.list_topics(timeout=10).topics, "the topic is still there")
    with stage.start("--json") as running:
        until(lambda: f"there is no topic {labels}" in running.log, "the topic is not missed")
        assert topics.create(stage.settings, 1, 1)[labels] == "created"
        stage.await_leaders(labels, 1)
        stage.await_read()
        running.stop()
