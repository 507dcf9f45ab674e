"""``scorer keys``, ``scorer models sign``, and what the other commands say of signatures, with a pinned key."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from scorer.registry import key_files, versions
from scorer.registry.files import SIGNATURE, read_version
from scorer.registry.keys import Keys
from tests.cli.conftest import Command
from tests.integration.deployment import Deployment, until
from tests.integration.tree import Tree

Make = Callable[..., Path]


@pytest.fixture
def key(tmp_path: Path) -> key_files.Made:
    """The key that is pinned."""
    return key_files.new(tmp_path / "release")


@pytest.fixture
def deployment(deploy: Callable[..., Deployment], key: key_files.Made) -> Deployment:
    """A deployment that trusts that key, and serials from 1 on."""
    return deploy(scorer={"public_keys": [key.text], "min_serial": 1})


def test_keys_are_made_and_the_private_one_is_not_shown(command: Command) -> None:
    ran = command("keys", "new", "mine")
    assert ran.code == 0
    private = Path("mine.key")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert f'public_keys = ["{Path("mine.pub").read_text().strip()}"]' in ran.out
    secret = private.read_text().splitlines()[1]
    assert secret not in ran.out + ran.err
    again = command("keys", "new", "mine", "--json")
    assert again.code == 2
    assert "never overwritten" in again.err
    assert set(command("keys", "new", "other", "--json").json) == {"private", "public", "public_key"}


def test_a_version_is_signed_checked_pushed_and_shown(
    command: Command, deployment: Deployment, make: Make, key: key_files.Made, redis: Redis, keys: Keys
) -> None:
    directory = make("v1")
    for arguments in (("verify", directory), ("push", directory)):
        ran = command("models", *arguments)
        assert ran.code == 4
        assert "is not signed: scorer models sign" in ran.out + ran.err
    assert command("models", "show", directory, "--json").json["signature"] == "not signed"
    ran = command("models", "sign", directory, "--key", key.private)
    assert ran.code == 0, ran
    assert f"is signed by {key.text}" in ran.out
    assert command("models", "sign", directory, "--key", key.private, "--json").json["already"] is True
    assert "which is pinned" in command("models", "verify", directory).out
    assert command("models", "push", directory).code == 0
    redis.set(keys.champion, "v1")
    signed = f"signed by {key.text}"
    assert signed in command("models", "list").out
    assert command("models", "show", "v1", "--json").json["signature"] == signed
    assert command("status", "--json").json["champion_signature"] == signed
    assert signed in command("status").out
    champion = next(one for one in command("check", "--json").json["checks"] if one["name"] == "champion")
    assert (champion["status"], signed in champion["text"]) == ("ok", True)


def test_what_is_not_trusted_is_said_everywhere(
    command: Command, deployment: Deployment, make: Make, redis: Redis, keys: Keys, tmp_path: Path
) -> None:
    other = key_files.new(tmp_path / "other")
    directory = make("v1")
    assert command("models", "sign", directory, "--key", other.private).code == 0
    versions.push(redis, keys, "v1", read_version(directory), actor="ann")
    redis.set(keys.champion, "v1")
    why = "none of scorer.public_keys"
    assert why in command("models", "list", "--json").json[0]["problem"]
    assert why in command("models", "show", "v1", "--json").json["problem"]
    assert why in "".join(command("status", "--json").json["problems"])
    ran = command("check", "--json")
    assert why in next(one["text"] for one in ran.json["checks"] if one["name"] == "champion")
    assert command("models", "verify", "v1").code == 4


def test_a_serial_below_the_least(
    command: Command, make: Make, key: key_files.Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = make("v1")
    assert command("models", "sign", directory, "--key", key.private).code == 0
    monkeypatch.setenv("SCORER_MIN_SERIAL", "2")
    ran = command("models", "verify", directory)
    assert ran.code == 4
    assert "below scorer.min_serial, 2" in ran.out


def test_without_a_pinned_key_a_wrong_signature_is_a_warning(
    command: Command, make: Make, monkeypatch: pytest.MonkeyPatch, key: key_files.Made
) -> None:
    monkeypatch.setenv("SCORER_PUBLIC_KEYS", "")
    directory = make("v1")
    assert "not signed; no key is pinned" in command("models", "verify", directory).out
    (directory / SIGNATURE).write_text("x")
    ran = command("models", "verify", directory, "--json")
    assert ran.code == 0
    assert [one["status"] for one in ran.json["checks"] if one["name"] == "signature"] == ["warning"]
    assert command("models", "sign", directory, "--key", key.private).code == 6


def test_a_version_that_fails_is_not_signed(command: Command, make: Make, key: key_files.Made) -> None:
    directory = make("v1")
    (directory / "tensors.safetensors").write_bytes(b"x")
    assert command("models", "sign", directory, "--key", key.private).code == 4
    assert not (directory / SIGNATURE).exists()
    assert command("models", "sign", make("v2"), "--key", "none").code == 2


def test_a_key_that_is_none_is_a_mistake_in_the_settings(
    command: Command, deployment: Deployment, monkeypatch: pytest.MonkeyPatch, key: key_files.Made
) -> None:
    for text in (key.private.read_text(), key.text[:-2], f"{key.text} x"):
        monkeypatch.setenv("SCORER_PUBLIC_KEYS", text)
        ran = command("settings", "--values")
        assert ran.code == 2
        assert "write public keys as `scorer keys new` prints them" in ran.err
        assert text.splitlines()[-1] not in ran.err


def test_a_running_scorer_flips_and_rolls_back_in_signed_mode(
    command: Command, deployment: Deployment, make: Make, key: key_files.Made, redis: Redis, keys: Keys
) -> None:
    """The process tree, a flip forth and back, and a version that nobody has signed."""
    for name, slope in (("v1", 1.0), ("v2", -2.0)):
        assert command("models", "sign", make(name, slope), "--key", key.private).code == 0
        assert command("models", "push", make(name, slope)).code == 0
    deployment.push(redis, "unsigned", 3.0)
    redis.set(keys.champion, "v1")
    with Tree(deployment) as tree:
        tree.await_ready()
        for name, code in (("v2", 0), ("unsigned", 4), ("v1", 0), ("v2", 0)):
            ran = command("champion", "set", name, "--wait", "30")
            assert ran.code == code, ran
        assert "signature: the version is not signed" in tree.text()
        ran = command("champion", "rollback", "--wait", "30")
        assert ran.code == 0, ran
        until(lambda: {one["champion"] for one in tree.ready()["workers"]} == {"v1"}, "nobody says so")
        deployment.send(50)
        deployment.await_committed(50)
    outputs = deployment.assert_exactly_once()
    assert {one.prediction["version"] for one in outputs if one.prediction} == {"v1"}
