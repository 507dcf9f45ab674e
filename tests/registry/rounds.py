"""A follower whose rounds are run one by one, with a clock that is set by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import redis

from scorer.model.version import VersionBytes
from scorer.registry import pointers
from scorer.registry.client import connect
from scorer.registry.following import Follower
from scorer.registry.keys import Keys
from scorer.registry.lastgood import LastGood
from scorer.registry.trial import Trial
from tests.registry.made import Made, prepare, unchecked
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
            client or self.client,
            self.keys,
            made_by,
            check=unchecked,
            state=self.state,
            time=self.clock,
            monotonic=self.clock,
        )

    def champion(self, version: str) -> str:
        return pointers.set_champion(self.client, self.keys, version, actor="ann", reason="better").id

    def trial(self, version: str, until: float, name: str = "t") -> Trial:
        trial = Trial(name, version, until=until, percent=5)
        pointers.start_trial(self.client, self.keys, trial, actor="bob", reason="try", now=self.clock.now)
        return trial


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
