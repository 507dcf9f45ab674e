"""Following the pointers: from what Redis says to what this process scores with.

``Follower.poll`` is one round and needs no thread. Whatever happens in it, ``current`` is the last good state; it is
replaced whole, so the loop reads it without a lock, once per batch.
"""

from __future__ import annotations

import time as clocks
from collections.abc import Callable
from dataclasses import replace
from typing import Generic, Literal, TypeVar

import redis

from scorer.errors import RegistryUnavailable, SettingsError, VersionRefused
from scorer.registry import trial as trials
from scorer.registry import versions
from scorer.registry.current import Current, OnTrial
from scorer.registry.events import EventQueue, PointerEvent
from scorer.registry.followed import Candidate, Followed
from scorer.registry.instances import Json
from scorer.registry.keys import Keys
from scorer.registry.lastgood import LastGood, Saved
from scorer.registry.look import Look, look
from scorer.registry.pointers import Refused
from scorer.registry.saving import Saving
from scorer.registry.stock import Prepare, Ready, Stock
from scorer.registry.trial import Trial

T = TypeVar("T")

_LONGEST_PAUSE = 60.0
_ROUNDS = 8


class Follower(Generic[T]):
    """Follows champion and trial of one model. Other threads use ``current``, ``status``, ``events``, ``rounds`` only.

    ``check`` raises VersionRefused for a prepared version that no longer does what it should; it is asked before every
    swap to one that was prepared earlier. ``allow`` raises it for a trial that this process could not carry out.
    ``time`` is in seconds since the epoch, ``monotonic`` a steady clock in seconds. A refused version is tried again
    after ``retry_seconds``, then twice as long and so on up to a minute; at once when a pointer or push concerns it.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        prepare: Prepare[T],
        *,
        check: Callable[[T], None],
        allow: Callable[[Trial], None] = lambda _trial: None,
        state: LastGood | None = None,
        limit: int = versions.LIMIT,
        kept: int = 4,
        retry_seconds: float = 5.0,
        time: Callable[[], float] = clocks.time,
        monotonic: Callable[[], float] = clocks.monotonic,
    ) -> None:
        self.client, self.keys = client, keys
        self.events = EventQueue()
        self.rounds = 0
        self.current: Current[T] = Current(None, None, "redis", time())
        self._stock = Stock(keys.model, prepare, check, kept)
        self._allow = allow
        self._state, self._limit, self._retry_seconds = state, limit, retry_seconds
        self._time, self._monotonic = time, monotonic
        self._champion: Followed[T] = Followed("champion")
        self._trial: Followed[T] = Followed("trial")
        self._last: str | None = None
        self._challengers: str | None = None
        self._audit_problem: str | None = None
        self._answered: float | None = None
        self._error: str | None = None
        self._last_error: dict[str, Json] | None = None
        self._outages = 0
        self._refusal: dict[str, Json] | None = None
        self._saving: Saving[T] = Saving(state, monotonic)
        self._disk_at = 0.0
        self._disk_tries = 0

    @property
    def away(self) -> bool:
        """Whether Redis failed to answer in the last round."""
        return self._error is not None

    def poll(self) -> None:
        """One round: look, get ready what is wanted, look again, swap. Never raises because of Redis or a version."""
        try:
            for _ in range(_ROUNDS):
                self._note(look(self.client, self.keys, self._last))
                if not self._advance():
                    break
            self._error = None
        except RegistryUnavailable as error:
            self._outages += self._error is None
            self._error = str(error)
            self._last_error = {"text": self._error, "at": self._time()}
        if self.current.champion is None:
            self._start_from_disk()
        self._end_trial()
        self._saving.save(self.current)
        self.rounds += 1

    def _note(self, seen: Look) -> None:
        first, now = self._last is None, self._time()
        self._answered, self._last = self._monotonic(), seen.last
        texts = seen.pointers.texts
        self._challengers, self._audit_problem = texts["challenger"], seen.problem
        for pointer, value in ((self._champion, seen.pointers.champion), (self._trial, seen.pointers.trial)):
            commands = [entry for entry in seen.entries if entry.pointer == pointer.name]
            if first:
                # What was commanded before this process began is not its business, except who set what is there.
                commands = [entry for entry in commands[-1:] if entry.new == texts[pointer.name]]
            for event in pointer.note(value, texts[pointer.name], commands, now):
                self.events.put(event)
            if any(entry.kind == "push" and entry.new == pointer.version for entry in seen.entries):
                pointer.retry_at = 0.0

    def _advance(self) -> bool:
        """Do what is due. Returns whether a version was made ready: then the pointers must be read once more,
        because a version that took long to prepare may have been overtaken and must not be applied any more."""
        prepared = False
        for pointer in (self._champion, self._trial):
            if not pointer.due(self._monotonic()):
                continue
            if isinstance(pointer.value, Refused):
                self._refuse(pointer, pointer.value.reason)
            elif isinstance(pointer.value, Trial) and not pointer.value.live(self._time()):
                pointer.state = "over"
            elif pointer.candidate is not None:
                self._apply(pointer, pointer.candidate)
            else:
                prepared |= self._prepare(pointer)
        return prepared

    def _prepare(self, pointer: Followed[T]) -> bool:
        version = pointer.version or ""
        try:
            if isinstance(pointer.value, Trial):
                self._allow(pointer.value)
            pointer.candidate = self._ready(pointer, version)
        except VersionRefused as error:
            self._refuse(pointer, f"{error.reason}: {error}")
            return False
        pointer.state = "wanted"
        return True

    def _ready(self, pointer: Followed[T], version: str) -> Candidate[T]:
        # The manifest is read even if the version is in stock: a process that has it there and one that has not must
        # come to the same result where the version was removed from Redis or replaced.
        head = versions.head(self.client, self.keys, version, self._limit)
        pointer.digest = head.digest
        ready = self._stock.find(version, head.digest, head.signature)
        if ready is not None and self._saving.holds(version, head.digest):
            return Candidate(ready, None)
        content = versions.fetch(self.client, self.keys, version, self._limit)
        return Candidate(self._stock.make(version, content), content)

    def _refuse(self, pointer: Followed[T], reason: str) -> None:
        at = self._time()
        if pointer.state != "refused" or pointer.reason != reason:
            self.events.put(pointer.event("refused", at=at, previous=self._running(pointer), reason=reason))
            refused: dict[str, Json] = {"pointer": pointer.name, "version": pointer.version or pointer.text}
            self._refusal = refused | {"reason": reason, "at": at}
        pause = min(self._retry_seconds * 2.0 ** min(pointer.refusals, 10), _LONGEST_PAUSE)
        pointer.state, pointer.reason, pointer.candidate = "refused", reason, None
        pointer.refusals, pointer.retry_at = pointer.refusals + 1, self._monotonic() + pause

    def _apply(self, pointer: Followed[T], candidate: Candidate[T]) -> None:
        pointer.digest = candidate.ready.digest
        event = pointer.event("applied", at=self._time(), previous=self._running(pointer))
        if isinstance(pointer.value, Trial):
            self._swap(event, trial=OnTrial(pointer.value, candidate.ready))
        else:
            self._swap(event, champion=candidate.ready)
        pointer.state, pointer.reason, pointer.candidate = "applied", None, None
        self._saving.keep(candidate.ready.digest, candidate.content)

    def _swap(
        self,
        event: PointerEvent,
        *,
        champion: Ready[T] | None = None,
        trial: OnTrial[T] | None = None,
        source: Literal["redis", "disk"] = "redis",
    ) -> None:
        """Replace champion or trial (``None`` for both: end the trial).

        The event waits before the reference is replaced, so whoever scores with the new version finds the event.
        """
        self.events.put(event)
        now = self.current
        if champion is not None:
            self.current = Current(champion, now.trial, source, event.at)
        else:
            self.current = replace(now, trial=trial, since=event.at)
        self._saving.changed()

    def _end_trial(self) -> None:
        """End the trial when its time is over, or when its pointer was removed.

        Where the champion's pointer is gone as well, nobody ended the trial: Redis lost everything.
        """
        on, pointer = self.current.trial, self._trial
        if on is None:
            return
        at, last = self._time(), pointer.command
        stopped = last is not None and last.new is None
        removed = self._last is not None and pointer.text is None and (self._champion.text is not None or stopped)
        if not on.trial.live(at) or removed:
            event = pointer.event("applied", at=at, previous=on.ready.version)
            reason = None if removed else "over: the trial's until has passed"
            self._swap(replace(event, version=None, digest=None, trial=on.trial.to_json(), reason=reason))
            pointer.state = "absent" if pointer.text is None else "over"

    def _running(self, pointer: Followed[T]) -> str | None:
        on = self.current.trial
        running = self.current.champion if pointer.name == "champion" else on.ready if on is not None else None
        return None if running is None else running.version

    def _start_from_disk(self) -> None:
        """Take the last good versions from disk, where Redis gave none."""
        if self._state is None or self._monotonic() < self._disk_at:
            return
        self._disk_at = self._monotonic() + min(self._retry_seconds * 2.0 ** min(self._disk_tries, 10), _LONGEST_PAUSE)
        self._disk_tries += 1
        try:
            applied = self._state.applied()
            champion = self._from_disk(self._state, applied.champion)
            self._swap(self._disk_event("champion", champion, None), champion=champion, source="disk")
            if applied.trial is not None and applied.trial.trial is not None:
                trial = trials.parse(applied.trial.trial)
                if trial.live(self._time()):
                    self._allow(trial)
                    on = OnTrial(trial, self._from_disk(self._state, applied.trial))
                    self._swap(self._disk_event("trial", on.ready, applied.trial.trial), trial=on)
            self._saving.found()
        except (VersionRefused, SettingsError) as error:
            self._saving.problem = str(error)

    def _from_disk(self, state: LastGood, saved: Saved) -> Ready[T]:
        return self._stock.make(saved.version, state.read(saved.version, saved.digest))

    def _disk_event(self, pointer: Literal["champion", "trial"], ready: Ready[T], trial: str | None) -> PointerEvent:
        at = self._time()
        why = self._error or f"{self.keys.champion} is {self._champion.state}"
        reason = f"disk: the last good version, because Redis gave none ({why})"
        return PointerEvent(at, "applied", pointer, ready.version, ready.digest, None, at, reason, trial=trial)

    def troubles(self) -> dict[str, str]:
        """What is in the way, by where: Redis, the audit stream, the disk."""
        said = {"Redis": self._error, "the audit": self._audit_problem}
        if self.away or self.current.champion is not None:  # else the disk was only asked because nothing is set yet
            said["the last good version"] = self._saving.problem
        if self.events.dropped:
            said["M.audit"] = f"{self.events.dropped} events were dropped, because nothing could be written for long"
        return {where: why for where, why in said.items() if why is not None}

    def status(self) -> dict[str, Json]:
        """Everything an operator may ask about the pointers, as plain JSON values."""
        current, answered, on = self.current, self._answered, self.current.trial
        trial = self._about(self._trial, None if on is None else on.ready)
        return {
            "source": current.source,
            "since": current.since,
            "champion": self._about(self._champion, current.champion),
            "trial": trial | {"json": None if on is None else on.trial.to_json()},
            "challenger": {"pointer": self._challengers},
            "last_refusal": self._refusal,
            "rounds": self.rounds,
            "troubles": [f"{where}: {why}" for where, why in self.troubles().items()],
            "redis": {
                "seconds_since_answer": None if answered is None else self._monotonic() - answered,
                "error": self._error,
                "last_error": self._last_error,
                "outages": self._outages,
            },
            "audit": {"problem": self._audit_problem},
            "last_good": {"saved": self._saving.done, "problem": self._saving.problem},
            "events": {"waiting": len(self.events), "dropped": self.events.dropped},
        }

    def _about(self, pointer: Followed[T], running: Ready[T] | None) -> dict[str, Json]:
        return {
            "version": None if running is None else running.version,
            "digest": None if running is None else running.digest.hex(),
            "pointer": pointer.text,
            "seen": pointer.seen or None,
            "state": pointer.state,
            "reason": pointer.reason,
        }
