"""Pointers and versions that make no sense are refused, and change nothing."""

from __future__ import annotations

import pytest

from scorer.model.version import VersionBytes
from tests.registry.made import Made, content, digest, prepare, push
from tests.registry.rounds import Setup, on_trial, running


@pytest.mark.parametrize("text", ["", "a b", "v1,v2", "../../etc/passwd", "x" * 101, "\x00", "ü"])
def test_a_senseless_pointer_is_refused_and_changes_nothing(setup: Setup, text: str) -> None:
    push(setup.client, setup.keys, "v1")
    setup.champion("v1")
    follower = setup.follower()
    follower.poll()
    follower.events.take()
    setup.client.set(setup.keys.champion, text)
    follower.poll()
    follower.poll()
    assert running(follower) == "v1"
    (event,) = follower.events.take()
    assert (event.event, event.previous) == ("refused", "v1")
    assert event.reason is not None
    assert event.reason.startswith("name: ")


def test_a_pointer_of_another_type_is_refused_and_the_others_stand(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    setup.champion("v1")
    follower = setup.follower()
    follower.poll()
    follower.events.take()
    setup.client.delete(setup.keys.champion)
    setup.client.rpush(setup.keys.champion, "v2")
    trial = setup.trial("v2", until=setup.clock.now + 60)
    follower.poll()
    assert running(follower) == "v1"
    assert on_trial(follower) == trial
    refused, applied = follower.events.take()
    assert refused.reason == "type: the key holds a list, not a string; delete it and SET it again"
    assert (applied.event, applied.pointer, applied.trial) == ("applied", "trial", trial.to_json())


def test_a_missing_version_is_refused_until_it_is_pushed(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1")
    setup.champion("v1")
    follower = setup.follower()
    follower.poll()
    setup.client.set(setup.keys.champion, "v2")
    for _ in range(3):
        follower.poll()
    assert running(follower) == "v1"
    champion = follower.status()["champion"]
    assert isinstance(champion, dict)
    assert (champion["version"], champion["pointer"], champion["state"]) == ("v1", "v2", "refused")
    assert "scorer models push coefficients/flights/v2" in str(champion["reason"])
    push(setup.client, setup.keys, "v2")
    follower.poll()
    assert running(follower) == "v2", "a push of the refused version is noticed at once"
    assert [(e.event, e.version) for e in follower.events.take()] == [
        ("applied", "v1"),
        ("refused", "v2"),
        ("applied", "v2"),
    ]


def test_a_version_that_appears_without_a_push_is_found_after_a_pause(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1")
    setup.champion("v1")
    follower = setup.follower()
    follower.poll()
    setup.client.set(setup.keys.champion, "v2")
    follower.poll()
    bytes_of_v2 = content("v2")
    setup.client.mset(
        {
            setup.keys.version("v2", "manifest"): bytes_of_v2.manifest,
            setup.keys.version("v2", "tensors"): bytes_of_v2.tensors,
        }
    )
    follower.poll()
    assert running(follower) == "v1"
    setup.clock.now += 5.0
    follower.poll()
    assert running(follower) == "v2"


def test_a_bad_version_is_prepared_at_growing_intervals_and_reported_once(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1")
    push(setup.client, setup.keys, "v2", good=False)
    setup.champion("v1")
    tried: list[float] = []

    def counting(loaded: VersionBytes, model: str, version: str) -> Made:
        if version == "v2":
            tried.append(setup.clock.now)
        return prepare(loaded, model, version)

    follower = setup.follower(made_by=counting)
    follower.poll()
    follower.events.take()
    start = setup.clock.now
    command = setup.champion("v2")
    for _ in range(400):
        follower.poll()
        setup.clock.now += 0.5
    assert [at - start for at in tried] == [0.0, 5.0, 15.0, 35.0, 75.0, 135.0, 195.0]
    assert running(follower) == "v1"
    (event,) = follower.events.take()
    assert (event.event, event.version, event.digest) == ("refused", "v2", digest("v2", good=False))
    assert (event.previous, event.command, event.at) == ("v1", command, start)
    assert event.reason == "golden: row 0 of flights v2: expected 1.0, got 2.0"
    assert follower.status()["last_refusal"] == {
        "pointer": "champion",
        "version": "v2",
        "reason": event.reason,
        "at": start,
    }


def test_a_mistake_in_prepare_refuses_the_version_and_nothing_else(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    setup.champion("v1")

    def broken(loaded: VersionBytes, model: str, version: str) -> Made:
        if version == "v2":
            raise IndexError("beyond the end")
        return prepare(loaded, model, version)

    follower = setup.follower(made_by=broken)
    follower.poll()
    setup.champion("v2")
    follower.poll()
    assert running(follower) == "v1"
    assert follower.events.take()[-1].reason == "failure: version v2 cannot be prepared: IndexError: beyond the end"
