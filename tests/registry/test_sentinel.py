"""Sentinel: a primary, a replica and a sentinel; the scorer goes on when the primary changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from sandbox import Valkey
from scorer.errors import RegistryUnavailable
from scorer.registry import instances, pointers, waking
from scorer.registry.client import address, connect, connect_by, primary
from scorer.registry.following import Follower
from scorer.registry.keys import Keys
from scorer.registry.lastgood import LastGood
from scorer.registry.watcher import Heartbeat, Watcher
from scorer.settings import Redis as RedisSettings
from tests.registry.made import Made, prepare, push, unchecked
from tests.registry.servers import until

NAME = "flight-registry"


@dataclass
class Fleet:
    """Two servers, one of which is the primary, and the sentinel that knows which."""

    first: Valkey
    second: Valkey
    sentinel: Valkey

    def connect(self, timeout: float = 1.0) -> redis.Redis:
        return connect(
            "redis://unused/0", sentinels=[f"127.0.0.1:{self.sentinel.port}"], master="flight-registry", timeout=timeout
        )

    def primary(self) -> int | None:
        """The port of the primary, as far as the sentinel knows."""
        with self.sentinel.client() as asked:
            answer = asked.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", "flight-registry")
        return int(answer[1]) if answer else None

    def fail_over(self) -> None:
        """Make the other server the primary. The former one goes on as if it still were, for some seconds."""
        before = self.primary()
        with self.sentinel.client() as asked:
            until(lambda: accepted(asked), "the sentinel accepts a failover")
        until(lambda: self.primary() != before, "the sentinel has promoted the replica")


def accepted(sentinel: redis.Redis) -> bool:
    try:
        return bool(sentinel.execute_command("SENTINEL FAILOVER", "flight-registry"))  # type: ignore[no-untyped-call]
    except redis.ResponseError:  # no good replica yet, or one is under way
        return False


def role(server: Valkey) -> str:
    with server.client() as client:
        return str(client.info("replication")["role"])


@pytest.fixture
def fleet(new_valkey: Callable[..., Valkey]) -> Fleet:
    first = new_valkey(settings={"repl-diskless-sync-delay": "0"})
    second = new_valkey(settings={"replicaof": f"127.0.0.1 {first.port}", "repl-diskless-sync-delay": "0"})
    sentinel = new_valkey(
        sentinel=True,
        settings={
            "sentinel": [
                f"monitor flight-registry 127.0.0.1 {first.port} 1",
                "down-after-milliseconds flight-registry 300",
                "failover-timeout flight-registry 2000",
            ]
        },
    )
    with sentinel.client() as asked:
        asked.execute_command("SENTINEL DEBUG", "info-period", "100")
        until(lambda: knows_replica(asked), "the sentinel knows the replica")
    return Fleet(first, second, sentinel)


def knows_replica(sentinel: redis.Redis) -> bool:
    replicas = sentinel.sentinel_slaves("flight-registry")
    return [replica["master-link-status"] for replica in replicas] == ["ok"]


@pytest.fixture
def followed(fleet: Fleet, keys: Keys, tmp_path: Path) -> Iterator[Watcher[Made]]:
    """A watcher with v1 from the first server; v2 is there, too."""
    with ExitStack() as stack:
        client = stack.enter_context(fleet.connect())
        push(client, keys, "v1", "v2")
        pointers.set_champion(client, keys, "v1", actor="ann", reason="")
        client.wait(1, 10_000)
        follower = Follower(client, keys, prepare, check=unchecked, state=LastGood(tmp_path, keys.model))
        beat = Heartbeat("pod-0", dict, seconds=0.1, expires=60.0)
        watcher = stack.enter_context(Watcher(follower, poll_seconds=0.02, heartbeat=beat))
        until(lambda: runs(watcher) == "v1", "v1 runs")
        yield watcher


def runs(watcher: Watcher[Made]) -> str | None:
    champion = watcher.current.champion
    return None if champion is None else champion.version


def flip(fleet: Fleet, keys: Keys, version: str) -> bool:
    try:
        with fleet.connect() as client:
            pointers.set_champion(client, keys, version, actor="ann", reason="")
    except RegistryUnavailable:
        return False
    return True


def test_the_watcher_goes_on_after_a_failover(
    fleet: Fleet, keys: Keys, followed: Watcher[Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking, "FAILOVER_SECONDS", 0.1)
    before = followed.current
    fleet.fail_over()
    assert runs(followed) == "v1"
    assert followed.current is before
    until(lambda: flip(fleet, keys, "v2"), "the new primary takes the flip")
    until(lambda: runs(followed) == "v2", "v2 runs")
    with fleet.connect() as client:
        until(lambda: instances.live(client, keys), "the instance's key is on the new primary")
    assert followed.failure is None


def test_the_watcher_goes_on_after_the_primary_was_killed(fleet: Fleet, keys: Keys, followed: Watcher[Made]) -> None:
    before = followed.current
    fleet.first.kill()
    until(lambda: followed.follower.away, "the outage is noticed")
    assert followed.current is before
    until(lambda: fleet.primary() == fleet.second.port, "the sentinel has promoted the replica")
    until(lambda: flip(fleet, keys, "v2"), "the new primary takes the flip")
    until(lambda: runs(followed) == "v2", "v2 runs")
    assert followed.failure is None


def test_a_former_primary_that_still_answers_is_left(
    fleet: Fleet, keys: Keys, followed: Watcher[Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a split of the network: the sentinel has promoted the other, and nobody told the former primary."""
    monkeypatch.setattr(waking, "FAILOVER_SECONDS", 0.1)
    with fleet.first.client() as first, fleet.second.client() as second, fleet.sentinel.client() as sentinel:
        sentinel.sentinel_remove("flight-registry")
        second.replicaof("NO", "ONE")
        sentinel.sentinel_monitor("flight-registry", "127.0.0.1", fleet.second.port, 1)
        assert role(fleet.first) == role(fleet.second) == "master"
        second.set(keys.champion, "v2")
        until(lambda: runs(followed) == "v2", "v2 runs")
        assert first.get(keys.champion) == b"v1"
        until(lambda: second.pubsub_numsub(keys.wake)[0][1] == 1, "it listens to the new primary")


def test_without_sentinels_it_is_said_which_were_asked(fleet: Fleet, keys: Keys) -> None:
    with fleet.connect(timeout=0.2) as client:
        assert address(client) == (
            f"the primary 'flight-registry' known to the sentinels 127.0.0.1:{fleet.sentinel.port}"
        )
        fleet.sentinel.kill()
        with pytest.raises(RegistryUnavailable, match=f"127.0.0.1:{fleet.sentinel.port}: none of them knows") as caught:
            pointers.read(client, keys)
    assert "check redis.sentinels and redis.sentinel_master" in str(caught.value)


def test_an_unknown_name_is_said_to_be_so(fleet: Fleet, keys: Keys) -> None:
    sentinels = [f"127.0.0.1:{fleet.sentinel.port}"]
    client = connect("redis://unused", sentinels=sentinels, master="other")
    with client, pytest.raises(RegistryUnavailable, match="the primary 'other'"):
        pointers.read(client, keys)


def test_sentinels_may_want_a_password_of_their_own(fleet: Fleet, keys: Keys) -> None:
    with fleet.sentinel.client() as asked:
        asked.execute_command("ACL", "SETUSER", "watcher", "on", ">geheim", "+@all")
        asked.execute_command("ACL", "SETUSER", "default", "off")
    given = {"url": "redis://unused", "sentinels": f"127.0.0.1:{fleet.sentinel.port}", "sentinel_master": NAME}
    right = {"sentinel_username": "watcher", "sentinel_password": "geheim"}
    with connect_by(RedisSettings.model_validate(given | right)) as client:
        assert pointers.read(client, keys).champion is None
    for wrong in ({}, right | {"sentinel_password": "falsch"}):
        with (
            connect_by(RedisSettings.model_validate(given | wrong)) as client,
            pytest.raises(
                RegistryUnavailable, match=r"check redis\.sentinel_username and redis\.sentinel_pass"
            ) as caught,
        ):
            pointers.read(client, keys)
        assert "falsch" not in str(caught.value)


def test_a_dead_sentinel_among_others_is_passed_over(fleet: Fleet, keys: Keys) -> None:
    sentinels = ["127.0.0.1:1", f"127.0.0.1:{fleet.sentinel.port}"]
    with connect("redis://unused", sentinels=sentinels, master="flight-registry") as client:
        assert pointers.read(client, keys).champion is None
        assert primary(client) == ("127.0.0.1", fleet.first.port)
