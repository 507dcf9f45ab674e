"""Pointers in Redis, as candidates ask for them: champion by compare-and-set, and a trial that is renewed.

A thread changes them; what came of it goes back as a command of the monitor to itself. What was done before a kill is
found done: then the pointer says already what was asked for. A trial that nobody renews ends by itself.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import redis

from monitor.candidacy import POINTED
from monitor.commands import Command
from monitor.judge.candidates.register import MONITOR, Register
from monitor.rounds import Rounds
from monitor.settings import Candidates
from monitor.store.outbox import Letter
from scorer.errors import RegistryConflict, RegistryUnavailable
from scorer.registry import pointers
from scorer.registry.keys import Keys
from scorer.registry.trial import Trial

LOGGER = logging.getLogger(__name__)

TRIAL_SECONDS = 60.0
"""So long a trial lasts when nobody renews it."""

RENEW_SECONDS = 15.0
PAUSE_SECONDS = 1.0
PREFIX = "candidate-"
"""How trials of ours are named."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Who is on trial, by its id as candidate; ``begun``: the state says that it is on trial."""

    id: str
    version: str
    begun: bool


class Pointing:
    """Takes letters, and changes pointers while ``allowed``. A context manager."""

    def __init__(
        self, client: redis.Redis, keys: Keys, asked: Candidates, by: str, allowed: Callable[[], bool]
    ) -> None:
        self._client, self._keys, self._asked, self._by, self._allowed = client, keys, asked, by, allowed
        self._lock = threading.Lock()
        self._letters: dict[str, dict[str, Any]] = {}
        self._found: dict[str, Command] = {}
        self._tried: Tried | None = None
        self._known = False
        self._renewed = 0.0
        self.problem = ""
        self._rounds = Rounds("pointing", self._round)

    def __enter__(self) -> Self:
        self._rounds.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._rounds.stop()

    def check(self) -> None:
        """Raise whatever ended the thread."""
        if self._rounds.failure is not None:
            raise self._rounds.failure

    def offer(self, letters: Sequence[Letter], register: Register) -> None:
        """All that is asked for now, and who is on trial. Never waits for Redis."""
        tried = next((Tried(one.id, one.version, one.state == "on trial") for one in register.open
                      if one.state == "on trial" or one.asked == "on trial"), None)  # fmt: skip
        with self._lock:
            new = {letter.id: json.loads(letter.payload) for letter in letters}
            changed = new.keys() != self._letters.keys() or tried != self._tried
            self._letters, self._tried, self._known = new, tried, True
            self._found = {name: one for name, one in self._found.items() if name in new or name.startswith("lost")}
        if changed:
            self._rounds.wake()

    def found(self) -> dict[str, Command]:
        """What came of letters, by their ids, until they are offered no more; and of a trial that somebody ended."""
        with self._lock:
            found = dict(self._found)
            self._found = {name: one for name, one in found.items() if not name.startswith("lost")}
        return found

    def _round(self) -> float:
        with self._lock:
            due = {name: facts for name, facts in self._letters.items() if name not in self._found}
            tried, known = self._tried, self._known
        if not known or not self._allowed():
            return PAUSE_SECONDS
        try:
            for name, facts in due.items():
                done, why = self._change(facts)
                with self._lock:
                    self._found[name] = _command(name, facts, done, why)
            self._keep_trial(tried)
            self.problem = ""
        except (RegistryConflict, RegistryUnavailable) as error:
            if not self.problem:
                LOGGER.warning("pointers are not changed, and are tried again: %s", error)
            self.problem = str(error)
        return PAUSE_SECONDS

    def _change(self, facts: dict[str, Any]) -> tuple[bool, str]:
        """Do what a letter asks for; whether it is so now, and in words."""
        asked, version, against = facts["asked"], facts["version"], facts["against"]
        said = pointers.read(self._client, self._keys)
        reason = f"candidate {facts['id']}: {asked}"
        try:
            if asked == "on trial":
                if said.texts["champion"] != against:
                    return False, f"the champion is {said.texts['champion']}, and not {against}"
                self._start(facts["id"], version, reason)
                return True, f"the trial {PREFIX}{facts['id']} has begun"
            to, before = (version, against) if asked == "promoted" else (against, version)
            if said.texts["champion"] != to:
                pointers.set_champion(self._client, self._keys, to, actor=self._by, reason=reason, expect=before)
        except RegistryConflict as error:
            return False, str(error)
        return True, f"the champion is {to}, after {before}"

    def _start(self, id_: str, version: str, reason: str) -> None:
        now, asked = time.time(), self._asked
        trial = Trial(
            id=f"{PREFIX}{id_}",
            version=version,
            until=round(now + TRIAL_SECONDS, 3),
            percent=None if asked.trial_field else asked.trial_percent,
            field=asked.trial_field or None,
            values=tuple(asked.trial_values) if asked.trial_field else (),
        )
        pointers.start_trial(self._client, self._keys, trial, actor=self._by, reason=reason, now=now)
        self._renewed = time.monotonic()

    def _keep_trial(self, tried: Tried | None) -> None:
        """Renew the trial of ours, end one that nobody is on any more, and see where somebody else has ended it."""
        if tried is not None and (not tried.begun or time.monotonic() < self._renewed + RENEW_SECONDS):
            return
        said = pointers.read(self._client, self._keys)
        present = said.trial if isinstance(said.trial, Trial) else None
        ours = present is not None and present.id.startswith(PREFIX)
        if tried is None:
            if ours:
                pointers.stop_trial(
                    self._client, self._keys, actor=self._by, reason="the candidate is on trial no more"
                )
            return
        name = f"{PREFIX}{tried.id}"
        if said.texts["trial"] is not None and (present is None or present.id != name):
            self._lost(tried, f"the trial {name} was replaced by {said.texts['trial']}")
        elif present is None and self._renewed and said.texts["champion"] is not None:
            self._lost(tried, f"the trial {name} was removed")
        else:
            self._start(tried.id, tried.version, f"candidate {tried.id}: renewed")

    def _lost(self, tried: Tried, why: str) -> None:
        facts = {"id": tried.id, "asked": None, "moves": 0}
        name = f"lost-{tried.id}-{time.time_ns()}"
        with self._lock:
            self._found[name] = _command(name, facts, False, why)
        self._renewed = time.monotonic()


def _command(name: str, facts: dict[str, Any], done: bool, why: str) -> Command:
    payload = {key: facts[key] for key in ("id", "asked", "moves")} | {"done": done}
    return Command(f"pointed/{name}", POINTED, MONITOR, why, None, payload)
