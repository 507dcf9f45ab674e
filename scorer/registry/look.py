"""One look at Redis: the pointers, and the commands since the last look, at the same moment."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from scorer.registry import audit, pointers
from scorer.registry.audit import START, Entry
from scorer.registry.client import answering
from scorer.registry.keys import Keys
from scorer.registry.pointers import Pointers

_AT_START = 100


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen. ``last`` goes to the next look; ``problem`` says why there are no entries where that is odd."""

    pointers: Pointers
    entries: tuple[Entry, ...]
    last: str
    problem: str | None = None


def look(client: redis.Redis, keys: Keys, since: str | None) -> Look:
    """Read the pointers and the entries after ``since``, oldest first, in one MULTI.

    Without ``since`` (the first look) the entries are the newest ones. A stream that begins anew, after FLUSHALL or a
    failover that lost its end, is read from its beginning. RegistryUnavailable.
    """
    with answering(client, "read the pointers"), client.pipeline() as pipe:
        pointers.queue_read(pipe, keys)
        if since is None:
            pipe.xrevrange(keys.audit, count=_AT_START)
        else:
            pipe.xrange(keys.audit, min=f"({since}", count=1_000)
        pipe.xrevrange(keys.audit, count=1)
        answers = pipe.execute(raise_on_error=False)
    found = pointers.understood(answers[:4])
    if isinstance(answers[4], Exception):
        return Look(found, (), since or START, f"{keys.audit}: {answers[4]}")
    newest = audit.page(answers[5], START).last
    if since is None:
        return Look(found, audit.page(answers[4], START).entries[::-1], newest)
    if audit.id_order(newest) < audit.id_order(since):
        return Look(found, (), START) if newest == START else look(client, keys, START)
    page = audit.page(answers[4], since)
    return Look(found, page.entries, page.last)
