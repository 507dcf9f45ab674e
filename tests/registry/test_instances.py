"""What running processes say about themselves."""

from __future__ import annotations

import redis

from scorer.registry import instances
from scorer.registry.instances import Instance
from scorer.registry.keys import Keys
from tests.registry.servers import until


def test_live_instances_are_listed(client: redis.Redis, keys: Keys) -> None:
    assert instances.live(client, keys) == []
    instances.renew(client, keys, "pod-1", {"champion": "v1", "lag": [1, None]}, 30.0)
    instances.renew(client, keys, "pod-0", {"name": "ü"}, 30.0)
    instances.renew(client, Keys("other"), "pod-9", {}, 30.0)
    assert instances.live(client, keys) == [
        Instance("pod-0", {"name": "ü"}),
        Instance("pod-1", {"champion": "v1", "lag": [1, None]}),
    ]
    assert 0 < client.pttl(keys.instance("pod-1")) <= 30_000
    instances.remove(client, keys, "pod-0")
    assert [instance.name for instance in instances.live(client, keys)] == ["pod-1"]


def test_an_instance_that_is_not_renewed_goes(client: redis.Redis, keys: Keys) -> None:
    instances.renew(client, keys, "pod-0", {}, 0.05)
    until(lambda: not instances.live(client, keys), "the instance expires")


def test_garbage_is_listed_as_such(client: redis.Redis, keys: Keys) -> None:
    client.set(keys.instance("a"), b"\xff")
    client.set(keys.instance("b"), "[1]")
    client.set(keys.instance("c"), "[" * 100_000)
    client.rpush(keys.instance("d"), "x")
    client.set("scorer:flights:instance:no name", "{}")
    client.set(b"scorer:flights:instance:\xff", "{}")
    found = instances.live(client, keys)
    assert [instance.name for instance in found] == ["a", "b", "c", "d"]
    assert all(instance.report is None and instance.problem for instance in found)
