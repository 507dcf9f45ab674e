"""The settings of the scorer: what is refused, all of it at once, and in which words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scorer.errors import SettingsError
from scorer.registry.keys import is_name
from scorer.settings import Settings
from scorer.settings.sections import PROTECTED
from scorer.stream.clients import identity

GOOD = {"SCORER_MODEL": "flights", "SCHEMAS_EVENTS": '{"1": "event.avsc"}'}


def load(**environ: str) -> Settings:
    return Settings.load(None, GOOD | environ)


def refused(**environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(**environ)
    return str(caught.value)


@pytest.mark.parametrize("workers", [1, 10, 11, 100, 101, 256])
def test_the_longest_instance_still_names_every_worker(workers: int) -> None:
    longest = "x" * (100 - len(f"-{workers - 1}"))
    settings = load(SCORER_INSTANCE=longest, SCORER_WORKERS=str(workers))
    assert is_name(identity(settings, workers - 1))
    text = refused(SCORER_INSTANCE=f"{longest}x", SCORER_WORKERS=str(workers))
    assert f"scorer.instance has {len(longest) + 1} characters" in text
    assert f"it may have {len(longest)}" in text


def test_no_topic_serves_two_purposes() -> None:
    """A scorer that read what it writes would never come to an end."""
    text = refused(TOPICS_EVENTS="one", TOPICS_PREDICTIONS="one", TOPICS_AUDIT="flights.labels")
    assert "topics.events and topics.predictions are the same topic, one" in text
    assert "topics.audit and topics.labels are the same topic, flights.labels" in text


def test_what_does_not_fit_together_is_listed_at_once() -> None:
    text = refused(
        SCORER_COMMIT_MS="6000", SCORER_INSTANCE="x" * 100, SCHEMAS_FRAMING="bare", TOPICS_RETRY="flights.audit"
    )
    assert "4 mistakes" in text
    for piece in ("scorer.transaction_timeout_ms", "scorer.instance", "schemas.events must be", "topics.retry and"):
        assert f"\n  {piece}" in text


def test_mistakes_are_listed_at_once_in_words_and_without_secrets() -> None:
    text = refused(
        SCORER_INSTANCE="a pod",
        SCORER_HTTP="8080",
        TOPICS_EVENTS="my events",
        REDIS_URL="redis:me:hunter2@host",
        REDIS_SENTINELS="host:26379,host:port",
        KAFKA_PROPERTIES=json.dumps(dict.fromkeys(PROTECTED, "x")),
    )
    assert "6 mistakes" in text
    assert "scorer.instance: use 1 to 100 letters" in text
    assert "scorer.http: write host:port" in text
    assert "topics.events: use 1 to 249 letters" in text
    assert "\n  redis.url cannot be understood; write redis://" in text
    assert "\n  redis.sentinels: 'host:port' is not host:port" in text
    for name, why in PROTECTED.items():
        assert f"{name} ({why})" in text
    assert "pattern" not in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "url", ["redis://me:hunter2@host/zero", "http://me:hunter2@host", "rediss://h?ssl_cert_reqs=none"]
)
def test_an_address_that_no_client_could_use_is_refused(url: str) -> None:
    text = refused(REDIS_URL=url)
    assert "redis.url" in text
    assert "hunter2" not in text


def test_what_is_empty_has_its_default(tmp_path: Path) -> None:
    """As the reference shows these defaults, and as compose files pass on what is not set."""
    settings = load(SCORER_GROUP="", TOPICS_EVENTS="", TOPICS_DEAD_LETTERS="", REDIS_SENTINEL_PASSWORD="")
    assert settings == load()
    assert (settings.scorer.group, settings.topics.dead_letters) == ("flights.scorer", "flights.dead-letters")
    file = tmp_path / "scorer.toml"
    file.write_text('[scorer]\nmodel = "flights"\ngroup = ""\n[schemas]\nevents = {1 = "e"}\n[topics]\naudit = ""\n')
    assert Settings.load(file, {}).topics == settings.topics


def test_passwords_are_in_no_repr() -> None:
    settings = load(REDIS_URL="redis://me:hunter2@host", REDIS_SENTINEL_PASSWORD="hunter3")  # noqa: S106  # not one of ours
    assert "hunter" not in repr(settings) + str(settings) + settings.model_dump_json()
