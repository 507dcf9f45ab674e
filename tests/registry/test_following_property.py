"""Any sequence of pushes, flips, losses and outages: the current version is always the last good one applied."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import Valkey
from scorer.errors import RegistryConflict
from scorer.registry import pointers
from scorer.registry.client import connect
from scorer.registry.following import Follower
from scorer.registry.keys import Keys
from scorer.registry.lastgood import LastGood
from tests.registry.made import Made, content, digest, prepare, push, unchecked

KEYS = Keys("flights")
GOOD = ("v1", "v2", "v3")
NAMES = (*GOOD, "bad")

ACTIONS = st.one_of(
    st.tuples(st.sampled_from(["push", "set", "command", "remove"]), st.sampled_from(NAMES)),
    st.tuples(st.just("set"), st.just("no name")),
    st.tuples(
        st.sampled_from(["flush", "unset", "poll", "poll", "poll", "outage", "restart", "frozen start"]), st.none()
    ),
)


@dataclass
class Expected:
    """What should be, by the plainest rules."""

    stored: set[str] = field(default_factory=set)
    pointer: str | None = None
    running: str | None = None
    saved: str | None = None
    applied: list[str] = field(default_factory=list)

    def look(self) -> None:
        if self.pointer in self.stored and self.pointer in GOOD:
            self.running = self.saved = self.pointer
        elif self.running is None:
            self.running = self.saved


class Clock:
    """Every look at it is long after the one before, so that pauses are always over."""

    now = 1_000_000_000.0

    def __call__(self) -> float:
        self.now += 1_000.0
        return self.now


class World:
    """The real server and follower, and what is expected of them, moved along together."""

    def __init__(self, server: Valkey, directory: Path) -> None:
        self.server, self.expected = server, Expected()
        self.state = LastGood(directory, KEYS.model)
        self.client = connect(server.url, timeout=5.0)
        self.impatient = connect(server.url, timeout=0.05)
        self.client.flushall()
        self.follower = self.new()

    def new(self) -> Follower[Made]:
        clock = Clock()
        return Follower(
            self.client, KEYS, prepare, check=unchecked, state=self.state, kept=2, time=clock, monotonic=clock
        )

    def close(self) -> None:
        self.client.close()
        self.impatient.close()

    def act(self, action: str, name: str | None) -> None:
        {
            "push": self._push,
            "set": self._set,
            "command": self._command,
            "remove": self._remove,
            "flush": self._flush,
            "unset": self._unset,
            "poll": self._poll,
            "outage": self._outage,
            "restart": self._restart,
            "frozen start": self._frozen_start,
        }[action](name or "")

    def _push(self, name: str) -> None:
        push(self.client, KEYS, name, good=name in GOOD)
        self.expected.stored.add(name)

    def _set(self, name: str) -> None:
        self.client.set(KEYS.champion, name)
        self.expected.pointer = name

    def _command(self, name: str) -> None:
        try:
            pointers.set_champion(self.client, KEYS, name, actor="ann", reason="")
        except RegistryConflict:
            assert name not in self.expected.stored
        else:
            assert name in self.expected.stored
            self.expected.pointer = name

    def _remove(self, name: str) -> None:
        self.client.delete(*KEYS.version_parts(name))
        self.expected.stored.discard(name)

    def _flush(self, _: str) -> None:
        self.client.flushall()
        self.expected.stored.clear()
        self.expected.pointer = None

    def _unset(self, _: str) -> None:
        self.client.delete(KEYS.champion)
        self.expected.pointer = None

    def _poll(self, _: str) -> None:
        self.follower.poll()
        assert not self.follower.away
        self.expected.look()

    def _outage(self, _: str) -> None:
        self.follower.client, patient = self.impatient, self.follower.client
        self.server.freeze()
        try:
            self.follower.poll()
        finally:
            self.server.thaw()
        assert self.follower.away
        self.follower.client = patient
        self.expected.running = self.expected.running or self.expected.saved

    def _restart(self, _: str) -> None:
        self.follower = self.new()
        self.expected.running = None

    def _frozen_start(self, _: str) -> None:
        self._restart("")
        self._outage("")

    def check(self) -> None:
        champion, expected = self.follower.current.champion, self.expected.running
        assert (champion and champion.version) == expected
        if champion is not None:
            assert champion.digest == digest(champion.version)
            assert champion.made == Made(champion.version, content(champion.version))
        for event in self.follower.events.take():
            if event.event == "applied" and event.version is not None:
                assert event.version in GOOD
                last = event.version
                self.expected.applied.append(last)
        if champion is not None:
            assert self.expected.applied[-1] == champion.version, "the last applied event names what is running"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(ACTIONS, max_size=25))
def test_the_last_good_version_goes_on(server: Valkey, actions: list[tuple[str, str | None]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = World(server, Path(directory))
        try:
            for action, name in actions:
                world.act(action, name)
                world.check()
        finally:
            world.close()
