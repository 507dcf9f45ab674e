"""The audit stream."""

from __future__ import annotations

import redis

from scorer.registry import audit, pointers
from scorer.registry.keys import Keys
from scorer.registry.look import look
from tests.registry.made import push


def test_entries_are_read_on_from_where_one_was(client: redis.Redis, keys: Keys) -> None:
    assert audit.read(client, keys) == audit.Page((), "0-0")
    push(client, keys, "v1", "v2")
    first = pointers.set_champion(client, keys, "v1", actor="ann", reason="")
    page = audit.read(client, keys, count=2)
    assert [entry.new for entry in page.entries] == ["v1", "v2"]
    page = audit.read(client, keys, page.last)
    assert page == audit.Page((first,), first.id)
    assert audit.read(client, keys, page.last) == audit.Page((), first.id)


def test_the_time_is_the_servers(client: redis.Redis, keys: Keys) -> None:
    push(client, keys, "v1")
    (entry,) = audit.read(client, keys).entries
    seconds, microseconds = client.time()
    assert 0 <= seconds + microseconds / 1e6 - entry.at < 60


def test_foreign_entries_are_passed_over(client: redis.Redis, keys: Keys) -> None:
    for fields in (
        {"hello": "world"},
        {"kind": "set", "pointer": "flagship", "new": "v1"},
        {"kind": "push", "pointer": "champion", "new": "v1"},
        {b"kind": b"set", b"pointer": b"champion", b"new": b"\xff"},
    ):
        client.xadd(keys.audit, fields)  # type: ignore[arg-type]
    client.xadd(keys.audit, {"kind": "set", "pointer": "champion"})
    page = audit.read(client, keys)
    (entry,) = page.entries
    assert (entry.old, entry.new, entry.actor, entry.reason, entry.digest) == (None, None, "", "", None)
    assert page.last == entry.id
    assert look(client, keys, None).entries == (entry,)


def test_the_stream_is_bounded(client: redis.Redis, keys: Keys) -> None:
    with client.pipeline(transaction=False) as pipe:
        for i in range(12_000):
            pipe.xadd(keys.audit, {"i": i})
        pipe.execute()
    push(client, keys, "v1")
    assert client.xlen(keys.audit) < 10_200
    assert next(audit.newest_first(client, keys)).new == "v1"


def test_a_look_is_in_the_order_of_time_from_the_first_one_on(client: redis.Redis, keys: Keys) -> None:
    push(client, keys, "v1", "v2", "v3")
    first = look(client, keys, None)
    assert [entry.new for entry in first.entries] == ["v1", "v2", "v3"]
    pointers.set_champion(client, keys, "v1", actor="ann", reason="")
    pointers.set_champion(client, keys, "v2", actor="ann", reason="")
    second = look(client, keys, first.last)
    assert [entry.new for entry in second.entries] == ["v1", "v2"]
    assert second.pointers.champion == "v2"
    assert look(client, keys, second.last).entries == ()
    client.flushall()
    empty = look(client, keys, second.last)
    assert (empty.entries, empty.last) == ((), "0-0")
