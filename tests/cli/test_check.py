"""``scorer check``: what is right, what is not, and what to do about it, on real services."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from sandbox import Valkey
from sandbox.ports import free_ports
from scorer.checks import surroundings
from scorer.errors import SettingsError
from scorer.observe.http import Server, for_machines
from scorer.observe.metrics import Fleet, Tally, expose
from scorer.registry import acl, instances
from scorer.registry.files import read_version
from scorer.registry.keys import Keys
from scorer.registry.trial import Trial
from scorer.settings import Settings
from tests.cli.conftest import Command, Ran
from tests.integration.deployment import EVENT, Deployment
from tests.integration.letters import configure
from tests.settings_file import write_settings

Push = Callable[..., str]
Deploy = Callable[..., Deployment]


def found(ran: Ran, name: str) -> list[tuple[str, str, str]]:
    """(status, text, advice) of the checks of that name."""
    return [(one["status"], one["text"], one["advice"]) for one in ran.json["checks"] if one["name"] == name]


def changed(deployment: Deployment, directory: Path, **sections: dict[str, Any]) -> None:
    """Write the deployment's settings with some keys of some sections changed."""
    settings = deployment.settings
    update = {name: getattr(settings, name).model_copy(update=keys) for name, keys in sections.items()}
    write_settings(settings.model_copy(update=update), directory)


def test_all_is_well(command: Command, deploy: Deploy, redis: Redis, tmp_path: Path, push: Push, keys: Keys) -> None:
    digest = push("v1")
    redis.set(keys.champion, "v1")
    ran = command("check", "--json")
    assert ran.code == 0
    assert ran.json["ok"] is True
    statuses = {(one["name"], one["status"]) for one in ran.json["checks"]}
    assert statuses == {
        *((name, "ok") for name in ("settings", "state directory", "http", "schemas", "fields", "kafka", "topics")),
        ("redis", "ok"),
        ("redis rights", "warning"),
        ("champion", "ok"),
    }
    assert len(found(ran, "topics")) == 7
    assert digest[:8] in found(ran, "champion")[0][1]
    text = command("check")
    assert text.code == 0
    assert "16 checks: 0 failed, 1 with a warning" in text.out
    assert redis.keys(keys.every_instance) == [], "nothing is left behind"


def test_settings_that_are_wrong_are_all_named(command: Command, tmp_path: Path) -> None:
    (tmp_path / "scorer.toml").write_text('[scorer]\nmodel = "m"\nworkres = 2\n[redis]\npoll_seconds = 0\n')
    ran = command("check")
    assert ran.code == 2
    assert "scorer.workres" in ran.out
    assert "redis.poll_seconds" in ran.out
    assert "1 failed" in ran.out


def test_variables_that_nobody_reads(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORER_WORKRES", "3")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVER", "x:1")
    ran = command("check", "--json")
    assert [text for _, text, _ in found(ran, "environment")] == [
        "KAFKA_BOOTSTRAP_SERVER is not read; is KAFKA_BOOTSTRAP_SERVERS meant?",
        "SCORER_WORKRES is not read; is SCORER_WORKERS meant?",
    ]


def test_variables_of_others_are_none_of_ours() -> None:
    others = ["REDIS_SERVICE_HOST", "KAFKA_PORT", "SCORER_PORT_8080_TCP", "PATH", "SCORER_SETTINGS", "scorer_workres"]
    assert list(surroundings.misspelt(dict.fromkeys(others, ""))) == []


def _root(_path: object, _mode: int) -> bool:
    return False


def test_a_state_directory_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def status(place: Path) -> str:
        settings = Settings.model_validate(
            {"scorer": {"model": "m", "state_directory": place}, "schemas": {"events": {1: "e"}}}
        )
        [finding] = surroundings.state_directory(settings)
        assert finding.status == "ok" or (finding.exit_code == SettingsError.exit_code and finding.advice)
        return finding.status

    (tmp_path / "file").write_text("")
    assert status(tmp_path) == "ok"
    assert status(tmp_path / "a" / "b") == "ok"
    assert not (tmp_path / "a").exists()
    assert status(tmp_path / "file") == "failed"
    assert status(tmp_path / "file" / "below") == "failed"
    assert status(tmp_path / ("x" * 300)) == "failed", "it cannot even be asked whether it is there"
    monkeypatch.setattr(os, "access", _root)  # for whom everything is allowed, when the tests run as root
    assert status(tmp_path / "a") == "failed"


class TestPort:
    """/health, /ready and /metrics."""

    def finding(self, address: str) -> tuple[str, str]:
        settings = Settings.model_validate({"scorer": {"model": "m", "http": address}, "schemas": {"events": {1: "e"}}})
        [one] = surroundings.http_port(settings)
        return one.status, one.text

    def test_free(self) -> None:
        assert self.finding("127.0.0.1:0")[0] == "ok"
        assert self.finding(f"127.0.0.1:{free_ports(1)[0]}")[0] == "ok"

    def test_taken_by_somebody(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            status, text = self.finding(f"127.0.0.1:{taken.getsockname()[1]}")
        assert status == "failed"
        assert "Address already in use" in text

    def test_impossible(self) -> None:
        assert self.finding("192.0.2.1:8080")[0] == "failed"
        for address in ("127.0.0.1:70000", "127.0.0.1:7000000", "127.0.0.1", "127.0.0.1:"):
            with pytest.raises(ValueError, match="http"):
                self.finding(address)

    def test_taken_by_a_scorer(self) -> None:
        fleet = Fleet()
        fleet.tallies["0"] = Tally(gauges={("scorer_ready", ()): 1.0})
        pages = for_machines(lambda: (True, {}), lambda: (True, {}), lambda: expose(fleet))
        server = Server("127.0.0.1:0", pages, setting="scorer.http")
        server.start()
        try:
            status, text = self.finding(server.address)
        finally:
            server.stop()
        assert (status, text) == ("warning", f"{server.address} is taken by a scorer that runs now")


def test_every_schema_and_every_field_is_checked(command: Command, deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "broken.avsc").write_text("{")
    nested = {"type": "record", "name": "N", "fields": [{"name": "a", "type": {"type": "array", "items": "int"}}]}
    (tmp_path / "nested.avsc").write_text(json.dumps(nested))
    files = {7: tmp_path / "event.avsc", 8: tmp_path / "broken.avsc", 9: tmp_path / "nested.avsc", 10: tmp_path / "no"}
    changed(deployment, tmp_path, schemas={"events": files})
    ran = command("check", "--json")
    assert ran.code == 3
    assert [status for status, _, _ in found(ran, "schemas")] == ["ok", "failed", "failed", "failed"]
    assert found(ran, "fields")[0][0] == "skipped"
    wrong = {"id_field": "ident", "time_field": "x", "carried": ("at", "y"), "sensitive": ("z", "id")}
    changed(deployment, tmp_path, scorer=wrong)
    ran = command("check", "--json")
    assert ran.code == 2
    texts = [text for status, text, _ in found(ran, "fields") if status == "failed"]
    assert len(texts) == 4
    for text, piece in zip(texts, ("'ident'", "scorer.time_field", "'y'", "'z'"), strict=True):
        assert piece in text


def test_schemas_that_contradict_each_other(command: Command, deployment: Deployment, tmp_path: Path) -> None:
    other = EVENT | {"fields": [{"name": "x", "type": "string"}]}
    (tmp_path / "other.avsc").write_text(json.dumps(other))
    changed(deployment, tmp_path, schemas={"events": {7: tmp_path / "event.avsc", 8: tmp_path / "other.avsc"}})
    ran = command("check", "--json")
    assert ran.code == 3
    assert [status for status, _, _ in found(ran, "schemas")] == ["ok", "ok", "failed"]


def test_topics_that_would_lose_something(command: Command, deployment: Deployment, tmp_path: Path) -> None:
    names = deployment.settings.topics
    configure(deployment, names.events, "retention.ms", "604800000")
    configure(deployment, names.events, "max.message.bytes", "2000000")
    configure(deployment, names.audit, "retention.bytes", "1000000")
    configure(deployment, names.predictions, "cleanup.policy", "compact")
    changed(deployment, tmp_path, scorer={"workers": 9}, topics={"labels": "nowhere-to-be-found"})
    ran = command("check", "--json")
    assert ran.code == 7
    texts = {(status, text.partition(" ")[0]): text for status, text, advice in found(ran, "topics") if advice}
    assert set(texts) == {
        ("warning", names.events),
        ("warning", names.retry),
        ("warning", names.dead_letters),
        ("warning", names.audit),
        ("failed", names.predictions),
        ("failed", "nowhere-to-be-found"),
    }
    said = [text for _, text, _ in found(ran, "topics")]
    assert any("deletes records of 7 days or older, scored or not" in text for text in said)
    assert any("4 partitions for 9 workers: some stay idle" in text for text in said)
    assert "more than 1,000,000 bytes, but 'scorer champion rollback'" in texts["warning", names.audit]
    assert "takes records of 1,048,588 bytes" in texts["warning", names.dead_letters]


def test_kafka_is_away(
    command: Command, deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scorer.checks.kafka._SECONDS", 1.0)
    address = f"127.0.0.1:{free_ports(1)[0]}"
    changed(deployment, tmp_path, kafka={"bootstrap_servers": address})
    ran = command("check", "--json")
    [(status, text, _)] = found(ran, "kafka")
    assert status == "failed"
    assert address in text
    assert "Connection refused" in text, "the reason is told, not only that time is over"
    assert found(ran, "topics") == [("skipped", "not checked, because Kafka cannot be reached", "")]


def test_kafka_wants_something_else(command: Command, deployment: Deployment, tmp_path: Path) -> None:
    changed(deployment, tmp_path, kafka={"properties": {"ssl.hope": "yes"}})
    ran = command("check", "--json")
    [(status, text, _)] = found(ran, "kafka")
    assert status == "failed"
    assert "ssl.hope" in text


def test_redis_is_away(
    command: Command, deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://:hunter2@127.0.0.1:{free_ports(1)[0]}/0")
    ran = command("check", "--json")
    assert ran.code == 5
    assert found(ran, "redis")[0][0] == "failed"
    assert found(ran, "champion")[0][0] == "skipped"
    assert "hunter2" not in ran.out + ran.err


class TestChampion:
    """The version that the pointer names."""

    @pytest.fixture
    def stored(self, push: Push, redis: Redis, keys: Keys) -> None:
        push("v1")
        redis.set(keys.champion, "v1")

    def only(self, command: Command, code: int = 4) -> str:
        ran = command("check", "--json")
        assert ran.code == code
        [(status, text, advice)] = found(ran, "champion")
        assert status == "failed"
        return f"{text} {advice}"

    def test_none_is_set(self, command: Command, deployment: Deployment) -> None:
        assert "scorer champion set V" in self.only(command)

    def test_it_makes_no_sense(self, command: Command, redis: Redis, keys: Keys) -> None:
        redis.set(keys.champion, "no name")
        assert "cannot be the name of a version" in self.only(command)

    def test_it_is_not_there(self, command: Command, redis: Redis, keys: Keys) -> None:
        redis.set(keys.champion, "v7")
        assert "push it" in self.only(command)

    def test_its_bytes_are_damaged(self, command: Command, redis: Redis, keys: Keys, stored: None) -> None:
        redis.setrange(keys.version("v1", "tensors"), 240, b"x")
        assert "tensors" in self.only(command)

    def test_it_does_not_calculate_what_was_trained(
        self, command: Command, redis: Redis, keys: Keys, make: Callable[..., Path]
    ) -> None:
        content = read_version(make("v1"))
        manifest = json.loads(content.manifest)
        manifest["golden"]["expected"][0][0] = 0.5
        redis.set(keys.version("v1", "manifest"), json.dumps(manifest, sort_keys=True, separators=(",", ":")))
        redis.set(keys.version("v1", "tensors"), content.tensors)
        redis.set(keys.champion, "v1")
        assert "golden row 0" in self.only(command)

    def test_the_events_lack_an_input(self, command: Command, tmp_path: Path, stored: None) -> None:
        fields = [field for field in EVENT["fields"] if field["name"] != "x"]  # type: ignore[index]
        (tmp_path / "event.avsc").write_text(json.dumps(EVENT | {"fields": fields}))
        assert "input 'x' is not a field of the events" in self.only(command)

    def test_the_trial_is_checked_as_well(self, command: Command, redis: Redis, keys: Keys, stored: None) -> None:
        redis.set(keys.trial, Trial("t", "v9", until=4e9, field="zone", values=("a",)).to_json())
        ran = command("check", "--json")
        assert ran.code == 4
        assert [status for status, _, _ in found(ran, "trial")] == ["failed", "failed"]
        assert "no field 'zone'" in found(ran, "trial")[1][1]
        redis.set(keys.trial, "{}")
        assert found(command("check", "--json"), "trial")[0][0] == "failed"


class TestRights:
    """A Redis user with the documented rights, with fewer and with more."""

    @pytest.fixture
    def user(
        self, deployment: Deployment, keys: Keys, new_valkey: Callable[..., Valkey], monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Callable[..., Any]]:
        server = new_valkey()
        with server.client() as admin:

            def make(*more: str) -> object:
                admin.execute_command("ACL", "SETUSER", "scorer", "reset", "on", ">pw", *acl.rules(keys), *more)
                monkeypatch.setenv("REDIS_URL", f"redis://scorer:pw@127.0.0.1:{server.port}/0")
                return admin

            yield make

    def test_the_documented_rights_are_right(self, command: Command, keys: Keys, user: Callable[..., Any]) -> None:
        admin = user()
        before = instances.live(admin, keys)
        [(status, text, _)] = found(command("check", "--json"), "redis rights")
        assert status == "ok"
        assert text.endswith("it may not set pointers, replace versions, delete other keys")
        assert instances.live(admin, keys) == before == []

    @pytest.mark.parametrize(
        ("more", "what"),
        [
            (("~*",), "set pointers, replace versions, delete other keys"),
            (("%W~scorer:{model}:champion",), "set pointers"),
            (("%W~scorer:{model}:version:*",), "replace versions"),
            (("%W~scorer:{model}:check*",), "delete other keys"),
        ],
    )
    def test_more_rights_are_a_warning_and_nothing_is_changed_by_trying(
        self, command: Command, keys: Keys, user: Callable[..., Any], more: tuple[str, ...], what: str
    ) -> None:
        admin = user(*(right.replace("{model}", keys.model) for right in more))
        admin.set(keys.champion, "v1")
        admin.set(keys.version("check", "manifest"), "x")
        before = {key: admin.dump(key) for key in admin.keys("*")}
        [(status, text, advice)] = found(command("check", "--json"), "redis rights")
        assert (status, text) == ("warning", f"this user may {what}, which a scorer never does")
        assert acl.command(keys) in advice
        assert {key: admin.dump(key) for key in admin.keys("*")} == before

    @pytest.mark.parametrize("less", ["-set", "-subscribe", "-mget", "-xrevrange", "-ping", "resetchannels"])
    def test_fewer_rights_are_a_failure(
        self, command: Command, user: Callable[..., Any], keys: Keys, less: str
    ) -> None:
        user(less)
        ran = command("check", "--json")
        assert ran.code in (4, 5)
        failed = [one for one in ran.json["checks"] if one["status"] == "failed" and one["name"].startswith("redis")]
        assert len(failed) == 1
        assert "rights" in failed[0]["text"] + failed[0]["advice"]
