"""Redis: whether it can be reached, and whether this user has the rights that a scorer needs, and no others."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass

import redis

from scorer.checks.finding import Finding, failed
from scorer.errors import ScorerError
from scorer.registry import acl, instances
from scorer.registry.client import address, answering, connect_by
from scorer.registry.keys import Keys
from scorer.registry.look import look
from scorer.registry.pointers import Pointers
from scorer.settings import Settings

_EXPIRES_SECONDS = 1.0
_EXCESS = ("set pointers", "replace versions", "delete other keys")
"""What is tried of all that a scorer needs no right to."""


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry that answers, and what its pointers say."""

    client: redis.Redis
    keys: Keys
    pointers: Pointers


def check(settings: Settings) -> Generator[Finding, None, Registry | None]:
    """Reach it, read it, write to it; returns the registry where it can be read."""
    given = settings.redis
    try:
        client = connect_by(given)
        keys = Keys(settings.scorer.model, given.prefix)
        with answering(client, "reach Redis"):
            client.ping()
        yield Finding("redis", "ok", f"{address(client)} answers")
        seen = look(client, keys, None)
    except ScorerError as error:
        yield failed("redis", error)
        return None
    if seen.problem is not None:
        yield Finding("redis", "failed", f"the audit stream cannot be read: {seen.problem}", _advice(keys))
    yield from _rights(client, keys, settings.scorer.instance)
    return Registry(client, keys, seen.pointers)


def _rights(client: redis.Redis, keys: Keys, instance: str) -> Generator[Finding]:
    # A name of its own, within what a scorer of this instance may write: a running one is not disturbed.
    name = f"{instance}-check"[:100]
    try:
        instances.renew(client, keys, name, {}, _EXPIRES_SECONDS)
        instances.remove(client, keys, name)
    except ScorerError as error:
        yield failed("redis rights", error)
        return
    try:
        with answering(client, "listen for changes"), client.pubsub() as pubsub:  # type: ignore[no-untyped-call]
            pubsub.subscribe(keys.wake)
            pubsub.get_message(timeout=client.connection_pool.connection_kwargs["socket_timeout"])
    except ScorerError as error:
        yield failed("redis rights", error)
        return
    with answering(client, "try the rights"):
        more = [what for what, command in _excess(client, keys) if _allowed(command)]
    if more:
        text = f"this user may {', '.join(more)}, which a scorer never does"
        yield Finding("redis rights", "warning", text, _advice(keys))
    else:
        yield Finding(
            "redis rights",
            "ok",
            f"this user may read the registry and write the instance keys; it may not {', '.join(_EXCESS)}",
        )


def _excess(client: redis.Redis, keys: Keys) -> list[tuple[str, Callable[[], object]]]:
    """What a scorer needs no right to, each tried in a way that changes nothing: rights are judged first.

    SET with both NX and XX is a syntax error, and a key with a random name is not there to be deleted.
    """
    nobody = f"{keys.prefix}:{keys.model}:check:{uuid.uuid4().hex}"

    def set_(key: str) -> Callable[[], object]:
        return lambda: client.execute_command("SET", key, "", "NX", "XX")  # type: ignore[no-untyped-call]

    tries = (set_(keys.champion), set_(keys.version("check", "manifest")), lambda: client.delete(nobody))
    return list(zip(_EXCESS, tries, strict=True))


def _allowed(command: Callable[[], object]) -> bool:
    try:
        command()
    except redis.exceptions.NoPermissionError:
        return False
    except redis.ResponseError:
        return True  # the rights were there, and only then the command was found to make no sense
    else:
        return True


def _advice(keys: Keys) -> str:
    return f"give it these rights and no others: {acl.command(keys)}"
