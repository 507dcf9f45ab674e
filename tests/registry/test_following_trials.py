"""Trials begin, change and end as their pointer and the clock say."""

from __future__ import annotations

import pytest

from sandbox import Valkey
from scorer.registry import pointers
from scorer.registry.client import connect
from tests.registry.made import push
from tests.registry.rounds import Setup, on_trial, running


def test_a_trial_starts_changes_and_stops(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2", "v3")
    setup.champion("v1")
    first = setup.trial("v2", until=setup.clock.now + 60)
    follower = setup.follower()
    follower.poll()
    longer = setup.trial("v2", until=setup.clock.now + 600)
    follower.poll()
    assert on_trial(follower) == longer
    other = setup.trial("v3", until=setup.clock.now + 60)
    follower.poll()
    stop = pointers.stop_trial(setup.client, setup.keys, actor="bob", reason="seen enough")
    follower.poll()
    assert on_trial(follower) is None
    assert running(follower) == "v1"
    events = [e for e in follower.events.take() if e.pointer == "trial"]
    assert [(e.event, e.version, e.previous) for e in events] == [
        ("applied", "v2", None),
        ("applied", "v2", "v2"),
        ("applied", "v3", "v2"),
        ("applied", None, "v3"),
    ]
    assert [e.trial for e in events] == [trial.to_json() for trial in (first, longer, other, other)]
    assert (events[-1].command, events[-1].actor_reason) == (stop.id, "seen enough")


def test_a_trial_ends_by_itself_and_can_be_renewed(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    setup.champion("v1")
    setup.trial("v2", until=setup.clock.now + 60)
    follower = setup.follower()
    follower.poll()
    setup.clock.now += 59.9
    follower.poll()
    assert on_trial(follower) is not None
    setup.clock.now += 0.1
    follower.poll()
    assert on_trial(follower) is None
    event = follower.events.take()[-1]
    assert (event.version, event.previous, event.reason) == (None, "v2", "over: the trial's until has passed")
    follower.poll()
    assert follower.events.take() == []
    setup.trial("v2", until=setup.clock.now + 60)
    follower.poll()
    assert on_trial(follower) is not None


def test_a_trial_ends_by_itself_while_redis_is_away(setup: Setup, own_server: Valkey) -> None:
    with connect(own_server.url) as client:
        setup.client = client
        push(client, setup.keys, "v1", "v2")
        setup.champion("v1")
        setup.trial("v2", until=setup.clock.now + 60)
        follower = setup.follower()
        follower.poll()
        own_server.kill()
        setup.clock.now += 60
        follower.poll()
        assert follower.away
        assert running(follower) == "v1"
        assert on_trial(follower) is None


def test_a_stopped_trial_ends_even_without_a_champion_pointer(setup: Setup) -> None:
    push(setup.client, setup.keys, "v2")
    setup.trial("v2", until=setup.clock.now + 60)
    follower = setup.follower()
    follower.poll()
    assert on_trial(follower) is not None
    pointers.stop_trial(setup.client, setup.keys, actor="bob", reason="")
    follower.poll()
    assert on_trial(follower) is None


@pytest.mark.parametrize(
    "text", ["{}", "[]", "1", "not json", "[" * 100_000, '{"id": "t", "version": "v2", "percent": 5}', '{"\\ud800": 1}']
)
def test_a_senseless_trial_is_refused_and_the_one_before_goes_on(setup: Setup, text: str) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    setup.champion("v1")
    setup.trial("v2", until=setup.clock.now + 60)
    follower = setup.follower()
    follower.poll()
    follower.events.take()
    before = follower.current
    setup.client.set(setup.keys.trial, text)
    follower.poll()
    assert follower.current is before
    (event,) = follower.events.take()
    assert (event.event, event.pointer) == ("refused", "trial")
    assert str(event.reason).startswith("trial: ")
    assert len(event.trial or "") <= 65_536
