"""The scorer's rights: enough for everything it does, and not more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from sandbox import Valkey
from scorer.registry import acl, instances, pointers, versions
from scorer.registry.client import connect
from scorer.registry.following import Follower
from scorer.registry.keys import Keys
from scorer.registry.lastgood import LastGood
from scorer.registry.trial import Trial
from scorer.registry.watcher import Heartbeat, Watcher
from tests.registry.made import content, prepare, push, unchecked
from tests.registry.servers import until


@pytest.fixture
def scorer(server: Valkey, keys: Keys) -> Iterator[redis.Redis]:
    """A client with the rights of a scorer of the model flights."""
    with server.client() as admin:
        admin.execute_command(*acl.command(keys, "worker").replace("PASSWORD", "pw").split())
        admin.execute_command("ACL LOG", "RESET")
        with connect(f"redis://worker:pw@127.0.0.1:{server.port}/0") as client:
            yield client
        admin.acl_deluser("worker")


def test_the_rights_are_enough_for_all_that_a_scorer_does(
    server: Valkey, client: redis.Redis, scorer: redis.Redis, keys: Keys, tmp_path: Path
) -> None:
    push(client, keys, "v1", "v2", "v3")
    pointers.set_champion(client, keys, "v1", actor="ann", reason="")
    follower = Follower(scorer, keys, prepare, check=unchecked, state=LastGood(tmp_path, keys.model))
    watcher = Watcher(follower, heartbeat=Heartbeat("pod-0", follower.status, seconds=0.01), poll_seconds=3_600)
    with watcher:
        until(lambda: watcher.status()["wake"] == {"listening": True, "problem": None}, "it listens")
        pointers.set_champion(client, keys, "v2", actor="ann", reason="")
        until(lambda: [e.version for e in watcher.events.take()][-1:] == ["v2"], "v2 runs")
        trial = Trial("t", "v3", until=4e9, percent=5)
        pointers.start_trial(client, keys, trial, actor="ann", reason="", now=0.0)
        until(lambda: watcher.current.trial is not None, "the trial runs")
        until(lambda: instances.live(client, keys), "the instance's key is there")
        assert watcher.status()["instance"] == {"problem": None}
    assert instances.live(client, keys) == []
    assert watcher.failure is None
    assert client.acl_log() == [], "nothing was denied"


FORBIDDEN: list[Callable[[redis.Redis, Keys], object]] = [
    lambda c, k: c.set(k.champion, "v1"),
    lambda c, k: c.delete(k.champion),
    lambda c, k: c.set(k.trial, "{}"),
    lambda c, k: c.set(k.version("v1", "manifest"), "x"),
    lambda c, k: c.delete(k.version("v1", "tensors")),
    lambda c, k: c.set(k.version("instance", "manifest"), "x"),
    lambda c, k: c.set("scorer:flights:version:instance:x:manifest", "x"),
    lambda c, k: c.set(Keys("other").instance("pod-0"), "{}"),
    lambda c, k: c.set(Keys("flights", "other").instance("pod-0"), "{}"),
    lambda c, k: c.xadd(k.audit, {"kind": "set"}),
    lambda c, k: c.publish(k.wake, "x"),
    lambda c, k: c.pubsub().subscribe("scorer:other:wake"),  # type: ignore[no-untyped-call]
    lambda c, k: c.mget("elsewhere"),
    lambda c, k: c.rename(k.instance("pod-0"), k.champion),
    lambda c, k: c.copy(k.instance("pod-0"), k.champion),
    lambda c, k: c.keys("*"),
    lambda c, k: c.eval("return redis.call('SET', KEYS[1], 'x')", 1, k.champion),
    lambda c, k: c.flushall(),
    lambda c, k: c.config_get("*"),
    lambda c, k: c.acl_list(),
]


@pytest.mark.parametrize("number", range(len(FORBIDDEN)))
def test_the_rights_are_not_enough_for_anything_else(
    client: redis.Redis, scorer: redis.Redis, keys: Keys, number: int
) -> None:
    push(client, keys, "v1")
    client.set(keys.champion, "v1")
    instances.renew(scorer, keys, "pod-0", {}, 60)
    before = {key: client.dump(key) for key in client.keys("*")}
    try:
        FORBIDDEN[number](scorer, keys)
        with scorer.pubsub() as ears:  # type: ignore[no-untyped-call]
            ears.subscribe("scorer:other:wake")
            ears.get_message(timeout=5)
    except redis.exceptions.NoPermissionError:
        pass
    else:
        raise AssertionError("this was allowed")
    assert {key: client.dump(key) for key in client.keys("*")} == before
    assert client.acl_log() != []
    assert versions.fetch(scorer, keys, "v1") == content("v1")


def test_the_documented_command_is_the_one_that_is_tested(keys: Keys) -> None:
    documented = " ".join((acl.__doc__ or "").split("::\n\n")[1].split("\n\n(")[0].split())
    assert documented == acl.command(keys)
