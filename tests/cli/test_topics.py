"""``scorer topics`` against a real broker."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from scorer.settings import Settings
from tests.cli.conftest import Command
from tests.conftest import SharedKafka
from tests.integration.deployment import Deployment
from tests.integration.letters import configure
from tests.settings_file import write_settings


@pytest.fixture
def fresh(kafka: SharedKafka, admin: AdminClient, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a model that has no topics yet."""
    settings = Settings.model_validate(
        {
            "scorer": {"model": f"fresh-{uuid.uuid4().hex[:8]}", "state_directory": tmp_path / "state"},
            "kafka": {"bootstrap_servers": kafka.bootstrap, "properties": {"log_level": "3"}},
            "schemas": {"events": {1: tmp_path / "event.avsc"}},
        }
    )
    write_settings(settings, tmp_path)
    yield settings
    for done in admin.delete_topics(list(settings.topics.model_dump().values())).values():
        done.exception(30)


def test_topics_are_made_once_and_keep_everything(command: Command, fresh: Settings) -> None:
    shown = command("topics", "show")
    assert shown.code == 0
    assert shown.out.count("missing") == 7
    assert "scorer topics create" in shown.err
    made = command("topics", "create", "--partitions", "3", "--json").json
    assert {name: fact["state"] for name, fact in made.items()} == dict.fromkeys(
        fresh.topics.model_dump().values(), "created"
    )
    assert made[fresh.topics.dead_letters]["role"] == "dead_letters"
    again = command("topics", "create", "--partitions", "5")
    assert again.code == 0
    assert again.out.count("exists") == 7
    assert "it deletes" not in again.out
    for name, fact in command("topics", "show", "--json").json.items():
        assert fact["partitions"] == 3
        if name == fresh.topics.verdicts:
            assert fact["cleanup_policy"] == "compact"
        else:
            assert (fact["retention_ms"], fact["retention_bytes"]) == (-1, -1)
            assert fact["cleanup_policy"] == "delete"
    [row] = [row for row in command("topics", "show").rows if row[1].strip() == fresh.topics.verdicts]
    assert "the last of each key" in "  ".join(row)


def test_what_cannot_be_made_is_named(command: Command, fresh: Settings) -> None:
    ran = command("topics", "create", "--replication", "99")
    assert ran.code == 7
    assert ran.out.count("failed") == 7
    assert fresh.topics.audit in ran.err
    assert "Traceback" not in ran.err


def test_a_topic_that_deletes_is_pointed_out(command: Command, deployment: Deployment) -> None:
    events = deployment.settings.topics.events
    configure(deployment, events, "retention.ms", "604800000")
    [row] = [row for row in command("topics", "show").rows if row[1].strip() == events]
    assert "not: records of 7 days or older" in "  ".join(row)
    made = command("topics", "create", "--json").json
    assert made[events] == {"role": "events", "state": "exists", "differs": "it deletes records of 7 days or older"}
