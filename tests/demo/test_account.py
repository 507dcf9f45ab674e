"""The demo's account against topics made by hand: clean ones, and some in which every promise is broken on purpose."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pandas as pd
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from redis import Redis

from demo import account, flights, library, records, rescore
from demo.account import Account, Evidence, Watched
from demo.deployment import Deployment
from demo.library import Library
from demo.mailbox import Mail
from demo.pipelines import BOOSTED, LOGISTIC, RECIPES
from demo.reader import Arrivals
from demo.records import SCHEMAS, Record, schema
from demo.replay import Facts, Publisher
from demo.train import Trained
from sandbox import judge
from sandbox.judge import Places
from sandbox.services import Services
from sandbox.stamps import Reign
from scorer.settings import Settings
from scorer.stream import batches
from tests.conftest import SharedKafka, SharedRedis

FLIGHTS = 400
APRIL = 1_364_774_400_000_000
"""Its beginning in UTC, in microseconds since the epoch."""


def waited(partition: int, offset: int) -> int:
    """Milliseconds from an event to the arrival of its prediction."""
    return 10 + 100 * partition + offset


Outcome = dict[str, Any]
Spoil = Callable[[list[Outcome]], list[Outcome]]


def verdict(**facts: object) -> Outcome:
    """What the monitor says of the champion's accuracy in April, apart from these ``facts``."""
    said = {
        "kind": "verdict", "metric": "accuracy",
        "version": LOGISTIC, "verdict": "PASS", "value": 0.5, "low": 0.4, "high": 0.6, "n": 10,
        "predictions": 12, "provisional": False, "revision": 0, "window": "month", "role": "champion",
        "segment_field": None, "begin": APRIL, "minimum": 0.3, "maximum": None, "error": 0.0,
    }  # fmt: skip
    return {**said, **facts}


class Stage:
    """Topics with some real flights in them, and predictions as the scorer would make them, unless they are spoilt."""

    def __init__(self, deployment: Deployment, flown: pd.DataFrame, known: Library) -> None:
        self.deployment, self.known, self.flown = deployment, known, flown
        self.spoil_verdicts: Spoil = list
        self.waits: list[int] = []
        self._names, self._kafka = deployment.names, deployment.bootstrap
        day = next(records.days(flown))
        events = [record for record in day.records if not record.label]
        self._facts = Facts(events=len(events), begun=1, ended=2_000_001, malformed={"garbage": 1})
        events.append(Record(False, b"garbage", b"\xde\xad"))
        self._facts.events += 1
        publisher = Publisher(self._kafka, self._names["events"], self._names["labels"])
        publisher.send(events)
        publisher.flush()

    def play(self, spoil: Spoil = list) -> Account:
        """Score, write the outcome, and let the account be taken."""
        settings = Settings.load(self.deployment.settings, {})
        scoring, models = rescore._scoring(settings)
        decode = judge.decoder(schema(SCHEMAS / "prediction.avsc"))
        messages = [message for part in judge.read(self._kafka, self._names["events"]) for message in part]
        batch, _ = batches.build(messages, (self._names["events"],))
        values = rescore._values(scoring.score(batch, models[LOGISTIC], time.time_ns() // 1000))
        made = [outcome for outcome in map(decode, values.values()) if outcome is not None]
        spoilt = spoil(made)
        self._write(spoilt)
        dead = next(message for row, message in enumerate(messages) if row not in values)
        self._bury(int(dead.partition() or 0), int(dead.offset() or 0))
        published = {(m.partition(), m.offset()): m.timestamp()[1] for m in messages}
        places = [(outcome["source_partition"], outcome["source_offset"]) for outcome in made]
        self.waits = [waited(*place) for place in places]
        received = [(published[place] + wait) * 1000 for place, wait in zip(places, self.waits, strict=True)]
        arrivals = Arrivals(
            np.array([partition for partition, _ in places], np.int64),
            np.array([offset for _, offset in places], np.int64),
            np.array(received, np.int64),
        )
        folder = self.deployment.folder
        rescore.main(str(self.deployment.settings), str(folder / "rescored.json"))
        self.known.write(folder / "library.npz")
        mail = Mail("late again", "a text", folder / "mails" / "01.eml")
        verdicts = self.spoil_verdicts(self._verdicts(spoilt))
        watched = Watched(self._facts, arrivals, verdicts, APRIL + 30 * 86_400_000_000, [mail], folder / "report.html")
        files = (folder / "library.npz", folder / "rescored.json")
        return account.take(Evidence(self._kafka, self._names, watched, self.flown, *files))

    def _verdicts(self, made: list[Outcome]) -> list[Outcome]:
        """What a monitor would say of the accuracy in April."""
        late = dict(zip(self.flown["event_id"], self.flown["late"], strict=True))
        first = {outcome["event_id"]: outcome for outcome in reversed(made)}
        found = []
        for version in {outcome["version"] for outcome in first.values()}:
            ours = [outcome for outcome in first.values() if outcome["version"] == version]
            right = [(one["class"] == "late") == late[one["event_id"]] for one in ours if late[one["event_id"]] >= 0]
            value = sum(right) / len(right) if right else None
            found.append(verdict(version=version, value=value, n=len(right), predictions=len(ours)))
        return found

    def _write(self, outcomes: list[Outcome]) -> None:
        producer = Producer({"bootstrap.servers": self._kafka})
        described = schema(SCHEMAS / "prediction.avsc")
        for outcome in outcomes:
            value = _framed(described, outcome)
            producer.produce(self._names["predictions"], value, b"key", outcome["source_partition"])
        now = time.time_ns() // 1000
        applied = {
            "at": now, "model": "flights", "instance": "demo-0", "event": "applied", "pointer": "champion",
            "version": LOGISTIC, "digest": None, "previous": None, "seen": now - 60_000_000, "reason": None,
            "command": None, "actor": None, "actor_reason": None, "trial": None,
        }  # fmt: skip
        producer.produce(self._names["audit"], _framed(schema(SCHEMAS / "audit.avsc"), applied), partition=0)
        assert not producer.flush(20)

    def _bury(self, partition: int, offset: int) -> None:
        producer = Producer({"bootstrap.servers": self._kafka})
        places = {"topic": self._names["events"], "partition": partition, "offset": offset}
        headers = [(f"scorer.source.{name}", str(value).encode()) for name, value in places.items()]
        producer.produce(self._names["dead_letters"], b"\xde\xad", partition=partition, headers=list(headers))
        assert not producer.flush(20)


def _framed(described: Any, record: Outcome) -> bytes:
    out = io.BytesIO(b"\0\0\0\3\xe9")
    out.seek(5)
    fastavro.schemaless_writer(out, fastavro.parse_schema(dict(described)), record)
    return out.getvalue()


@pytest.fixture(scope="module")
def some(flown: pd.DataFrame) -> pd.DataFrame:
    return flights.replayed(flown).head(FLIGHTS)


@pytest.fixture(scope="module")
def known(some: pd.DataFrame, trained: dict[str, Trained]) -> Library:
    return library.collect(some, list(trained.values()))


@pytest.fixture
def stage(
    kafka: SharedKafka,
    redis: Redis,
    redis_server: SharedRedis,
    admin: AdminClient,
    tmp_path: Path,
    some: pd.DataFrame,
    known: Library,
) -> Iterator[Stage]:
    deployment = Deployment(Services(kafka.bootstrap, redis_server.url, None, None), tmp_path, "smtp+plain://localhost")
    deployment.scorer("topics", "create", "--partitions", "4")
    yield Stage(deployment, some, known)
    deployment.stop()
    kinds = ("events", "retry", "predictions", "dead_letters", "audit", "labels", "verdicts")
    for done in admin.delete_topics([deployment.names[kind] for kind in kinds]).values():
        done.result(30)


def test_a_clean_account(stage: Stage) -> None:
    found = stage.play()
    assert found.broken == []
    keys = list(found.summary)[:11]
    assert keys == [
        "events", "predictions", "dead_letters", "lost", "doubled", "wrong_version", "wrong_score", "versions",
        "events_per_second", "latency_ms", "flip_gap_ms",
    ]  # fmt: skip
    assert [found.summary[name] for name in keys[:7]] == [FLIGHTS + 1, FLIGHTS, 1, 0, 0, 0, 0]
    assert found.summary["versions"] == {LOGISTIC: FLIGHTS}
    assert found.summary["latency_ms"]["p50"] == pytest.approx(np.quantile(stage.waits, 0.5), abs=0.1)
    assert found.summary["latency_ms"]["p99"] == pytest.approx(np.quantile(stage.waits, 0.99), abs=0.1)
    assert found.summary["events_per_second"] == (FLIGHTS + 1) / 2
    assert found.summary["library"]["rescored"] == FLIGHTS
    labelled = int(stage.flown["late"].notna().sum())
    assert 0 < found.summary["outcomes"] == labelled < FLIGHTS
    assert found.summary["coverage"]["never_labelled"] == FLIGHTS - labelled
    [said] = found.summary["verdicts"]["2013-04"]
    assert (said["verdict"], said["n"], said["predictions"]) == ("PASS", labelled, FLIGHTS)
    assert found.summary["alarms"] == [{"subject": "late again", "file": "01.eml"}]
    assert found.summary["metric_difference"]["compared"] == 1
    json.dumps(found.summary)


def test_everything_that_is_broken_is_found(stage: Stage) -> None:
    """Each breach concerns events of its own, so that none hides another."""

    def spoil(made: list[Outcome]) -> list[Outcome]:
        lost, doubled, unlike, flag, other, digest, *rest = made
        unlike["score"] = float(np.nextafter(unlike["score"], 1.0))  # one bit, far below any tolerance
        flag["flags"] ^= 4
        other["version"], other["digest"] = BOOSTED, bytes.fromhex(account.digests()[BOOSTED])
        digest["digest"] = bytes(32)
        assert lost not in rest
        invented = {**rest[0], "source_offset": 1_000_000}
        return [doubled, doubled, unlike, flag, other, digest, *rest, invented]

    found = stage.play(spoil)
    assert {name: found.summary[name] for name in ("lost", "doubled", "extra", "wrong_version")} == {
        "lost": 1,
        "doubled": 1,
        "extra": 1,
        "wrong_version": 2,  # another version, another digest
    }
    assert found.summary["wrong_score"] == 5, "the bit, the flag, another version, another digest, an invention"
    assert [line.split(":")[0] for line in found.broken] == ["lost", "doubled", "extra", "wrong_version", "wrong_score"]
    assert stage.deployment.names["events"] in found.broken[0]


@pytest.mark.parametrize("facts", [{"value": 0.5}, {"n": 1}, {"predictions": 1}, {"version": "unheard of"}])
def test_a_monitor_that_is_wrong_is_found(stage: Stage, facts: Outcome) -> None:
    stage.spoil_verdicts = lambda said: [{**one, **facts} for one in said]
    assert [line.split(":")[0] for line in stage.play().broken] == ["metric_difference"]


def test_what_differs_from_the_library_is_found(stage: Stage) -> None:
    expected = {version: scores.copy() for version, scores in stage.known.expected.items()}
    expected[LOGISTIC][7] += 2e-12
    stage.known = Library(stage.known.event_ids, expected, stage.known.ours, stage.known.same)
    found = stage.play()
    assert found.summary["wrong_score"] == 1
    assert 1e-12 < found.summary["library"]["largest_difference"] < 3e-12
    assert [line.split(",")[0] for line in found.broken] == ["wrong_score: 1"]


def test_where_training_gives_other_numbers_our_code_is_compared_with_these(known: Library, tmp_path: Path) -> None:
    """On another type of processor the stream's scores are those of the committed version, not of the one made here."""
    committed = {version: scores + 1e-9 for version, scores in known.expected.items()}
    elsewhere = Library(known.event_ids, known.expected, known.ours, dict.fromkeys(RECIPES, False))
    elsewhere.write(tmp_path / "library.npz")
    elsewhere = Library.read(tmp_path / "library.npz")
    ids = pd.Series(known.event_ids)
    versions = pd.Series([LOGISTIC, BOOSTED] * (len(ids) // 2))
    scores = pd.Series(np.where(versions == LOGISTIC, committed[LOGISTIC], committed[BOOSTED]))
    assert elsewhere.differences(ids, versions, scores).max() < 1e-12
    here = Library(known.event_ids, known.expected, known.ours, dict.fromkeys(RECIPES, True))
    np.testing.assert_allclose(here.differences(ids, versions, scores), 1e-9, rtol=1e-3)
    assert np.isinf(here.differences(pd.Series(["nobody's"]), pd.Series([LOGISTIC]), pd.Series([0.5]))).all()
    assert np.isinf(here.differences(ids[:1], pd.Series(["v9"]), pd.Series([0.5]))).all()


def test_scores_are_the_same_only_to_the_last_bit() -> None:
    first = {"score": 0.0, "class": "late", "scored_time": 1}
    assert rescore.same(first, {**first, "scored_time": 2})
    assert not rescore.same(first, {**first, "score": -0.0})
    assert not rescore.same(first, {**first, "score": 5e-324})
    assert not rescore.same(first, {**first, "class": "on time"})


def test_latency_is_that_of_each_event() -> None:
    sources = [("retry", 0), ("events", 1), ("events", 0)]
    source, offset = np.array([0, 1, 2, 1, 2, 0], np.int32), np.array([5, 5, 5, 6, 6, 6], np.int64)
    times = np.array([1, 1000, 2000, 3000, 4000, 2], np.int64)
    events = Places(sources, source, offset, source, times)
    places = [(0, 6, 4_000), (1, 5, 1_030), (0, 5, 2_007), (1, 6, 3_500)]
    partition, offsets, received = (np.array(column, np.int64) for column in zip(*places, strict=True))
    found = account.latency(events, Arrivals(partition, offsets, received * 1000), "events")
    assert found.tolist() == [0, 30, 7, 500]


def test_the_busiest_second() -> None:
    received = np.array([0, 500_000, 999_999, 1_000_000, 1_400_000, 5_000_000])
    assert account.busiest(received) == 4
    assert account.busiest(np.empty(0, np.int64)) == 0


def test_the_gap_around_a_flip() -> None:
    """Worker a scores every 10 ms, but for 30 ms when it flips and 45 ms long after; worker b only flips later."""
    base = 1_000_000_000
    steps = [10] * 60 + [30] + [10] * 60 + [45] + [10] * 5
    a = base + np.cumsum([0, *steps]) * 1000
    b = base + np.arange(0, 1300, 5) * 1000
    table = pd.DataFrame(
        {
            "scored_time": np.concatenate([np.repeat(a, 2), b]),
            "source_partition": [0, 2] * len(a) + [1] * len(b),
        }
    )
    flipped = base + 610_000
    audit = [
        {"event": "applied", "pointer": "champion", "version": "v2", "instance": name, "at": flipped + late}
        for name, late in (("demo-0", 5_000), ("demo-1", 20_000))
    ]
    reigns = [Reign("v1", 0, flipped), Reign("v2", flipped, 2**60)]
    facts = Facts(busy=(base, base + 1_290_000), workers={"demo-0": [0, 2], "demo-1": [1]})
    found = account.flip_gap(table, audit, reigns, facts)
    assert found == {"longest": 30.0, "median": 5.0, "longest_elsewhere": 45.0}
    assert account.flip_gap(table, audit, reigns[:1], facts)["longest"] is None
