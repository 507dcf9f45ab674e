"""Challengers: their scores are those that the scorer would give, bit for bit; the pointer is followed with care."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import fastavro
import numpy as np
import pytest
from redis import Redis

from monitor.joining import Shadow
from monitor.places import Places
from monitor.settings import MonitorSettings
from monitor.shadow.challenger import RETRY_SECONDS, Challenger
from monitor.shadow.scoring import ShadowScoring
from sandbox import Valkey
from scorer import schema_files
from scorer.batch import Batch
from scorer.model import golden
from scorer.model.version import VersionBytes
from scorer.registry import versions
from scorer.registry.keys import Keys
from scorer.scoring.models import Active, Models
from scorer.scoring.prediction import PredictionForm
from scorer.scoring.score import Scoring
from scorer.wire.decode import Decoder
from scorer.wire.schema import Json, parse
from tests.conftest import SharedRedis
from tests.integration.deployment import version
from tests.model import samples
from tests.monitor.stage import framed, prediction
from tests.wire.support import batch_of

EVENT: dict[str, Json] = {
    "type": "record",
    "name": "Event",
    "fields": [{"name": "plain", "type": ["null", "double"]}, {"name": "gaps", "type": ["null", "double"]}],
}
WRITER = fastavro.parse_schema(EVENT)


def decoder() -> Decoder:
    return Decoder({1: parse(EVENT, "event.avsc")})


def active(stored: VersionBytes, layout: Decoder) -> Active:
    model = golden.admit(stored)
    return Active("v1", model.digest, model.bind(layout.layout))


def events(count: int, seed: int = 1) -> list[bytes | None]:
    """Good events, and such as become dead letters: undecodable, without an input, with a score that is no number."""
    rng = np.random.default_rng(seed)
    values: list[bytes | None] = []
    for number in range(count):
        plain, gaps = float(rng.normal()), None if number % 3 == 0 else float(rng.normal())
        odd = {5: b"\0\0\0\0\1\2", 6: None, 7: b""}
        if number % 11 in odd:
            values.append(odd[number % 11])
        elif number % 11 == 8:
            values.append(framed(1, WRITER, {"plain": None, "gaps": gaps}))
        elif number % 11 == 9:
            values.append(framed(1, WRITER, {"plain": np.inf, "gaps": np.inf}))
        else:
            values.append(framed(1, WRITER, {"plain": plain, "gaps": gaps}))
    return values


def scored(batch: Batch, stored: VersionBytes) -> list[Shadow | None]:
    """What the scorer itself makes of the events, read back from its predictions."""
    own = decoder()
    form = PredictionForm("m", parse(schema_files.own("prediction"), "prediction.avsc"))
    result = Scoring(own, form).score(batch, Models(active(stored, own)), 0)
    said: list[Shadow | None] = [None] * len(batch)
    for row, start, length in zip(result.rows.tolist(), result.start, result.length, strict=True):
        fields = prediction(bytes(result.buffer[start : start + length]))
        said[row] = Shadow(fields["version"], fields["score"])
    return said


@pytest.mark.parametrize("sizes", [[400], [1, 399], [257, 100, 43]])
def test_scores_are_the_scorers_bit_for_bit(sizes: Sequence[int]) -> None:
    stored, values, own = samples.store(samples.small()), events(400), decoder()
    shadow, by = ShadowScoring(own), active(stored, own)
    said: list[Shadow | None] = []
    for size in sizes:
        said += shadow.score(batch_of(values[len(said) : len(said) + size]), by)
    expected = scored(batch_of(values), stored)
    assert said == expected
    assert sum(one is None for one in expected) > 100


def test_what_cannot_be_decoded_has_no_score_although_every_input_may_be_missing() -> None:
    stored = version("m", "v1")
    own = Decoder(
        {1: parse({"type": "record", "name": "E", "fields": [{"name": "x", "type": ["null", "double"]}]}, "e")}
    )
    batch = batch_of([b"\0\0\0\0\1\0", b"\0\0\0\0\1\4", None])
    assert ShadowScoring(own).score(batch, active(stored, own)) == [Shadow("v1", 0.5), None, None]


def test_places_are_those_that_predictions_name() -> None:
    batch, places = batch_of([b""] * 3), Places(["retry", "events"])
    assert places.of_all(batch).tolist() == [places.of("events", 0, offset) for offset in range(3)]
    assert places.of_all(batch)[0] != places.of("retry", 0, 0)


# -- the pointer -------------------------------------------------------------------------------------------------------


class Clocked:
    """A challenger, and the time by which it looks at the pointer."""

    def __init__(self, url: str) -> None:
        settings = {
            "scorer": {"model": "sample"},
            "schemas": {"events": {1: Path("event.avsc")}},
            "redis": {"url": url},
        }
        self.challenger = Challenger(MonitorSettings.model_validate(settings), decoder().layout)
        self.now = 0.0

    def look(self, after: float = 1.0) -> str | None:
        """Look at the pointer so many seconds later; the version that scores from then on."""
        self.now += after
        self.challenger.follow(self.now)
        return self.challenger.active.version if self.challenger.active else None


KEYS = Keys("sample")


@pytest.fixture
def clocked(redis: Redis, redis_server: SharedRedis) -> Clocked:
    return Clocked(redis_server.url)


def push(client: Redis, name: str = "v1", *, kind: str = "binary") -> None:
    design = samples.small() if kind == "binary" else samples.forest([3], kind)
    stored = samples.edited(samples.store(design), lambda document: document.update(version=name))
    versions.push(client, KEYS, name, stored, actor="test")


def test_follows_the_pointer(clocked: Clocked, redis: Redis) -> None:
    assert clocked.look() is None
    assert clocked.challenger.known
    push(redis, "v1")
    push(redis, "v2")
    redis.set(KEYS.challenger, "v1, v2")
    assert clocked.look() == "v1"
    first = clocked.challenger.active
    redis.set(KEYS.challenger, "v1")
    assert clocked.look() == "v1"
    assert clocked.challenger.active is first, "it was made ready again for nothing"
    redis.set(KEYS.challenger, "v2,v1")
    assert clocked.look(after=0.01) == "v1", "Redis is asked too often"
    assert clocked.look() == "v2"
    redis.delete(KEYS.challenger)
    assert clocked.look() is None


def test_a_refused_version_scores_nothing_and_is_tried_again(
    clocked: Clocked, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    push(redis, "v1")
    redis.set(KEYS.challenger, "v1")
    assert clocked.look() == "v1"
    redis.set(KEYS.challenger, "v2")
    for _ in range(3):
        assert clocked.look(after=RETRY_SECONDS) is None
    assert caplog.text.count("challenger v2 is refused") == 1
    assert "missing: version v2 of sample is not complete" in caplog.text
    push(redis, "v2")
    assert clocked.look(after=RETRY_SECONDS) == "v2"


@pytest.mark.parametrize(
    ("value", "reason"), [("no such name!", "name: "), ("", "name: "), ("v1,,v2", "name: "), ("corrupt", "golden: ")]
)
def test_nonsense_is_refused(
    clocked: Clocked, redis: Redis, caplog: pytest.LogCaptureFixture, value: str, reason: str
) -> None:
    stored = samples.store(samples.small())

    def wrong(document: dict[str, object]) -> None:
        document["version"] = "corrupt"
        golden_rows = document["golden"]
        assert isinstance(golden_rows, dict)
        golden_rows["expected"][0][0] = 0.123

    versions.push(redis, KEYS, "corrupt", samples.edited(stored, wrong), actor="test")
    redis.set(KEYS.challenger, value)
    assert clocked.look() is None
    assert f"so nothing is scored in the shadow: {reason}" in caplog.text


def test_a_pointer_of_another_type_is_refused(clocked: Clocked, redis: Redis, caplog: pytest.LogCaptureFixture) -> None:
    redis.lpush(KEYS.challenger, "v1")
    assert clocked.look() is None
    assert "type: the key holds a list" in caplog.text


def test_only_two_classes_can_be_judged(
    redis: Redis, redis_server: SharedRedis, caplog: pytest.LogCaptureFixture
) -> None:
    clocked = Clocked(redis_server.url)
    push(redis, "v1", kind="regression")
    redis.set(KEYS.challenger, "v1")
    assert clocked.look() is None
    assert "kind: version v1 is a regression" in caplog.text


def test_redis_away_at_the_start_and_later(new_valkey: Callable[..., Valkey], caplog: pytest.LogCaptureFixture) -> None:
    server = new_valkey()
    clocked = Clocked(server.url)
    server.stop()
    assert clocked.look() is None
    assert not clocked.challenger.known
    assert "the challenger stays unknown: cannot read the pointers" in caplog.text
    server.restart()
    with server.client() as client:
        push(client, "v1")
        client.set(KEYS.challenger, "v1")
    assert clocked.look(after=RETRY_SECONDS) == "v1"
    server.stop()
    for _ in range(3):
        assert clocked.look(after=RETRY_SECONDS) == "v1"
    assert caplog.text.count("the challenger stays v1") == 1
