"""Versions in Redis: pushed once, never changed."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from sandbox import Valkey
from scorer.errors import RegistryConflict, RegistryUnavailable, SettingsError, VersionRefused
from scorer.model.version import VersionBytes
from scorer.registry import audit, versions
from scorer.registry.client import connect
from scorer.registry.keys import Keys
from tests.registry.made import content, digest
from tests.registry.servers import Proxy


def push(client: redis.Redis, keys: Keys, what: VersionBytes, limit: int = versions.LIMIT) -> versions.Pushed:
    return versions.push(client, keys, "v1", what, actor="ann", commit="abc123", reason="trained", limit=limit)


@pytest.mark.parametrize("signature", [None, b"signed"])
def test_what_is_pushed_is_fetched(client: redis.Redis, keys: Keys, signature: bytes | None) -> None:
    what = content("v1", signature=signature)
    assert push(client, keys, what) == versions.Pushed("v1", digest("v1"), already=False)
    assert versions.fetch(client, keys, "v1") == what
    head = versions.head(client, keys, "v1")
    assert (head.manifest, head.signature, head.digest) == (what.manifest, signature, digest("v1"))
    assert head.size == len(what.manifest) + len(what.tensors) + len(signature or b"")


def test_a_push_is_recorded_once(client: redis.Redis, keys: Keys) -> None:
    push(client, keys, content("v1"))
    assert push(client, keys, content("v1")).already
    (entry,) = audit.read(client, keys).entries
    assert (entry.kind, entry.pointer, entry.new, entry.digest) == ("push", None, "v1", digest("v1").hex())
    assert (entry.actor, entry.commit, entry.reason) == ("ann", "abc123", "trained")


def test_other_bytes_under_a_name_are_refused_with_both_digests(client: redis.Redis, keys: Keys) -> None:
    push(client, keys, content("v1"))
    with pytest.raises(RegistryConflict, match="another manifest") as caught:
        push(client, keys, content("v1", good=False))
    assert digest("v1").hex() in str(caught.value)
    assert digest("v1", good=False).hex() in str(caught.value)
    with pytest.raises(RegistryConflict, match="another tensors"):
        push(client, keys, dataclasses.replace(content("v1"), tensors=b"other"))
    assert versions.fetch(client, keys, "v1") == content("v1")
    assert len(audit.read(client, keys).entries) == 1


def test_of_pushes_at_the_same_time_one_counts(server: Valkey, keys: Keys) -> None:
    """Two sorts of bytes under one name, from eight clients at once."""
    kinds = [content("v1"), content("v1", good=False)]
    begin = threading.Barrier(8)

    def attempt(number: int) -> bool | None:
        with connect(server.url) as client:
            begin.wait(30)
            try:
                return push(client, keys, kinds[number % 2]).already
            except RegistryConflict:
                return None

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(attempt, range(8)))
    winner = found.index(False)
    assert found.count(False) == 1, "one stores it"
    with connect(server.url) as client:
        assert versions.fetch(client, keys, "v1") == kinds[winner % 2]
        assert len(audit.read(client, keys).entries) == 1
    for number, one in enumerate(found):
        assert number % 2 == winner % 2 or one is None, "other bytes are refused"


def test_a_push_to_a_frozen_server_is_given_up_and_can_be_repeated(server: Valkey, keys: Keys) -> None:
    with connect(server.url, timeout=0.1) as client:
        client.ping()
        server.freeze()
        try:
            with pytest.raises(RegistryUnavailable, match="cannot push version v1 of flights"):
                push(client, keys, content("v1"))
        finally:
            server.thaw()
    with connect(server.url) as client:
        push(client, keys, content("v1"))
        assert versions.fetch(client, keys, "v1") == content("v1")
        assert len(audit.read(client, keys).entries) == 1


def test_a_signature_can_be_added_but_not_changed(client: redis.Redis, keys: Keys) -> None:
    push(client, keys, content("v1"))
    assert not push(client, keys, content("v1", signature=b"first")).already
    assert push(client, keys, content("v1")).already
    with pytest.raises(RegistryConflict, match="another signature"):
        push(client, keys, content("v1", signature=b"second"))
    assert versions.fetch(client, keys, "v1").signature == b"first"


def test_a_part_that_was_lost_is_added_again(client: redis.Redis, keys: Keys) -> None:
    push(client, keys, content("v1"))
    client.delete(keys.version("v1", "tensors"))
    with pytest.raises(VersionRefused, match="not complete") as caught:
        versions.fetch(client, keys, "v1")
    assert caught.value.reason == "missing"
    assert not push(client, keys, content("v1")).already
    assert versions.fetch(client, keys, "v1") == content("v1")


def test_nothing_larger_than_the_limit_is_pushed_or_read(client: redis.Redis, keys: Keys) -> None:
    what = content("v1", size=1_000)
    size = len(what.manifest) + len(what.tensors)
    with pytest.raises(VersionRefused, match=rf"has {size:,} bytes; at most {size - 1:,} are allowed"):
        push(client, keys, what, limit=size - 1)
    assert client.dbsize() == 0
    push(client, keys, what, limit=size)
    assert versions.fetch(client, keys, "v1", limit=size) == what
    before = client.info("stats")["total_net_output_bytes"]
    for read in (versions.fetch, versions.head):
        with pytest.raises(VersionRefused) as caught:
            read(client, keys, "v1", size - 1)
        assert caught.value.reason == "size"
    assert client.info("stats")["total_net_output_bytes"] - before < 20_000, "its bytes were not read to find that out"


@pytest.mark.parametrize("left", [None, b"shorter"])
def test_a_version_that_changes_while_it_is_read_is_refused(
    server: Valkey, client: redis.Redis, keys: Keys, left: bytes | None
) -> None:
    push(client, keys, content("v1"))
    tensors = keys.version("v1", "tensors")

    def lose(request: bytes) -> bool:
        if b"GETRANGE" in request:
            client.delete(tensors) if left is None else client.set(tensors, left)
        return True

    with Proxy(server.port, lose) as proxy, connect(proxy.url) as slow, pytest.raises(VersionRefused) as caught:
        versions.fetch(slow, keys, "v1")
    assert caught.value.reason == "missing"


@pytest.mark.parametrize("size", [1, 2**18 - 1, 2**18, 2**18 + 1, 2**23, 2**23 + 2**18 + 1])
def test_every_size_is_read_whole(client: redis.Redis, keys: Keys, size: int) -> None:
    push(client, keys, content("v1", size=size))
    assert versions.fetch(client, keys, "v1") == content("v1", size=size)


def test_a_version_that_is_not_there_is_refused_with_what_to_do(client: redis.Redis, keys: Keys) -> None:
    for read in (versions.fetch, versions.head):
        with pytest.raises(VersionRefused, match="push it: scorer models push coefficients/flights/v1") as caught:
            read(client, keys, "v1")
        assert caught.value.reason == "missing"


@pytest.mark.parametrize("part", ["manifest", "tensors", "signature"])
def test_a_part_of_another_type_is_refused_and_never_overwritten(client: redis.Redis, keys: Keys, part: str) -> None:
    push(client, keys, content("v1", signature=b"s"))
    key = f"scorer:flights:version:v1:{part}"
    client.delete(key)
    client.rpush(key, "x")
    for read in (versions.fetch, versions.head):
        with pytest.raises(VersionRefused, match=f"{key} is not a string") as caught:
            read(client, keys, "v1")
        assert caught.value.reason == "type"
    with pytest.raises(RegistryConflict, match="not a string"):
        push(client, keys, content("v1", signature=b"s"))
    assert client.type(key) == b"list"


def test_versions_are_listed_by_name(client: redis.Redis, keys: Keys) -> None:
    for name in ("v2", "v10", "v1"):
        versions.push(client, keys, name, content(name, signature=b"s" if name == "v2" else None), actor="ann")
    client.delete(keys.version("v10", "tensors"))
    client.set("scorer:flights:version:not a name:manifest", "x")
    client.set("scorer:other:version:v1:manifest", "x")
    client.rpush("scorer:flights:version:odd:manifest", "x")
    client.set(keys.version("huge", "manifest"), "x" * 2_000)
    listed = versions.stored(client, keys, limit=1_500)
    assert [(v.version, v.head is not None and v.head.signature is not None, v.complete) for v in listed] == [
        ("huge", False, False),
        ("odd", False, False),
        ("v1", False, True),
        ("v10", False, False),
        ("v2", True, True),
    ]
    assert [v.digest for v in listed] == [b"", b"", digest("v1"), digest("v10"), digest("v2")]
    assert listed[2].size == len(content("v1").manifest) + 1_000


def test_names_are_checked(client: redis.Redis, keys: Keys) -> None:
    with pytest.raises(SettingsError):
        versions.push(client, keys, "a:b", content("v1"), actor="ann")
    with pytest.raises(SettingsError):
        versions.fetch(client, keys, "*")
