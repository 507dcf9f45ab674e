"""``scorer models`` against a real registry."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from scorer.registry import audit, versions
from scorer.registry.files import MANIFEST, TENSORS, read_version
from scorer.registry.keys import Keys
from tests.cli.conftest import Command
from tests.integration.deployment import Deployment

Make = Callable[..., Path]


def test_a_version_is_checked_stored_and_listed(
    command: Command, deployment: Deployment, make: Make, redis: Redis, keys: Keys
) -> None:
    directory = make("v1")
    ran = command("models", "push", directory, "--actor", "ann", "--reason", "first", "--commit", "abc123")
    assert ran.code == 0
    assert f"{deployment.model} v1 (" in ran.out
    assert versions.fetch(redis, keys, "v1") == read_version(directory)
    [entry] = audit.newest_first(redis, keys)
    assert (entry.kind, entry.actor, entry.reason, entry.commit) == ("push", "ann", "first", "abc123")
    assert command("models", "push", directory, "--json").json["already"] is True
    assert len(tuple(audit.newest_first(redis, keys))) == 1
    [listed] = command("models", "list", "--json").json
    assert (listed["version"], listed["complete"], listed["pointers"]) == ("v1", True, [])
    redis.set(keys.champion, "v1")
    redis.set(keys.challenger, "v0, v1")
    assert command("models", "list").rows[0][-1].strip() == "champion, challenger"


def test_nothing_is_listed(command: Command, deployment: Deployment) -> None:
    assert f"no version of {deployment.model}" in command("models", "list").out


def test_other_bytes_under_the_same_name_are_refused(command: Command, make: Make) -> None:
    directory = make("v1")
    assert command("models", "push", directory).code == 0
    shutil.rmtree(directory)
    ran = command("models", "push", make("v1", slope=2.0))
    assert ran.code == 6
    assert "a version never changes" in ran.err


@pytest.mark.parametrize("file", [MANIFEST, TENSORS])
def test_a_broken_version_is_neither_verified_nor_pushed(
    command: Command, make: Make, redis: Redis, keys: Keys, file: str
) -> None:
    directory = make("v1")
    content = bytearray((directory / file).read_bytes())
    content[-2] ^= 1
    (directory / file).write_bytes(content)
    verified = command("models", "verify", directory)
    assert verified.code == 4
    assert "failed" in verified.out
    pushed = command("models", "push", directory)
    assert pushed.code == 4
    assert str(directory) in pushed.err
    assert versions.stored(redis, keys) == []


def test_golden_rows_that_are_not_reproduced(command: Command, make: Make) -> None:
    directory = make("v1")
    manifest = json.loads((directory / MANIFEST).read_bytes())
    manifest["golden"]["expected"][3][0] += 1e-6
    (directory / MANIFEST).write_text(json.dumps(manifest, sort_keys=True, separators=(",", ":")))
    ran = command("models", "verify", directory, "--json")
    assert ran.code == 4
    assert not ran.json["ok"]
    last = ran.json["checks"][-1]
    assert (last["name"], last["status"]) == ("golden rows", "failed")
    assert "golden row 3" in last["text"]
    assert command("models", "push", directory).code == 4


def test_a_version_of_another_model(command: Command, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = make("v1")
    monkeypatch.setenv("SCORER_MODEL", "other")
    for action in ("verify", "push"):
        ran = command("models", action, directory)
        assert ran.code == 4
        assert "expected 'other'" in ran.out + ran.err


def test_verifying_says_what_it_checked(command: Command, make: Make, push: Callable[..., str]) -> None:
    digest = push("v1")
    for what in (make("v1"), "v1"):
        ran = command("models", "verify", what, "--json")
        assert ran.code == 0
        assert [(one["name"], one["status"]) for one in ran.json["checks"]] == [
            (name, "ok")
            for name in ("signature", "manifest", "digest", "tensors", "algorithms", "golden rows", "inputs")
        ]
        assert {one["name"]: one["text"] for one in ran.json["checks"]}["digest"] == digest
    text = command("models", "verify", "v1").out
    assert "32 rows, largest difference" in text
    assert "impute@1, logistic@1" in text


def test_a_directory_is_verified_without_any_settings(
    command: Command, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = make("v1")
    (tmp_path / "scorer.toml").unlink()
    ran = command("models", "verify", directory, "--json")
    assert ran.code == 0
    assert ran.json["checks"][-1]["status"] == "skipped"


def test_inputs_that_the_events_lack_are_a_warning_at_a_push(command: Command, make: Make, tmp_path: Path) -> None:
    directory = make("v1")
    schema = {"type": "record", "name": "E", "fields": [{"name": name, "type": "long"} for name in ("id", "at", "y")]}
    (tmp_path / "event.avsc").write_text(json.dumps(schema))
    pushed = command("models", "push", directory)
    assert pushed.code == 0
    assert "the scorers would refuse it: input 'x' is not a field of the events" in pushed.err
    verified = command("models", "verify", directory)
    assert verified.code == 4
    assert "failed  inputs" in verified.out


def test_what_a_version_is_made_of(
    command: Command, deployment: Deployment, make: Make, push: Callable[..., str]
) -> None:
    digest = push("v1")
    for what in ("v1", make("v1")):
        shown = command("models", "show", what, "--json").json
        assert (shown["model"], shown["version"], shown["digest"]) == (deployment.model, "v1", digest)
        assert (shown["kernel"], shown["preparation"], shown["golden_rows"]) == ("logistic@1", ["impute@1"], 32)
        assert shown["inputs"] == [{"name": "x", "dtype": "float64", "nullable": True}]
    assert "@" in command("models", "show", "v1", "--json").json["pushed_by"]
    assert command("models", "show", "v9").code == 4


def test_a_version_that_is_not_there(command: Command, deployment: Deployment) -> None:
    assert command("models", "verify", "v9").code == 4
    assert "push it" in command("models", "show", "v9").err
    assert command("models", "push", "nowhere").code == 4


def test_the_commit_is_that_of_the_work_tree(
    command: Command, make: Make, redis: Redis, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = make("v1")
    git = shutil.which("git")
    if git is None:
        assert command("models", "push", directory).code == 0
        return
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)

    def ask(*words: str) -> str:
        who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run([git, *who, *words], cwd=directory, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    ask("init")
    assert command("models", "push", directory).code == 0
    ask("add", ".")
    ask("commit", "-m", "v1")
    redis.flushdb()
    assert command("models", "push", directory).code == 0
    (directory / "note").write_text("x")
    redis.flushdb()
    assert command("models", "push", directory).code == 0
    commit = next(audit.newest_first(redis, keys)).commit
    assert commit == f"{ask('rev-parse', 'HEAD')}-dirty"


def test_a_push_without_git(
    command: Command, make: Make, redis: Redis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert command("models", "push", make("v1")).code == 0
    assert next(audit.newest_first(redis, keys)).commit is None
