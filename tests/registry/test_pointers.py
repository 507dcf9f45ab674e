"""Reading and changing the pointers."""

from __future__ import annotations

import threading
from itertools import islice

import pytest
import redis

from sandbox import Valkey
from scorer.errors import RegistryConflict, RegistryUnavailable, SettingsError
from scorer.registry import audit, pointers
from scorer.registry.client import connect
from scorer.registry.keys import Keys
from scorer.registry.pointers import Refused
from scorer.registry.trial import Trial
from tests.registry.made import push
from tests.registry.servers import Proxy

NOW = 1_700_000_000.0


def test_nothing_is_there_at_first(client: redis.Redis, keys: Keys) -> None:
    found = pointers.read(client, keys)
    assert (found.champion, found.challengers, found.trial) == (None, (), None)
    assert found.texts == {"champion": None, "challenger": None, "trial": None}


def test_all_pointers_are_read(client: redis.Redis, keys: Keys) -> None:
    trial = Trial("t", "v3", until=NOW, field="origin", values=("JFK", "LGA"))
    client.set(keys.champion, "v1")
    client.set(keys.challenger, " v2, v3 ,v2\n")
    client.set(keys.trial, trial.to_json())
    found = pointers.read(client, keys)
    assert (found.champion, found.challengers, found.trial) == ("v1", ("v2", "v3"), trial)


def test_a_senseless_pointer_leaves_the_others_alone(client: redis.Redis, keys: Keys) -> None:
    client.set(keys.champion, b"\xff\xfe")
    client.set(keys.challenger, "v2,,v3")
    client.hset(keys.trial, "id", "t")
    found = pointers.read(client, keys)
    assert found.champion == Refused("name: '\ufffd\ufffd' cannot be the name of a version")
    assert found.challengers == Refused("name: '' cannot be the name of a version")
    assert found.trial == Refused("type: the key holds a hash, not a string; delete it and SET it again")
    client.set(keys.challenger, "v2")
    assert pointers.read(client, keys).challengers == ("v2",)


def test_setting_the_champion_is_audited_and_announced(client: redis.Redis, keys: Keys) -> None:
    push(client, keys, "v1", "v2")
    with client.pubsub() as ears:  # type: ignore[no-untyped-call]
        ears.subscribe(keys.wake)
        ears.get_message(timeout=5)
        first = pointers.set_champion(client, keys, "v1", actor="ann", reason="the first")
        message = ears.get_message(timeout=5)
    assert message is not None
    assert message["data"] == b"champion"
    second = pointers.set_champion(client, keys, "v2", actor="bob", reason="more trees")
    assert client.get(keys.champion) == b"v2"
    assert (first.old, first.new, second.old, second.new) == (None, "v1", "v1", "v2")
    assert tuple(islice(audit.newest_first(client, keys), 2)) == (second, first)
    assert (second.kind, second.pointer, second.actor, second.reason) == ("set", "champion", "bob", "more trees")


def test_a_version_that_is_not_there_cannot_be_champion(client: redis.Redis, keys: Keys) -> None:
    push(client, keys, "v1")
    client.delete(keys.version("v1", "tensors"))
    for version in ("v1", "v2"):
        with pytest.raises(RegistryConflict, match=f"push it first: scorer models push coefficients/flights/{version}"):
            pointers.set_champion(client, keys, version, actor="ann", reason="")
        with pytest.raises(RegistryConflict, match="push it first"):
            pointers.set_challengers(client, keys, [version], actor="ann", reason="")
        trial = Trial("t", version, until=NOW + 60, percent=5)
        with pytest.raises(RegistryConflict, match="push it first"):
            pointers.start_trial(client, keys, trial, actor="ann", reason="", now=NOW)
    assert client.keys("*champion") == client.keys("*challenger") == client.keys("*trial") == []


def test_what_is_expected_must_be_there(client: redis.Redis, keys: Keys) -> None:
    push(client, keys, "v1", "v2")
    pointers.set_champion(client, keys, "v1", actor="ann", reason="", expect="")
    with pytest.raises(RegistryConflict, match="the champion of flights is v1, not absent as expected"):
        pointers.set_champion(client, keys, "v2", actor="ann", reason="", expect="")
    with pytest.raises(RegistryConflict, match="is v1, not v9 as expected; nothing was changed"):
        pointers.set_champion(client, keys, "v2", actor="ann", reason="", expect="v9")
    pointers.set_champion(client, keys, "v2", actor="ann", reason="", expect="v1")
    assert client.get(keys.champion) == b"v2"
    pointers.set_challengers(client, keys, ["v1", "v2"], actor="ann", reason="", expect="")
    with pytest.raises(RegistryConflict, match="is v1,v2, not v1 as expected"):
        pointers.set_challengers(client, keys, [], actor="ann", reason="", expect="v1")


def test_of_many_that_expect_the_same_one_wins(server: Valkey, client: redis.Redis, keys: Keys) -> None:
    names = [f"v{i}" for i in range(8)]
    push(client, keys, "start", *names)
    pointers.set_champion(client, keys, "start", actor="ann", reason="")
    barrier = threading.Barrier(len(names))
    won: list[str] = []

    def race(name: str) -> None:
        with connect(server.url, timeout=10) as own:
            barrier.wait(10)
            try:
                pointers.set_champion(own, keys, name, actor=name, reason="", expect="start")
            except RegistryConflict:
                return
            won.append(name)

    threads = [threading.Thread(target=race, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(won) == 1
    assert client.get(keys.champion) == won[0].encode()
    assert [entry.actor for entry in audit.newest_first(client, keys) if entry.kind == "set"] == [won[0], "ann"]


def test_a_change_in_between_is_noticed_and_everything_done_again(
    server: Valkey, client: redis.Redis, keys: Keys
) -> None:
    push(client, keys, "v1", "v2", "v3")
    pointers.set_champion(client, keys, "v1", actor="ann", reason="")
    interrupted: list[object] = []

    def interrupt(request: bytes) -> bool:
        if b"EXEC" in request and not interrupted:
            interrupted.append(client.set(keys.champion, "v3"))
        return True

    with Proxy(server.port, interrupt) as proxy, connect(proxy.url) as slow:
        entry = pointers.set_champion(slow, keys, "v2", actor="bob", reason="")
    assert (entry.old, entry.new) == ("v3", "v2")


def test_changes_in_between_without_end_are_given_up(server: Valkey, client: redis.Redis, keys: Keys) -> None:
    push(client, keys, "v1", "v2")

    def interrupt(request: bytes) -> bool:
        return b"EXEC" not in request or bool(client.set(keys.champion, "v1"))

    with (
        Proxy(server.port, interrupt) as proxy,
        connect(proxy.url) as slow,
        pytest.raises(RegistryConflict, match="others changed the same keys 5 times meanwhile"),
    ):
        pointers.set_champion(slow, keys, "v2", actor="bob", reason="")
    assert client.get(keys.champion) == b"v1"


def test_a_lost_answer_is_reported_as_unknown_and_nothing_is_done_twice(
    server: Valkey, client: redis.Redis, keys: Keys
) -> None:
    push(client, keys, "v1")
    with (
        Proxy(server.port, lambda request: b"EXEC" not in request) as proxy,
        connect(proxy.url) as cut,
        pytest.raises(RegistryUnavailable, match="whether the change happened is unknown, so look before"),
    ):
        pointers.set_champion(cut, keys, "v1", actor="ann", reason="")
    assert client.get(keys.champion) == b"v1"
    assert [entry.kind for entry in audit.newest_first(client, keys)] == ["set", "push"]


def test_a_connection_lost_before_the_change_leaves_nothing_unknown(server: Valkey, keys: Keys) -> None:
    with (
        Proxy(server.port, lambda request: b"MGET" not in request) as proxy,
        connect(proxy.url) as cut,
        pytest.raises(RegistryUnavailable) as caught,
    ):
        pointers.set_champion(cut, keys, "v1", actor="ann", reason="")
    assert "unknown" not in str(caught.value)


def test_challengers_are_set_and_removed(client: redis.Redis, keys: Keys) -> None:
    push(client, keys, "v1", "v2")
    pointers.set_challengers(client, keys, ["v1", "v2"], actor="ann", reason="")
    assert pointers.read(client, keys).challengers == ("v1", "v2")
    entry = pointers.set_challengers(client, keys, [], actor="ann", reason="")
    assert (entry.pointer, entry.old, entry.new) == ("challenger", "v1,v2", None)
    assert pointers.read(client, keys).challengers == ()


def test_one_trial_at_a_time(client: redis.Redis, keys: Keys) -> None:
    push(client, keys, "v1", "v2")

    def start(name: str, until: float, now: float = NOW) -> None:
        trial = Trial(name, "v2", until=until, percent=5)
        pointers.start_trial(client, keys, trial, actor="ann", reason="", now=now)

    start("one", NOW + 60)
    start("one", NOW + 90)
    with pytest.raises(RegistryConflict, match="trial one of flights is on; stop it first"):
        start("two", NOW + 60)
    start("two", NOW + 200, now=NOW + 90)
    with pytest.raises(RegistryConflict, match="over at once"):
        start("two", NOW)
    pointers.stop_trial(client, keys, actor="ann", reason="")
    with pytest.raises(RegistryConflict, match="nothing to stop"):
        pointers.stop_trial(client, keys, actor="ann", reason="")
    client.set(keys.trial, "nonsense")
    pointers.stop_trial(client, keys, actor="ann", reason="")
    assert client.exists(keys.trial) == 0


def test_a_pointer_of_another_type_can_be_set_right(client: redis.Redis, keys: Keys) -> None:
    push(client, keys, "v1")
    client.rpush(keys.champion, "v1")
    entry = pointers.set_champion(client, keys, "v1", actor="ann", reason="")
    assert entry.old == "<list>"
    assert client.get(keys.champion) == b"v1"


def test_without_an_audit_nothing_is_changed(client: redis.Redis, keys: Keys) -> None:
    push(client, keys, "v1")
    client.delete(keys.audit)
    client.set(keys.audit, "oops")
    with pytest.raises(RegistryConflict, match="scorer:flights:audit is a string, not a stream"):
        pointers.set_champion(client, keys, "v1", actor="ann", reason="")
    assert client.exists(keys.champion) == 0


@pytest.mark.parametrize(("actor", "reason"), [("", "x"), (" ", "x"), ("a" * 2_001, "x"), ("ann", "x" * 2_001)])
def test_a_command_has_an_actor_and_a_reason_of_some_length(
    client: redis.Redis, keys: Keys, actor: str, reason: str
) -> None:
    with pytest.raises(SettingsError):
        pointers.set_champion(client, keys, "v1", actor=actor, reason=reason)


def test_names_are_checked(client: redis.Redis, keys: Keys) -> None:
    with pytest.raises(SettingsError):
        pointers.set_champion(client, keys, "a b", actor="ann", reason="")
    with pytest.raises(SettingsError):
        pointers.set_challengers(client, keys, ["v1,v2"], actor="ann", reason="")
