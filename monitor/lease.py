"""The lease of a model's monitor: of several processes one is at work, and the others stand by.

The lease is a key in Redis that expires unless it is renewed. With it comes a number, greater than all that were given
out before, which goes into the state and into every record that is written outside: so a record that a former owner
writes late is known by its lower number. The number follows the clock of the server where that is ahead of the last
number, so that it grows even where Redis was emptied or an older copy of it took over.

What an owner may do follows from what it knows (``Standing``):

============  =========================================================  ======  ===============  =====================
standing      it is so because                                           reads   writes, mails    pointers, commands
============  =========================================================  ======  ===============  =====================
``WAITING``   another process has the lease, or Redis never answered     no      no               no
``HELD``      it was renewed in time                                     yes     yes              yes
``AWAY``      it has run out, and Redis does not answer                  yes     yes              no
``UNSURE``    it has run out, and Redis was not asked since              yes     no               no
``LOST``      Redis says that another process has or had it since        no      no               no
============  =========================================================  ======  ===============  =====================

An owner that is cut off from Redis goes on judging and alarming: the lock of its state file keeps others from that, and
a process elsewhere that takes the lease meanwhile has a greater number. A process that was frozen is ``UNSURE`` when it
wakes, so it writes nothing before it has asked.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from types import TracebackType
from typing import Self, cast

import redis
from redis.client import Pipeline

from monitor.rounds import Rounds
from scorer.errors import RegistryConflict, RegistryUnavailable, ScorerError
from scorer.registry.client import answering, primary
from scorer.registry.keys import Keys

LONGEST_PAUSE = 1.0
"""Seconds between two rounds at most: a stand-by learns so late that the lease is free."""

# KEYS: lease, fence. ARGV: holder, milliseconds, the number that the holder had (0: none yet). Both keys hold a number,
# a space and its holder. Whose number was given out last is known beyond the end of the lease. What somebody else has
# written into the lease is a holder like others; into the fence, no number at all.
_HOLD = """
local function number(text)
  local found = tonumber(string.match(text, '^(%d+) ')) or 0
  return found < 9007199254740991 and found or 0
end
local function ours(text) return string.match(text, '^%d+ (.*)$') == ARGV[1] end
local function text_of(key, otherwise)
  local kind = redis.call('TYPE', key)['ok']
  return kind == 'string' and redis.call('GET', key) or kind ~= 'none' and otherwise
end
local lease, fence = text_of(KEYS[1], 'what is no text, under ' .. KEYS[1]), text_of(KEYS[2], '')
local had = tonumber(ARGV[3])
if lease and not ours(lease) then return {'other', lease} end
if lease and number(lease) >= had then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {'held', lease}
end
local last = fence and number(fence) or 0
if had > 0 and last > had and not ours(fence) then return {'other', fence} end
local now = redis.call('TIME')
local text = string.format('%.0f', math.max(last, had, now[1] * 1000000 + now[2]) + 1) .. ' ' .. ARGV[1]
redis.call('SET', KEYS[1], text, 'PX', ARGV[2])
redis.call('SET', KEYS[2], text)
return {'held', text}
"""

_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class LeaseLost(ScorerError):
    """Raised in a monitor whose lease another process has taken. Stop at once, write nothing; a restart stands by."""

    exit_code = 18


class Standing(Enum):
    """What a process knows about its lease; see the table above."""

    WAITING = "waiting"
    HELD = "held"
    AWAY = "away"
    UNSURE = "unsure"
    LOST = "lost"

    @property
    def writes(self) -> bool:
        """Whether records and mails may go out."""
        return self in (Standing.HELD, Standing.AWAY)


@dataclass(frozen=True, slots=True)
class _Known:
    """``number`` 0: never had. ``until`` is when it runs out, ``silent`` when Redis last failed to answer, both by our
    steady clock; ``other`` is who has it instead, ``problem`` why Redis does not answer."""

    number: int = 0
    until: float = float("-inf")
    silent: float = float("-inf")
    other: str = ""
    problem: str = ""


class Lease:
    """Gets, renews and, at the end, releases the lease of one model in a thread of its own. A context manager.

    ``seconds`` after the last renewal another process may have it; that should be several times what the client waits
    for an answer. ``clock`` is a steady one, in seconds; its present reading is the argument ``now`` of the rest.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        seconds: float,
        *,
        holder: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.holder = holder or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._client, self._keys, self._seconds, self._clock = client, keys, seconds, clock
        self._known = _Known()
        self._rounds = Rounds("lease", self._round)

    def __enter__(self) -> Self:
        self._rounds.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._rounds.stop()
        self.release()

    @property
    def number(self) -> int:
        """The number that came with the lease; 0 before it was held. It grows where the lease is taken anew."""
        return self._known.number

    @property
    def problem(self) -> str:
        """Why the lease is not held, in words; empty while nothing is wrong."""
        known = self._known
        return known.problem or (f"the lease is held by {known.other}" if known.other else "")

    def standing(self, now: float) -> Standing:
        """What is known at ``now``. Never waits."""
        known = self._known
        if not known.number:
            return Standing.WAITING
        if known.other:
            return Standing.LOST
        if now < known.until:
            return Standing.HELD
        asked_since = known.silent >= known.until and now - known.silent < self._seconds
        return Standing.AWAY if asked_since else Standing.UNSURE

    def check(self) -> None:
        """Raise LeaseLost where another process has it, and whatever ended the thread."""
        if self._rounds.failure is not None:
            raise self._rounds.failure
        if self._known.number and self._known.other:
            raise LeaseLost(
                f"this monitor of {self._keys.model}, number {self._known.number}, has lost its lease to "
                f"{self._known.other}: it stops without writing anything more"
            )

    def ask(self) -> None:
        """Get the lease, or renew it. Called by the thread; waits for Redis as long as its client does."""
        asked = self._clock()  # before the server can begin to count
        known = self._known
        try:
            primary(self._client)
            with answering(self._client, "hold the lease of the monitor"):
                answer = self._client.eval(
                    _HOLD,
                    2,
                    self._keys.lease,
                    self._keys.fence,
                    self.holder,
                    str(int(self._seconds * 1_000)),
                    str(known.number),
                )
        except RegistryUnavailable as error:
            self._known = replace(known, silent=self._clock(), problem=str(error))
            return
        outcome, text = (part.decode("utf-8", "replace") for part in cast("list[bytes]", answer))
        if outcome == "held":
            self._known = _Known(number=int(text.partition(" ")[0]), until=asked + self._seconds)
        else:
            self._known = replace(known, other=text, problem="")

    def release(self) -> None:
        """Let another process have it at once; where Redis does not answer, it has to wait until the lease runs out."""
        known = self._known
        if known.number and not known.other:
            try:
                with answering(self._client, "release the lease of the monitor"):
                    self._client.eval(_RELEASE, 1, self._keys.lease, f"{known.number} {self.holder}")
            except RegistryUnavailable as error:
                self._known = replace(known, problem=str(error))

    def require(self, pipe: Pipeline) -> None:
        """RegistryConflict where the lease is not ours any more: for a change of pointers, before its MULTI.

        ``keys.lease`` must be under WATCH.
        """
        found = pipe.get(self._keys.lease)
        if found != f"{self._known.number} {self.holder}".encode():
            raise RegistryConflict(
                f"the lease of the monitor of {self._keys.model} is not ours any more; nothing was changed"
            )

    def _round(self) -> float:
        if self.standing(self._clock()) is not Standing.LOST:
            self.ask()
        return min(LONGEST_PAUSE, self._seconds / 4.0)
