"""The commands beside a real ``scorer run``, which is started once for all of these tests."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import Valkey
from sandbox.ports import free_ports
from scorer.registry.files import write_version
from scorer.registry.keys import Keys
from scorer.settings import Settings
from tests.cli.conftest import Command, Ran, write_contrived
from tests.conftest import SharedKafka
from tests.integration.deployment import Deployment, until, version
from tests.settings_file import write_settings


class Running:
    """A deployment with three versions, one worker that scores with ``v1``, and a way to give commands."""

    def __init__(self, directory: Path, bootstrap: str, server: Valkey) -> None:
        http = f"127.0.0.1:{free_ports(1)[0]}"
        scorer = {"http": http, "max_dead_letter_share": 1.0}
        self.deployment = Deployment(directory, bootstrap, server.url, scorer=scorer)
        self.keys = Keys(self.deployment.model)
        self.redis = server.client()
        self.file = write_settings(self.deployment.settings, directory)
        self.directories = {
            name: directory / "coefficients" / self.deployment.model / name for name in ("v1", "v2", "v3")
        }
        for slope, (name, place) in enumerate(self.directories.items(), 1):
            write_version(place, version(self.deployment.model, name, float(slope)))
            write_contrived(place)
        self.log = directory / "scorer.log"
        with self.log.open("wb") as log:
            arguments = [sys.executable, "-m", "scorer.cli", "--settings", str(self.file), "run", "--workers", "1"]
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log)

    @property
    def pointer(self) -> object:
        """What the champion's key holds."""
        return self.redis.get(self.keys.champion)

    def applied(self) -> list[Any]:
        """The champions that were applied, by the audit topic."""
        return [record["version"] for record in self.deployment.audit() if record["event"] == "applied"]


@pytest.fixture(scope="module")
def running(kafka: SharedKafka, redis_server: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """``redis_server`` is asked for so that a machine that cannot run one is dealt with as everywhere."""
    with Valkey.start() as server:
        made = Running(tmp_path_factory.mktemp("running"), kafka.bootstrap, server)
        try:
            yield made
            made.process.send_signal(signal.SIGTERM)
            assert made.process.wait(60) == 0, made.log.read_text()
            assert made.redis.keys(made.keys.every_instance) == []
        finally:
            made.process.kill()
            made.process.wait()
            made.redis.close()


@pytest.fixture
def give(running: Running, command: Command) -> Callable[..., Ran]:
    """Gives a command to the running deployment."""
    return lambda *arguments: command("--settings", running.file, *arguments)


@pytest.fixture(autouse=True)
def _scores_with_v1(running: Running, give: Callable[..., Ran]) -> None:
    for place in running.directories.values():
        assert give("models", "push", place).code == 0
    assert give("champion", "set", "v1", "--wait", "60", "--json").json["instances"]["waiting"] == []
    until(lambda: bool(give("status", "--json").json["instances"]), "no scorer is running")
    assert give("champion", "set", "v1", "--wait", "60", "--json").json["instances"]["applied"]


def test_status_and_check_agree_that_all_is_well(running: Running, give: Callable[..., Ran]) -> None:
    until(lambda: "all running scorers agree" in give("status").out, "the scorer agrees with the pointers")
    [one] = give("status", "--json").json["instances"]
    assert one["instance"] == f"{running.deployment.model}-0"
    assert one["champion"]["version"] == "v1"
    until(lambda: len(give("status", "--json").json["instances"][0]["partitions"]) == 8, "it has its partitions")
    ran = give("check")
    assert ran.code == 0
    assert "is taken by a scorer that runs now" in ran.out


def test_a_flip_is_confirmed_by_those_who_applied_it(running: Running, give: Callable[..., Ran]) -> None:
    ran = give("champion", "set", "v2", "--expect", "v1", "--wait", "60")
    assert ran.code == 0
    assert "1 of 1 running scorer has applied v2" in ran.out
    assert "applied v2" in give("champion", "show").out


def test_a_flip_to_a_bad_version_is_refused_by_name_and_reason(running: Running, give: Callable[..., Ran]) -> None:
    manifest = json.loads(running.redis.get(running.keys.version("v2", "manifest")) or b"")
    manifest["golden"]["expected"][0][0] = 0.5
    manifest["version"] = "bad"
    running.redis.set(
        running.keys.version("bad", "manifest"), json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    )
    running.redis.copy(running.keys.version("v2", "tensors"), running.keys.version("bad", "tensors"), replace=True)
    ran = give("champion", "set", "bad", "--wait", "60")
    assert ran.code == 4
    assert "refuses it: golden: golden row 0" in ran.out
    status = give("status").out
    assert "scores with v1" in status
    assert "refuses bad: golden: golden row 0" in status
    until(lambda: running.applied()[-1:] == ["v1"], "nothing else was applied")
    assert give("champion", "rollback", "--wait", "60").code == 0
    assert running.pointer == b"v1"


def test_rollback_after_a_bare_set(running: Running, give: Callable[..., Ran]) -> None:
    running.redis.set(running.keys.champion, "v3")
    until(lambda: running.applied()[-1:] == ["v3"], "v3 is applied")
    ran = give("champion", "rollback", "--wait", "60")
    assert ran.code == 0
    assert running.pointer == b"v1"
    assert "it was applied before by" in ran.out
    assert "1 of 1 running scorer has applied v1" in ran.out


def test_rollback_after_redis_has_lost_everything(running: Running, give: Callable[..., Ran]) -> None:
    assert give("champion", "set", "v2", "--wait", "60").code == 0
    until(lambda: running.applied()[-1:] == ["v2"], "v2 is in the audit topic")
    running.redis.flushall()
    ran = give("champion", "rollback")
    assert ran.code == 6
    assert f"scorer models push coefficients/{running.deployment.model}/v1" in ran.err
    assert give("models", "push", running.directories["v1"]).code == 0
    ran = give("champion", "rollback", "--wait", "60", "--json")
    assert ran.code == 0
    assert (ran.json["champion"], ran.json["before"]) == ("v1", None)
    assert running.pointer == b"v1"
    until(lambda: running.applied()[-1:] == ["v1"], "v1 is applied")


def test_a_trial_is_confirmed_too(running: Running, give: Callable[..., Ran]) -> None:
    ran = give("trial", "start", "v2", "--percent", "100", "--for", "1h", "--wait", "60")
    assert ran.code == 0
    assert "1 of 1 running scorer has applied trial v2" in ran.out
    ran = give("trial", "stop", "--wait", "60")
    assert "1 of 1 running scorer has applied the end of the trial" in ran.out


def test_a_dead_letter_is_replayed_and_scored_again(running: Running, give: Callable[..., Ran]) -> None:
    deployment = running.deployment
    deployment.send([b"broken", *[deployment.event(number) for number in range(10)]], partition=1)
    until(lambda: len(give("dead-letters", "list", "--json").json) == 1, "there is a dead letter")
    assert give("dead-letters", "replay", "--json").json["replayed"] == 1
    until(lambda: len(give("dead-letters", "list", "--json").json) == 2, "it was scored again")
    shown = give("dead-letters", "show", f"{deployment.settings.topics.events}-1-0", "--json").json
    assert [one["facts"]["attempt"] for one in shown] == ["2", "1"]
    deployment.assert_exactly_once()


def test_the_parent_has_not_loaded_compiled_code(running: Running) -> None:
    maps = Path(f"/proc/{running.process.pid}/maps")
    if maps.exists():  # Linux
        text = maps.read_text()
        assert "llvmlite" not in text
        assert "numpy" not in text
        assert "librdkafka" not in text


class TestStart:
    """What ``scorer run`` does before anything is started."""

    @pytest.fixture(autouse=True)
    def _logs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The handlers of these tests' own process stay."""
        monkeypatch.setattr("scorer.observe.logs.configure", lambda *_: None)

    def test_a_port_that_is_taken(self, running: Running, give: Callable[..., Ran]) -> None:
        ran = give("run")
        assert ran.code == 2
        assert f"cannot listen on {running.deployment.settings.scorer.http}" in ran.err

    def test_options_take_the_place_of_settings(
        self, give: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[Settings] = []

        class Counted:
            """Stands for the supervisor: what matters here is what it is given."""

            def __init__(self, settings: Settings) -> None:
                seen.append(settings)

            def run(self) -> int:
                """Its exit code becomes that of the command."""
                return 9

        monkeypatch.setattr("scorer.cli.run.Supervisor", Counted)
        assert give("run", "--workers", "3", "--json").code == 9
        assert (seen[0].scorer.workers, seen[0].scorer.log) == (3, "json")
        assert give("run").code == 9
        assert (seen[1].scorer.workers, seen[1].scorer.log) == (1, "text")
        assert give("run", "--workers", "0").code == 2
