"""Starts without Redis, or without a useful champion in it, and disks that fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox import Valkey
from scorer.model.version import VersionBytes
from scorer.registry.client import connect
from scorer.registry.lastgood import LastGood
from tests.registry.made import Made, content, digest, prepare, push
from tests.registry.rounds import Setup, away, on_trial, running, source


def test_a_start_without_redis_uses_the_last_good_versions(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    setup.champion("v1")
    trial = setup.trial("v2", until=setup.clock.now + 60)
    setup.follower().poll()
    follower = setup.follower(away())
    follower.poll()
    assert running(follower) == "v1"
    assert follower.current.champion is not None
    assert follower.current.champion.made == Made("v1", content("v1"))
    assert source(follower) == "disk"
    assert on_trial(follower) == trial
    champion, tried = follower.events.take()
    assert (champion.event, champion.version, champion.digest) == ("applied", "v1", digest("v1"))
    assert str(champion.reason).startswith("disk: ")
    assert (tried.pointer, tried.version, tried.trial) == ("trial", "v2", trial.to_json())


def test_a_trial_that_is_over_does_not_come_back_from_disk(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    setup.champion("v1")
    setup.trial("v2", until=setup.clock.now + 60)
    setup.follower().poll()
    setup.clock.now += 60
    follower = setup.follower(away())
    follower.poll()
    assert running(follower) == "v1"
    assert on_trial(follower) is None
    assert [event.pointer for event in follower.events.take()] == ["champion"]


def test_redis_confirms_what_came_from_disk(setup: Setup, own_server: Valkey) -> None:
    push(setup.client, setup.keys, "v1")
    setup.champion("v1")
    setup.follower().poll()
    own_server.kill()
    with connect(own_server.url) as late:
        follower = setup.follower(late)
        follower.poll()
        assert source(follower) == "disk"
        own_server.restart()
        push(late, setup.keys, "v1")
        late.set(setup.keys.champion, "v1")
        follower.poll()
        assert source(follower) == "redis"
        assert [(e.version, e.previous) for e in follower.events.take()] == [("v1", None), ("v1", "v1")]


@pytest.mark.parametrize("pointer", [None, "missing", "bad version", "v9"])
def test_a_start_with_a_useless_champion_uses_the_last_good_version(setup: Setup, pointer: str | None) -> None:
    push(setup.client, setup.keys, "v1")
    push(setup.client, setup.keys, "v9", good=False)
    setup.champion("v1")
    setup.follower().poll()
    setup.client.delete(setup.keys.champion) if pointer is None else setup.client.set(setup.keys.champion, pointer)
    follower = setup.follower()
    follower.poll()
    assert running(follower) == "v1"
    assert source(follower) == "disk"


def test_damage_on_disk_is_refused_and_said(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1")
    setup.champion("v1")
    setup.follower().poll()
    (file,) = setup.state.directory.glob("*.version")
    whole = bytearray(file.read_bytes())
    whole[-1] ^= 1
    file.write_bytes(whole)
    follower = setup.follower(away())
    follower.poll()
    assert follower.current.champion is None
    assert "is damaged; delete it" in json.dumps(follower.status()["last_good"])


def test_a_disk_that_cannot_be_written_stops_nothing_and_is_tried_again(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1")
    setup.champion("v1")
    blocker = setup.state.directory.parent
    blocker.write_text("a file where the directory should be")
    follower = setup.follower()
    follower.poll()
    assert running(follower) == "v1"
    last_good = follower.status()["last_good"]
    assert isinstance(last_good, dict)
    assert last_good["saved"] is False
    assert "cannot be saved" in str(last_good["problem"])
    blocker.unlink()
    setup.clock.now += 30
    follower.poll()
    assert follower.status()["last_good"] == {"saved": True, "problem": None}
    again = setup.follower(away())
    again.poll()
    assert running(again) == "v1"


def test_a_disk_out_of_reach_does_not_stop_a_flip_back(setup: Setup, tmp_path: Path) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    setup.state = LastGood(tmp_path / ("x" * 300), setup.keys.model)  # whoever may not enter it gets an error, too
    follower = setup.follower()
    for version in ("v1", "v2", "v1"):
        setup.champion(version)
        follower.poll()
        assert running(follower) == version
    assert "cannot be saved" in follower.troubles()["the last good version"]


def test_a_file_that_vanished_is_written_again_with_the_next_flip_to_it(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    prepared: list[str] = []

    def counting(loaded: VersionBytes, model: str, version: str) -> Made:
        prepared.append(version)
        return prepare(loaded, model, version)

    follower = setup.follower(made_by=counting)
    for version in ("v1", "v2"):
        setup.champion(version)
        follower.poll()
    for file in setup.state.directory.glob("v1-*"):
        file.unlink()
    setup.champion("v1")
    follower.poll()
    assert prepared == ["v1", "v2"], "it is read again, but it was prepared"
    again = setup.follower(away())
    again.poll()
    assert running(again) == "v1"
