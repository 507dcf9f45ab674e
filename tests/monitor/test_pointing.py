"""Pointers as candidates ask for them: by compare-and-set, once, with no more rights than that takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from monitor import acl
from monitor.judge.candidates.check import Check
from monitor.judge.candidates.policy import Policy
from monitor.judge.candidates.register import Register
from monitor.pointing import Pointing
from monitor.settings import Candidates
from monitor.store.outbox import Letter
from sandbox import Valkey
from scorer.registry import audit, pointers, versions
from scorer.registry.client import connect
from scorer.registry.keys import Keys
from tests.integration.deployment import until, version

KEYS = Keys("flights")
PASSED = (Check("one", "passed", ""),)
POLICY = Policy(approve=frozenset())


@pytest.fixture
def admin(registry: Valkey) -> Iterator[redis.Redis]:
    with registry.client() as client:
        for name in ("v1", "v2", "v3"):
            versions.push(client, KEYS, name, version("flights", name), actor="test")
        client.set(KEYS.champion, "v1")
        yield client


@pytest.fixture
def pointing(registry: Valkey, admin: redis.Redis) -> Iterator[Pointing]:
    """One that has the rights of a monitor that promotes."""
    rights = (*acl.rules(KEYS), *acl.pointing(KEYS))
    admin.execute_command("ACL", "SETUSER", "pointer", "reset", "on", ">pw", *rights)  # type: ignore[no-untyped-call]
    with (
        connect(f"redis://pointer:pw@127.0.0.1:{registry.port}/0") as client,
        Pointing(client, KEYS, Candidates(), "flights.monitor@one", lambda: True) as made,
    ):
        yield made
    admin.acl_deluser("pointer")


def register(state: str) -> Register:
    """With one candidate v2 in that state, or about to be."""
    found = Register().submit("v2", "ab" * 32, "v1", 1, "ann", "", POLICY)
    while found.named("v2").state != state and found.named("v2").asked != state:
        one = found.named("v2")
        found = found.pointed("1", True, 2, "") if one.asked else found.judged("1", PASSED, 2, POLICY)
    return found


def letter(asked: str, **more: Any) -> Letter:
    facts = {"id": "1", "asked": asked, "moves": 4, "version": "v2", "against": "v1", **more}
    return Letter(f"pointer/{asked}", json.dumps(facts).encode())


def came(pointing: Pointing, one: Letter, now: Register) -> tuple[bool, str]:
    """What came of a letter."""
    pointing.offer([one], now)

    def there() -> bool:
        pointing.check()
        return one.id in pointing.found()

    until(there, f"nothing came of it: {pointing.problem}")
    command = pointing.found()[one.id]
    assert (command.actor, command.payload["id"], command.payload["moves"]) == ("monitor", "1", 4)
    return command.payload["done"] is True, command.reason


def test_the_champion_is_changed_once_and_only_from_the_one_that_was_beaten(
    pointing: Pointing, admin: redis.Redis
) -> None:
    asked = register("on trial")
    assert came(pointing, letter("promoted"), asked) == (True, "the champion is v2, after v1")
    assert pointers.read(admin, KEYS).champion == "v2"
    entries = admin.xlen(KEYS.audit)
    pointing.offer([], asked)
    # The same after a kill: it is done already, and nothing is written twice.
    assert came(pointing, letter("promoted"), asked)[0]
    assert admin.xlen(KEYS.audit) == entries
    # Somebody has made another one the champion by hand.
    admin.set(KEYS.champion, "v3")
    pointing.offer([], asked)
    done, why = came(pointing, letter("promoted"), asked)
    assert (done, "is v3, not v1 as expected" in why) == (False, True)
    assert pointers.read(admin, KEYS).champion == "v3"
    # And after FLUSHALL there is none.
    admin.delete(KEYS.champion)
    pointing.offer([], asked)
    assert not came(pointing, letter("promoted"), asked)[0]
    assert pointers.read(admin, KEYS).champion is None


def test_the_old_champion_is_put_back(pointing: Pointing, admin: redis.Redis) -> None:
    admin.set(KEYS.champion, "v2")
    assert came(pointing, letter("rolled back"), Register()) == (True, "the champion is v1, after v2")
    assert pointers.read(admin, KEYS).champion == "v1"
    entry = next(audit.newest_first(admin, KEYS))
    assert (entry.actor, entry.reason) == ("flights.monitor@one", "candidate 1: rolled back")


def test_a_trial_begins_and_ends_with_its_candidate(pointing: Pointing, admin: redis.Redis) -> None:
    assert came(pointing, letter("on trial"), register("on trial"))[0]
    trial = json.loads(pointers.read(admin, KEYS).texts["trial"] or "")
    assert (trial["id"], trial["version"], trial["percent"]) == ("candidate-1", "v2", 10)
    pointing.offer([], register("on trial").withdraw("v2", 9, "ann", ""))
    until(lambda: pointers.read(admin, KEYS).texts["trial"] is None, "it goes on")


def test_a_trial_of_a_person_is_left_alone(pointing: Pointing, admin: redis.Redis) -> None:
    mine = json.dumps({"id": "mine", "version": "v3", "percent": 5, "until": "2090-01-01T00:00:00Z"})
    admin.set(KEYS.trial, mine)
    done, why = came(pointing, letter("on trial"), register("on trial"))
    assert (done, "trial mine of flights is on" in why) == (False, True)
    pointing.offer([], Register())
    assert came(pointing, letter("promoted"), register("shadowed"))[0], "a round has gone by"
    assert pointers.read(admin, KEYS).texts["trial"] == mine


def test_without_the_rights_nothing_is_changed_and_it_is_said(registry: Valkey, admin: redis.Redis) -> None:
    rights = acl.rules(KEYS)
    admin.execute_command("ACL", "SETUSER", "watcher", "reset", "on", ">pw", *rights)  # type: ignore[no-untyped-call]
    with (
        connect(f"redis://watcher:pw@127.0.0.1:{registry.port}/0") as client,
        Pointing(client, KEYS, Candidates(), "monitor", lambda: True) as pointing,
    ):
        pointing.offer([letter("promoted")], register("on trial"))
        until(lambda: bool(pointing.problem), "nothing is said")
        pointing.check()
        assert "permission" in pointing.problem.lower()
        assert not pointing.found()
    admin.acl_deluser("watcher")
    assert pointers.read(admin, KEYS).champion == "v1"


def test_without_the_lease_nothing_is_changed(registry: Valkey, admin: redis.Redis) -> None:
    asked: list[bool] = []

    def allowed() -> bool:
        asked.append(True)
        return False

    with Pointing(admin, KEYS, Candidates(), "monitor", allowed) as pointing:
        pointing.offer([letter("promoted")], register("on trial"))
        until(lambda: len(asked) > 1, "nobody asks")
        assert not pointing.found()
    assert pointers.read(admin, KEYS).champion == "v1"
