"""``scorer settings``: all of them, and no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scorer.settings import Settings, describe
from tests.cli.conftest import Command

SECRETS = {
    "sasl.password": "hunter1",
    "ssl.key.password": "hunter2",
    "ssl.key.pem": "hunter3",
    "sasl.oauthbearer.client.secret": "hunter4",
    "sasl.oauthbearer.config": "principal=hunter5",
    "ssl.keystore.password": "hunter6",
    "sasl.oauthbearer.assertion.private.key.passphrase": "hunter7",
}
PLAIN = {"sasl.username": "ann", "ssl.key.location": "/etc/key", "linger.ms": "5", "sasl.mechanism": "PLAIN"}


def test_every_key_is_listed_with_its_variable_default_and_description(command: Command) -> None:
    rows = command("settings", "--json").json
    assert [tuple(row.values()) for row in rows] == describe(Settings)
    text = command("settings").out
    for key, variable, default, description in describe(Settings):
        assert f"{key} " in text
        assert f"{variable} " in text
        assert f"{default} " in text
        assert description in text


def test_markdown_has_a_row_for_each_key(command: Command) -> None:
    lines = command("settings", "--markdown").out.splitlines()
    assert lines[:2] == ["| key | environment | default | description |", "| --- | --- | --- | --- |"]
    assert len(lines) == 2 + len(describe(Settings))
    assert all(line.count("|") - line.count("\\|") == 5 for line in lines)
    assert lines[2].startswith("| `scorer.model` | `SCORER_MODEL` | `required` |")


@pytest.mark.parametrize("form", [[], ["--json"], ["--markdown"]])
def test_values_in_force_are_shown_without_secrets(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: list[str]
) -> None:
    (tmp_path / "scorer.toml").write_text(
        '[scorer]\nmodel = "m"\ncarried = ["a", "b"]\n[schemas]\nevents = {1 = "e.avsc"}\n'
    )
    monkeypatch.setenv("REDIS_URL", "rediss://user:a@hunter8@redis.example:6380/1")
    monkeypatch.setenv("REDIS_SENTINEL_PASSWORD", "hunter9")
    monkeypatch.setenv("KAFKA_PROPERTIES", json.dumps(SECRETS | PLAIN))
    ran = command("settings", "--values", *form)
    assert ran.code == 0
    assert "hunter" not in ran.out
    assert "redis.example:6380/1" in ran.out
    for name in SECRETS:
        assert f"{name}=***" in ran.out
    for name, value in PLAIN.items():
        assert f"{name}={value}" in ran.out
    assert "a, b" in ran.out
    assert "m.dead-letters" in ran.out
