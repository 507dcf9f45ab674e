"""Following the pointers, round by round, without a thread: flips, commands, what is prepared when."""

from __future__ import annotations

from scorer.model.version import VersionBytes
from tests.registry.made import Made, content, digest, prepare, push
from tests.registry.rounds import Setup, running


def test_one_round_applies_the_champion(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1")
    command = setup.champion("v1")
    follower = setup.follower()
    follower.poll()
    champion = follower.current.champion
    assert champion is not None
    assert (champion.version, champion.digest) == ("v1", digest("v1"))
    assert champion.made == Made("v1", content("v1"))
    assert (follower.current.source, follower.current.since) == ("redis", setup.clock.now)
    (event,) = follower.events.take()
    assert (event.event, event.pointer, event.version, event.digest) == ("applied", "champion", "v1", digest("v1"))
    assert (event.previous, event.seen, event.at, event.reason) == (None, setup.clock.now, setup.clock.now, None)
    assert (event.command, event.actor, event.actor_reason, event.trial) == (command, "ann", "better", None)


def test_what_was_commanded_before_the_start_is_not_reported(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    for version in ("v1", "v2", "v1"):
        setup.champion(version)
    follower = setup.follower()
    follower.poll()
    assert [(e.event, e.version, e.actor) for e in follower.events.take()] == [("applied", "v1", "ann")]
    setup.champion("v2")
    setup.client.set(setup.keys.champion, "v1")
    follower = setup.follower()
    follower.poll()
    assert [(e.event, e.version, e.actor) for e in follower.events.take()] == [("applied", "v1", None)]


def test_a_bare_set_flips_and_has_no_command(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    setup.champion("v1")
    follower = setup.follower()
    follower.poll()
    setup.client.set(setup.keys.champion, "v2\n")
    setup.clock.now += 1
    follower.poll()
    assert running(follower) == "v2"
    event = follower.events.take()[-1]
    assert (event.version, event.previous, event.command, event.actor) == ("v2", "v1", None, None)
    setup.client.set(setup.keys.champion, "v1")
    follower.poll()
    assert follower.events.take()[-1].command is None, "the command that once set v1 did not set it this time"


def test_nothing_happens_while_nothing_changes(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1")
    setup.champion("v1")
    follower = setup.follower()
    follower.poll()
    follower.events.take()
    before = follower.current
    for _ in range(3):
        setup.clock.now += 100
        follower.poll()
    assert follower.current is before
    assert follower.events.take() == []


def test_the_same_command_again_is_an_event(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1")
    setup.champion("v1")
    follower = setup.follower()
    follower.poll()
    again = setup.champion("v1")
    follower.poll()
    assert [(e.event, e.version, e.previous) for e in follower.events.take()] == [
        ("applied", "v1", None),
        ("applied", "v1", "v1"),
    ]
    assert again


def test_a_command_that_was_overtaken_is_superseded(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2", "v3")
    setup.champion("v1")
    follower = setup.follower()
    follower.poll()
    follower.events.take()
    second, third = setup.champion("v2"), setup.champion("v3")
    follower.poll()
    assert [(e.event, e.version, e.command) for e in follower.events.take()] == [
        ("superseded", "v2", second),
        ("applied", "v3", third),
    ]
    fourth = setup.champion("v1")
    setup.client.set(setup.keys.champion, "v2")
    follower.poll()
    assert [(e.event, e.version, e.command) for e in follower.events.take()] == [
        ("superseded", "v1", fourth),
        ("applied", "v2", None),
    ]
    fifth = setup.champion("v3")
    setup.client.set(setup.keys.champion, "v2")
    follower.poll()
    assert [(e.event, e.version, e.command) for e in follower.events.take()] == [("superseded", "v3", fifth)]
    assert running(follower) == "v2"
    sixth, seventh = setup.champion("v3"), setup.champion("v1")
    setup.client.set(setup.keys.champion, "v3")
    follower.poll()
    assert [(e.event, e.version, e.command) for e in follower.events.take()] == [
        ("superseded", "v3", sixth),
        ("superseded", "v1", seventh),
        ("applied", "v3", None),
    ]


def test_a_version_overtaken_while_it_was_prepared_is_never_applied(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2", "v3")
    setup.champion("v1")

    def slow(loaded: VersionBytes, model: str, version: str) -> Made:
        if version == "v2":
            setup.champion("v3")
        return prepare(loaded, model, version)

    follower = setup.follower(made_by=slow)
    follower.poll()
    follower.events.take()
    command = setup.champion("v2")
    follower.poll()
    assert running(follower) == "v3"
    assert [(e.event, e.version, e.command == command) for e in follower.events.take()] == [
        ("superseded", "v2", True),
        ("applied", "v3", False),
    ]


def test_flipping_back_prepares_nothing_again_but_needs_the_version_in_redis(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2", "v3")
    prepared: list[str] = []

    def counting(loaded: VersionBytes, model: str, version: str) -> Made:
        prepared.append(version)
        return prepare(loaded, model, version)

    follower = setup.follower(made_by=counting)
    for version in ("v1", "v2", "v1", "v3", "v2"):
        setup.champion(version)
        follower.poll()
        assert running(follower) == version
    assert prepared == ["v1", "v2", "v3"]
    setup.client.delete(*setup.keys.version_parts("v1"))
    setup.client.set(setup.keys.champion, "v1")
    follower.poll()
    assert running(follower) == "v2"


def test_other_bytes_under_the_name_of_a_prepared_version_are_prepared_anew(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    follower = setup.follower()
    for version in ("v1", "v2"):
        setup.champion(version)
        follower.poll()
    setup.client.flushall()
    push(setup.client, setup.keys, "v1", good=False)
    setup.champion("v1")
    follower.poll()
    assert running(follower) == "v2"
    assert str(follower.events.take()[-1].reason).startswith("golden: ")


def test_flushall_unsets_neither_champion_nor_trial(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    setup.champion("v1")
    setup.trial("v2", until=setup.clock.now + 60)
    follower = setup.follower()
    follower.poll()
    follower.events.take()
    before = follower.current
    setup.client.flushall()
    for _ in range(3):
        follower.poll()
    assert follower.current is before
    assert follower.events.take() == []
    push(setup.client, setup.keys, "v3")
    command = setup.champion("v3")
    follower.poll()
    assert running(follower) == "v3"
    event, ended = follower.events.take()
    assert (event.version, event.previous, event.command, event.actor) == ("v3", "v1", command, "ann")
    assert (ended.pointer, ended.version, ended.previous) == ("trial", None, "v2"), "a champion without a trial ends it"


def test_an_audit_stream_that_begins_anew_with_earlier_ids_is_read(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    future = {"kind": "set", "pointer": "champion", "new": "v1", "actor": "x", "reason": ""}
    setup.client.set(setup.keys.champion, "v1")
    setup.client.xadd(setup.keys.audit, future, id="99999999999999-0")  # type: ignore[arg-type]
    follower = setup.follower()
    follower.poll()
    setup.client.delete(setup.keys.audit)
    command = setup.champion("v2")
    follower.poll()
    assert follower.events.take()[-1].command == command


def test_an_audit_key_of_another_type_does_not_stop_flips(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1")
    setup.client.delete(setup.keys.audit)
    setup.client.set(setup.keys.audit, "oops")
    setup.client.set(setup.keys.champion, "v1")
    follower = setup.follower()
    follower.poll()
    assert running(follower) == "v1"
    assert "WRONGTYPE" in str(follower.status()["audit"])
