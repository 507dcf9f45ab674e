"""Changing several keys at once, on the condition that nobody else changed what was read: WATCH … MULTI … EXEC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import redis
from redis.client import Pipeline

from scorer.errors import RegistryConflict
from scorer.registry.client import address, answering

R = TypeVar("R")

_ATTEMPTS = 5


def transaction(
    client: redis.Redis, what: str, watched: Sequence[str], body: Callable[[Pipeline], R]
) -> tuple[R, list[object]]:
    """Run ``body`` with ``watched`` under WATCH, then what it queued after ``pipe.multi()``.

    ``body`` reads at once and may raise RegistryConflict, in which case nothing is changed. Where another client
    changed a watched key in between, everything is done again, a few times. Returns what ``body`` returned and the
    answers to the queued commands. RegistryUnavailable says when the outcome is unknown.
    """
    for _ in range(_ATTEMPTS):
        try:
            with answering(client, what), client.pipeline() as pipe:
                pipe.watch(*watched)  # type: ignore[no-untyped-call]  # untyped in redis
                result = body(pipe)
                with answering(client, what, changing=True):
                    return result, list(pipe.execute())
        except redis.WatchError:
            continue
    raise RegistryConflict(
        f"cannot {what} at {address(client)}: others changed the same keys {_ATTEMPTS} times meanwhile; try again"
    )
