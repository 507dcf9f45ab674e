"""Following the pointers, round by round, without a thread."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from sandbox import Valkey
from scorer.model.version import VersionBytes
from scorer.registry import pointers
from scorer.registry.client import connect
from scorer.registry.following import Follower
from scorer.registry.keys import Keys
from scorer.registry.lastgood import LastGood
from scorer.registry.trial import Trial
from tests.registry.made import Made, content, digest, prepare, push
from tests.registry.servers import nobody


@dataclass
class Clock:
    """A clock that moves when it is told to; ``now`` serves as both clocks of a follower."""

    now: float = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Setup:
    client: redis.Redis
    keys: Keys
    clock: Clock
    state: LastGood

    def follower(
        self,
        client: redis.Redis | None = None,
        made_by: Callable[[VersionBytes, str, str], Made] = prepare,
    ) -> Follower[Made]:
        return Follower(
            client or self.client, self.keys, made_by, state=self.state, time=self.clock, monotonic=self.clock
        )

    def champion(self, version: str) -> str:
        return pointers.set_champion(self.client, self.keys, version, actor="ann", reason="better").id

    def trial(self, version: str, until: float, name: str = "t") -> Trial:
        trial = Trial(name, version, until=until, percent=5)
        pointers.start_trial(self.client, self.keys, trial, actor="bob", reason="try", now=self.clock.now)
        return trial


@pytest.fixture
def setup(client: redis.Redis, keys: Keys, tmp_path: Path) -> Setup:
    return Setup(client, keys, Clock(), LastGood(tmp_path / "state", keys.model))


def running(follower: Follower[Made]) -> str | None:
    champion = follower.current.champion
    return None if champion is None else champion.version


def on_trial(follower: Follower[Made]) -> Trial | None:
    on = follower.current.trial
    return None if on is None else on.trial


def source(follower: Follower[Made]) -> str:
    return follower.current.source


def away() -> redis.Redis:
    return connect(nobody())


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


def test_a_start_without_redis_uses_the_last_good_versions(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    setup.champion("v1")
    trial = setup.trial("v2", until=setup.clock.now + 60)
    setup.follower().poll()
    follower = setup.follower(away())
    follower.poll()
    assert running(follower) == "v1"
    assert follower.current.champion is not None
    assert follower.current.champion.made == Made("v1", content("v1"))
    assert source(follower) == "disk"
    assert on_trial(follower) == trial
    champion, tried = follower.events.take()
    assert (champion.event, champion.version, champion.digest) == ("applied", "v1", digest("v1"))
    assert str(champion.reason).startswith("disk: ")
    assert (tried.pointer, tried.version, tried.trial) == ("trial", "v2", trial.to_json())


def test_a_trial_that_is_over_does_not_come_back_from_disk(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    setup.champion("v1")
    setup.trial("v2", until=setup.clock.now + 60)
    setup.follower().poll()
    setup.clock.now += 60
    follower = setup.follower(away())
    follower.poll()
    assert running(follower) == "v1"
    assert on_trial(follower) is None
    assert [event.pointer for event in follower.events.take()] == ["champion"]


def test_redis_confirms_what_came_from_disk(setup: Setup, own_server: Valkey) -> None:
    push(setup.client, setup.keys, "v1")
    setup.champion("v1")
    setup.follower().poll()
    own_server.kill()
    with connect(own_server.url) as late:
        follower = setup.follower(late)
        follower.poll()
        assert source(follower) == "disk"
        own_server.restart()
        push(late, setup.keys, "v1")
        late.set(setup.keys.champion, "v1")
        follower.poll()
        assert source(follower) == "redis"
        assert [(e.version, e.previous) for e in follower.events.take()] == [("v1", None), ("v1", "v1")]


@pytest.mark.parametrize("pointer", [None, "missing", "bad version", "v9"])
def test_a_start_with_a_useless_champion_uses_the_last_good_version(setup: Setup, pointer: str | None) -> None:
    push(setup.client, setup.keys, "v1")
    push(setup.client, setup.keys, "v9", good=False)
    setup.champion("v1")
    setup.follower().poll()
    setup.client.delete(setup.keys.champion) if pointer is None else setup.client.set(setup.keys.champion, pointer)
    follower = setup.follower()
    follower.poll()
    assert running(follower) == "v1"
    assert source(follower) == "disk"


def test_damage_on_disk_is_refused_and_said(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1")
    setup.champion("v1")
    setup.follower().poll()
    (file,) = setup.state.directory.glob("*.version")
    whole = bytearray(file.read_bytes())
    whole[-1] ^= 1
    file.write_bytes(whole)
    follower = setup.follower(away())
    follower.poll()
    assert follower.current.champion is None
    assert "is damaged; delete it" in json.dumps(follower.status()["last_good"])


def test_a_disk_that_cannot_be_written_stops_nothing_and_is_tried_again(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1")
    setup.champion("v1")
    blocker = setup.state.directory.parent
    blocker.write_text("a file where the directory should be")
    follower = setup.follower()
    follower.poll()
    assert running(follower) == "v1"
    last_good = follower.status()["last_good"]
    assert isinstance(last_good, dict)
    assert last_good["saved"] is False
    assert "cannot be saved" in str(last_good["problem"])
    blocker.unlink()
    setup.clock.now += 30
    follower.poll()
    assert follower.status()["last_good"] == {"saved": True, "problem": None}
    again = setup.follower(away())
    again.poll()
    assert running(again) == "v1"


def test_a_disk_out_of_reach_does_not_stop_a_flip_back(setup: Setup, tmp_path: Path) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    setup.state = LastGood(tmp_path / ("x" * 300), setup.keys.model)  # whoever may not enter it gets an error, too
    follower = setup.follower()
    for version in ("v1", "v2", "v1"):
        setup.champion(version)
        follower.poll()
        assert running(follower) == version
    assert "cannot be saved" in follower.troubles()["the last good version"]


def test_a_file_that_vanished_is_written_again_with_the_next_flip_to_it(setup: Setup) -> None:
    push(setup.client, setup.keys, "v1", "v2")
    prepared: list[str] = []

    def counting(loaded: VersionBytes, model: str, version: str) -> Made:
        prepared.append(version)
        return prepare(loaded, model, version)

    follower = setup.follower(made_by=counting)
    for version in ("v1", "v2"):
        setup.champion(version)
        follower.poll()
    for file in setup.state.directory.glob("v1-*"):
        file.unlink()
    setup.champion("v1")
    follower.poll()
    assert prepared == ["v1", "v2"], "it is read again, but it was prepared"
    again = setup.follower(away())
    again.poll()
    assert running(again) == "v1"
