"""The champion and the challengers that the pointers in Redis name, made ready in a thread of its own.

What is followed is one object, replaced whole: the loop looks at it between two batches and never waits. The loop
records it with a tick when it changes; by itself it is no part of the state.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, cast

from monitor.judge.outputs import Outputs
from monitor.rounds import Rounds
from scorer.batch import Layout
from scorer.errors import RegistryUnavailable, VersionRefused
from scorer.model.evidence import Profile
from scorer.model.inputs import Input
from scorer.model.version import VersionBytes
from scorer.quality.table import Kind, Scale
from scorer.registry import client, pointers, versions
from scorer.registry.admission import admit
from scorer.registry.keys import Keys
from scorer.registry.pointers import Pointers, Refused
from scorer.registry.signatures import Trust
from scorer.registry.stock import Stock
from scorer.scoring.models import Active
from scorer.settings import Redis as RedisSettings
from scorer.settings import Scorer

LOGGER = logging.getLogger(__name__)

MOST_CHALLENGERS = 4
"""So many are scored in the shadow at once: each costs what the champion costs the scorer."""

RETRY_SECONDS = 5.0
"""How soon a version that was refused is looked at again: it may be pushed meanwhile."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What is followed now. ``refusals`` says of each pointer, or version, that is not followed why; by its text.

    Where the champion is refused, the one before stays, as it does in the scorers. A challenger that is refused is not
    followed: no score is better than one of another version than the pointer names.
    """

    champion: Active | None = None
    challengers: tuple[Active, ...] = ()
    refusals: Mapping[str, str] = field(default_factory=dict)

    @property
    def versions(self) -> tuple[str | None, tuple[str, ...]]:
        """The names of the champion and of the challengers: what is recorded when it changes."""
        return None if self.champion is None else self.champion.version, tuple(one.version for one in self.challengers)

    @property
    def outputs(self) -> Outputs | None:
        """What the champion's scores mean; ``None`` without champion."""
        return None if self.champion is None else outputs(self.champion)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What the champion reads."""
        return () if self.champion is None else self.champion.bound.model.inputs

    @property
    def profile(self) -> Profile | None:
        """The champion's training data, which drift is measured against; ``None`` where it came without."""
        return None if self.champion is None else self.champion.bound.model.manifest.profile


def outputs(active: Active) -> Outputs:
    """What the scores of a version mean."""
    model = active.bound.model
    return Outputs(cast("Kind", model.kind), model.classes, cast("Scale", model.scale))


class Following:
    """Follows the pointers of one model from a thread. A context manager.

    ``layout`` are the events' columns. ``now`` is what is followed, ``known`` whether Redis has answered yet. ``fixed``
    are the outputs that the state holds, where there is a state: versions with other ones are refused. ``wanted`` are
    versions that are scored in the shadow whatever the pointer names.
    """

    def __init__(
        self,
        scorer: Scorer,
        redis: RedisSettings,
        layout: Layout,
        fixed: Outputs | None = None,
        *,
        wanted: Iterable[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.now = Followed()
        self.known = False
        self.problem = ""
        self._layout, self._fixed, self._clock = layout, fixed, clock
        self._trust = Trust.of(scorer)
        self._poll_seconds = redis.poll_seconds
        self._keys = Keys(scorer.model, redis.prefix)
        self._client = client.connect_by(redis)
        self._stock = Stock(self._keys.model, self._prepare, Active.check, MOST_CHALLENGERS + 2)
        self._answered = clock()
        self._texts: tuple[object, ...] = ()  # what the pointers said, and we were told, when that was acted upon
        self._retry_at = 0.0
        self._wanted = tuple(wanted)
        self._rounds = Rounds("following", self._round)

    def __enter__(self) -> Self:
        self._rounds.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._rounds.stop()
        self._client.close()

    def fix(self, fixed: Outputs) -> None:
        """From now on refuse versions with other outputs, those that are followed already included."""
        self._fixed = fixed
        self._rounds.wake()

    def want(self, wanted: Iterable[str]) -> None:
        """From now on let these be scored in the shadow, too, whatever the pointer names."""
        new = tuple(wanted)
        if new != self._wanted:
            self._wanted = new
            self._rounds.wake()

    def check(self) -> None:
        """Raise whatever ended the thread."""
        if self._rounds.failure is not None:
            raise self._rounds.failure

    def silent(self, now: float) -> float:
        """For how many seconds Redis has not answered; ``now`` is the clock's reading."""
        return max(0.0, now - self._answered)

    def follow(self) -> None:
        """Look at the pointers once. Called by the thread; waits for Redis as long as its client does."""
        try:
            found = pointers.read(self._client, self._keys)
            self._follow(found)
        except RegistryUnavailable as error:
            if not self.problem:
                LOGGER.warning("the pointers are not known, so nothing changes: %s", error)
            self.problem = str(error)
        else:
            self.known, self.problem, self._answered = True, "", self._clock()

    def _follow(self, found: Pointers) -> None:
        wanted = self._wanted  # as it is now: the loop may change it meanwhile
        texts = (found.texts["champion"], found.texts["challenger"], wanted, self._fixed)
        due = bool(self.now.refusals) and self._clock() >= self._retry_at
        if texts == self._texts and not due:
            return
        refusals: dict[str, str] = {}
        champion = self._champion(found, refusals)
        fixed = self._fixed or (None if champion is None else outputs(champion))
        challengers = self._challengers(found, wanted, fixed, refusals)
        if found.texts["champion"] is None and self.now.champion is not None:
            # Redis was emptied: nobody has said that the challengers are none any more.
            challengers = challengers or self.now.challengers
            LOGGER.warning("there is no champion in Redis; what was followed stays: %s", self.now.versions)
        self._tell(refusals)
        self.now = Followed(champion, challengers, refusals)
        self._texts, self._retry_at = texts, self._clock() + RETRY_SECONDS

    def _champion(self, found: Pointers, refusals: dict[str, str]) -> Active | None:
        name = f"champion {found.texts['champion']}"
        ready = None
        if isinstance(found.champion, Refused):
            refusals[name] = found.champion.reason
        elif found.champion is not None:
            ready = self._ready(found.champion, self._fixed, name, refusals)
        last = self.now.champion
        fits = last is not None and self._fixed in (None, outputs(last))
        return ready or (last if fits else None)

    def _challengers(
        self, found: Pointers, also: tuple[str, ...], fixed: Outputs | None, refusals: dict[str, str]
    ) -> tuple[Active, ...]:
        if isinstance(found.challengers, Refused):
            refusals[f"challenger {found.texts['challenger']}"] = found.challengers.reason
        pointed = () if isinstance(found.challengers, Refused) else found.challengers
        champion = found.texts["champion"]
        asked = [one for one in dict.fromkeys((*also, *pointed)) if one != champion or one in pointed]
        for version in asked[MOST_CHALLENGERS:]:
            refusals[f"challenger {version}"] = f"many: only the first {MOST_CHALLENGERS} are scored"
        wanted = asked[:MOST_CHALLENGERS]
        made = [self._ready(version, fixed, f"challenger {version}", refusals) for version in wanted]
        return tuple(active for active in made if active is not None)

    def _ready(self, version: str, fixed: Outputs | None, name: str, refusals: dict[str, str]) -> Active | None:
        """The version, ready to score; ``None`` where it is refused, which is then written into ``refusals``."""
        try:
            return self._fitting(version, fixed)
        except VersionRefused as error:
            refusals[name] = f"{error.reason}: {error}"
            return None

    def _fitting(self, version: str, fixed: Outputs | None) -> Active:
        """A version never changes, so one that is followed already is not fetched again."""
        followed = {one.version: one for one in (self.now.champion, *self.now.challengers) if one is not None}
        active = followed.get(version) or self._fetched(version)
        if fixed is not None and outputs(active) != fixed:
            raise VersionRefused("outputs", f"version {version} gives {outputs(active)}, but what is kept is {fixed}")
        return active

    def _fetched(self, version: str) -> Active:
        return self._stock.make(version, versions.fetch(self._client, self._keys, version)).made

    def _prepare(self, stored: VersionBytes, model: str, version: str) -> Active:
        return _prepared(stored, self._trust, self._layout, model, version)

    def _tell(self, refusals: Mapping[str, str]) -> None:
        for name, reason in refusals.items():
            if self.now.refusals.get(name) != reason:
                LOGGER.error("%s is not followed: %s", name, reason)

    def _round(self) -> float:
        self.follow()
        return self._poll_seconds


def fetched(scorer: Scorer, redis: RedisSettings, layout: Layout, version: str) -> Active:
    """A version of the registry, ready to score, whether it is followed now or not.

    Raises RegistryUnavailable, and VersionRefused where it is not there any more or fails a check.
    """
    keys = Keys(scorer.model, redis.prefix)
    with client.connect_by(redis) as connection:
        stored = versions.fetch(connection, keys, version)
    return _prepared(stored, Trust.of(scorer), layout, scorer.model, version)


def _prepared(stored: VersionBytes, trust: Trust, layout: Layout, model: str, version: str) -> Active:
    admitted = admit(stored, trust, model=model, version=version)
    return Active(version, admitted.digest, admitted.bind(layout))
