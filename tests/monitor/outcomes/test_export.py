"""What is exported, read back by pandas, is what was produced."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pandas as pd
import pytest
from confluent_kafka import Producer, TopicPartition

from bench.monitor.rows import mixed
from monitor.cli.app import run
from monitor.judge.outputs import ROLES, Outputs, carried
from monitor.outcomes import events, export
from monitor.outcomes.columns import columns, directory
from monitor.outcomes.writing import Writing
from monitor.rows import DAY, HOUR, LABELS, PREDICTIONS, Layout
from monitor.store import outcomes
from monitor.store.cohorts import Timing
from monitor.store.state import State
from tests.conftest import SharedKafka
from tests.integration.deployment import Deployment
from tests.settings_file import write_settings

EVENT: dict[str, Any] = {
    "type": "record",
    "name": "Rich",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "x", "type": ["null", "double"]},
        {"name": "count", "type": "long"},
        {"name": "open", "type": ["boolean", "null"]},
        {"name": "born", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "clock", "type": {"type": "long", "logicalType": "time-micros"}},
        {"name": "where", "type": {"type": "enum", "name": "Where", "symbols": ["EWR", "JFK"]}},
        {"name": "note", "type": ["null", "string"]},
        {"name": "raw", "type": "bytes"},
        {"name": "label", "type": ["null", "string"]},
    ],
}
PARSED = fastavro.parse_schema(EVENT)
FIELDS = [str(one["name"]) for one in EVENT["fields"]]
FIRST = 15_706  # 2013-01-01
OUTPUTS = Outputs("binary", ("on time", "late"))
SEGMENTS = ("where",)
COUNT, APART = 1_200, 3 * 60_000_000
"""Events, and the microseconds between them: two and a half days."""


def event(number: int) -> dict[str, Any]:
    """The fields of an event, some of them odd."""
    return {
        "id": f"e{number}",
        "at": datetime(2013, 1, 1, tzinfo=UTC) + timedelta(microseconds=number * APART),
        "x": None if number % 7 == 0 else float("nan") if number % 11 == 0 else number / 3,
        "count": (-1) ** number * (2**63 - 1 - number),
        "open": None if number % 5 == 0 else number % 2 == 0,
        "born": None if number % 3 == 0 else date(1960, 2, 29) + timedelta(days=number * 17),
        "clock": time(23, number % 60, 59, 999_999 - number),
        "where": ("EWR", "JFK")[number % 2],
        "note": None if number % 13 else f"ünï '\"\0 {number}",
        "raw": bytes([number % 256, 0, 255]),
        "label": "the event's own" if number % 2 else None,
    }


@dataclass
class Scene:
    """A model whose events are in Kafka, and whose outcomes lie in files."""

    deployment: Deployment
    file: Path
    made: pd.DataFrame

    def export(self, *arguments: str, code: int = 0) -> pd.DataFrame:
        """What the command writes."""
        out = self.file.parent / "out.parquet"
        out.unlink(missing_ok=True)
        words = ["--settings", str(self.file), "outcomes", "export", *arguments, "--out", str(out)]
        assert run(words) == code
        assert not code or not out.exists()
        assert not [one for one in out.parent.iterdir() if one.name.startswith(".out")]
        return pd.read_parquet(out, dtype_backend="numpy_nullable") if not code else pd.DataFrame()


def build(kafka: SharedKafka, directory: Path) -> Scene:
    """Events, in transactions some of which were aborted, predictions of two versions and one in the shadow."""
    deployment = Deployment(directory, kafka.bootstrap, partitions=2)
    (directory / "event.avsc").write_text(json.dumps(EVENT))
    _produce(deployment)
    made = _filed(deployment, directory / "state")
    file = write_settings(deployment.settings, directory)
    with file.open("a") as settings:
        settings.write(f'[monitor]\nstate_directory = "{directory / "state"}"\nsegments = ["where"]\n')
    return Scene(deployment, file, made)


@pytest.fixture(scope="module")
def shared(kafka: SharedKafka, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """One for the tests that change nothing but the settings."""
    return build(kafka, tmp_path_factory.mktemp("scene"))


@pytest.fixture
def scene(shared: Scene, tmp_path: Path) -> Scene:
    """The shared one with a settings file of the test's own."""
    file = tmp_path / "scorer.toml"
    file.write_text(shared.file.read_text())
    return replace(shared, file=file)


def _produce(deployment: Deployment) -> None:
    properties = {"bootstrap.servers": deployment.settings.kafka.bootstrap_servers, "log_level": 0}
    producer = Producer({**properties, "transactional.id": deployment.model})
    producer.init_transactions(30)
    for begin in range(0, COUNT, 100):
        for aborted in (True, False):
            producer.begin_transaction()
            for number in range(begin, begin + 100):
                out = io.BytesIO()
                fastavro.schemaless_writer(out, PARSED, event(number))
                topic = deployment.settings.topics.retry if number % 10 == 3 else deployment.settings.topics.events
                producer.produce(topic, b"\0\0\0\0\7" + out.getvalue(), str(number).encode(), number % 2)
            assert producer.flush(30) == 0
            producer.abort_transaction() if aborted else producer.commit_transaction()


def _filed(deployment: Deployment, state_directory: Path) -> pd.DataFrame:
    """Predict each event, label most, and let the cohorts close; what was produced."""
    topics = deployment.settings.topics
    messages = deployment.read(topics.events, topics.retry)
    numbers = np.array([int(bytes(message.key() or b"")) for message in messages])
    names = [str(message.topic()) for message in messages]
    rng = np.random.default_rng(1)
    n = len(messages)
    table = pd.DataFrame(
        {
            "number": np.r_[numbers, numbers[:300]],
            "source_topic": names + names[:300],
            "source_partition": [int(m.partition() or 0) for m in [*messages, *messages[:300]]],
            "source_offset": [int(m.offset() or 0) for m in [*messages, *messages[:300]]],
            "role": ["champion"] * n + ["challenger"] * 300,
            "version": np.r_[np.where(numbers < 600, "v1", "v2"), np.full(300, "v3")],
            "score": rng.random(n + 300),
        }
    )
    late = table["number"].to_numpy() % 3 == 0
    state_directory.mkdir()
    state = State(state_directory / "m.duckdb", Layout(carried(OUTPUTS, SEGMENTS)), TIMING)
    times = FIRST * DAY + table["number"].to_numpy() * APART
    with state.step() as step:
        for kind in (PREDICTIONS, LABELS):
            step.assign(kind, 0, 0)
        step.tick(FIRST * DAY + 4 * DAY)
        ids = {"id_high": mixed(table["number"].to_numpy(), 1), "id_low": mixed(table["number"].to_numpy(), 2)}
        rows = {
            **ids,
            "version": step.codes("version", table["version"]),
            "source_topic": step.codes("topic", table["source_topic"]),
            "source_partition": table["source_partition"],
            "source_offset": table["source_offset"],
            "partition": np.zeros(len(table)),
            "position": np.arange(len(table)),
            "time": times,
            "role": [ROLES.index(role) for role in table["role"]],
            "predicted": (table["score"] > 0.5).astype(int),
            "score_0": table["score"],
            "scored": times,
            "segment_0": step.codes("segment:where", [event(number)["where"] for number in table["number"]]),
        }
        step.predictions({name: np.asarray(column) for name, column in rows.items()})
        told = {name: column[: n - 10] for name, column in ids.items()}
        step.labels(
            {
                **told,
                "partition": np.zeros(n - 10, np.int32),
                "position": np.arange(n - 10),
                "time": times[: n - 10] + HOUR,
                "revision": np.zeros(n - 10, np.int64),
                "value": late[: n - 10].astype(float),
                "retracted": np.zeros(n - 10, bool),
            }
        )
        outcomes.ask(step, step.tick(FIRST * DAY + 10 * DAY, [(PREDICTIONS, 0), (LABELS, 0)]))
    writing = Writing(state, directory(state_directory), columns(OUTPUTS, SEGMENTS), 400)
    writing.finish()
    writing.close()
    state.close()
    return _expected(table, late, times, numbers[: n - 10])


TIMING = Timing(HOUR, 30 * DAY, 3 * HOUR, HOUR, 30 * DAY)


def _expected(table: pd.DataFrame, late: np.ndarray, times: np.ndarray, told: np.ndarray) -> pd.DataFrame:
    made = pd.DataFrame(
        {
            "number": table["number"],
            "source_topic": table["source_topic"],
            "source_partition": table["source_partition"].astype("int32"),
            "source_offset": table["source_offset"],
            "event_time": pd.to_datetime(times, unit="us", utc=True),
            "version": table["version"],
            "role": table["role"],
            "class": np.where(table["score"] > 0.5, "late", "on time"),
            "score": table["score"],
            "label": late.astype(float),
            "label_class": np.where(late, "late", "on time"),
            "label_time": pd.to_datetime(times + HOUR, unit="us", utc=True),
            "implicit": False,
            "segment_where": [event(number)["where"] for number in table["number"]],
            "event_read": True,
        }
    )
    for name in FIELDS:
        made["event.label" if name == "label" else name] = [event(number)[name] for number in table["number"]]
    by = ["event_time", "source_topic", "source_partition", "source_offset", "version"]
    return made[made["number"].isin(told)].sort_values(by, ignore_index=True)


def same(found: pd.DataFrame, wanted: pd.DataFrame) -> None:
    """Whether two tables have the same columns and values; a double that is not a number is none to pandas."""
    wanted = wanted.drop(columns="number", errors="ignore").reset_index(drop=True)
    assert list(found.columns) == list(wanted.columns)
    for name in wanted:
        left, right = ([None if pd.isna(one) else one for one in table[name]] for table in (found, wanted))
        if str(name) in ("at", "event_time", "label_time"):
            left, right = ([None if one is None else pd.Timestamp(one) for one in side] for side in (left, right))
        assert left == right, name


DAYS = ("--from", "2013-01-01", "--to", "2013-01-03")


@pytest.mark.parametrize(("piece", "skipped"), [(8_192, 20_000), (60, 30)])
def test_a_table_is_what_was_produced(scene: Scene, monkeypatch: pytest.MonkeyPatch, piece: int, skipped: int) -> None:
    """In one go; and in pieces of a few rows, leaping over what was aborted."""
    wanted = scene.made[scene.made["role"] == "champion"]
    assert len(wanted) > 1_000
    monkeypatch.setattr(export, "PIECE", piece)
    monkeypatch.setattr(events, "SKIPPED", skipped)
    same(scene.export(*DAYS), wanted)


def test_an_event_with_two_predictions_is_in_both_rows(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PIECE", 61)  # some pieces end between the two
    same(scene.export(*DAYS, "--role", "challenger", "--role", "champion"), scene.made)


def test_only_the_days_and_the_version_that_were_asked_for(scene: Scene) -> None:
    found = scene.export("--from", "2013-01-02", "--to", "2013-01-02", "--version", "v1")
    day = scene.made["event_time"].dt.date == date(2013, 1, 2)
    wanted = scene.made[day & (scene.made["version"] == "v1")]
    assert len(wanted) > 50
    same(found, wanted)


def test_without_events_kafka_is_not_asked(scene: Scene) -> None:
    text = scene.file.read_text().replace(scene.deployment.settings.kafka.bootstrap_servers, "127.0.0.1:1")
    scene.file.write_text(text)
    own = scene.made.columns.get_loc("event_read")
    assert isinstance(own, int)
    wanted = scene.made.iloc[:, :own]
    same(scene.export(*DAYS, "--no-events"), wanted[wanted["role"] == "champion"])


def test_rows_of_deleted_events_stay_and_are_counted(
    kafka: SharedKafka, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = build(kafka, tmp_path)
    topics = scene.deployment.settings.topics
    ends = scene.deployment.ends(topics.events)
    before = {0: ends[topics.events, 0] // 2, 1: ends[topics.events, 1]}
    done = scene.deployment.admin.delete_records(
        [TopicPartition(topics.events, partition, offset) for partition, offset in before.items()]
    )
    for one in done.values():
        one.result(30)
    found = scene.export(*DAYS, "--json")
    said = json.loads(capsys.readouterr().out)
    wanted = scene.made[scene.made["role"] == "champion"].copy()
    gone = (wanted["source_topic"] == topics.events) & (
        wanted["source_offset"] < wanted["source_partition"].map(before)
    )
    wanted.loc[gone, "event_read"] = False
    for name in wanted.columns[list(wanted.columns).index("event_read") + 1 :]:
        wanted[name] = wanted[name].astype(object).where(~gone, None)
    same(found, wanted)
    assert said["gone"] == gone.sum() > 500
    assert said["rows"] == len(wanted)
    assert said["renamed"] == {"label": "event.label"}
    scene.export(*DAYS)
    assert f"{gone.sum():,} rows without fields: Kafka has deleted the events" in capsys.readouterr().out


def test_events_of_an_unknown_schema_are_counted(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.file.write_text(scene.file.read_text().replace('{"7" = ', '{"8" = '))
    found = scene.export(*DAYS, "--json")
    assert not found["event_read"].any()
    assert json.loads(capsys.readouterr().out)["unreadable"] == len(found) == (scene.made["role"] == "champion").sum()


def test_sensitive_fields_are_written_only_where_asked(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    text = scene.file.read_text()
    scene.file.write_text(text.replace("sensitive = []", 'sensitive = ["note", "id"]'))
    assert set(FIELDS) - set(scene.export(*DAYS).columns) == {"note", "id"}
    assert "left out, because sensitive (--with-sensitive): id, note" in capsys.readouterr().out
    same(scene.export(*DAYS, "--with-sensitive"), scene.made[scene.made["role"] == "champion"])


def test_days_without_file_are_named(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    scene.export("--from", "2012-12-30", "--to", "2013-01-07", "--no-events")
    said = capsys.readouterr().out
    assert "without outcomes: 2012-12-30 to 2012-12-31, 2013-01-04 to 2013-01-07" in said


REFUSED: list[tuple[list[str], str]] = [
    (["--from", "2014-01-01", "--to", "2014-01-02"], "has no outcomes of these days"),
    (["--from", "2014-01-02", "--to", "2014-01-01"], "lies behind"),
    (["--from", "yesterday", "--to", "2014-01-01"], "--from 'yesterday' is no day"),
    ([*DAYS, "--role", "boss"], "--role boss: there are champion, trial, challenger"),
]


def test_what_cannot_be_is_refused(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, why in REFUSED:
        scene.export(*arguments, code=2)
        assert why in capsys.readouterr().err
    words = ["--settings", str(scene.file), "outcomes", "export", *DAYS, "--out", str(scene.file / "x.parquet")]
    assert run(words) == 2
    assert "name a file in a directory" in capsys.readouterr().err
