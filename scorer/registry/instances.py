"""What each running process says about itself: one key per process, which expires unless it is renewed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

import redis

from scorer.registry.client import answering
from scorer.registry.keys import Keys

EXPIRES_SECONDS = 15.0
"""How long a key lives after it was renewed."""

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Instance:
    """One live process. ``report`` is what it said; ``None``, with ``problem``, where that cannot be read."""

    name: str
    report: dict[str, Json] | None
    problem: str | None = None


def renew(client: redis.Redis, keys: Keys, instance: str, report: Mapping[str, Json], seconds: float) -> None:
    """Say that ``instance`` is alive, for the next ``seconds``. RegistryUnavailable."""
    with answering(client, "renew the instance key"):
        client.set(keys.instance(instance), json.dumps(report, ensure_ascii=False), px=int(seconds * 1_000))


def remove(client: redis.Redis, keys: Keys, instance: str) -> None:
    """Say that ``instance`` has ended. RegistryUnavailable."""
    with answering(client, "remove the instance key"):
        client.delete(keys.instance(instance))


def live(client: redis.Redis, keys: Keys) -> list[Instance]:
    """All live processes, by name. RegistryUnavailable."""
    with answering(client, "list the instances"):
        found = {
            keys.instance_in(key.decode("utf-8", "replace")) for key in client.scan_iter(keys.every_instance, 1_000)
        }
        names = sorted(name for name in found if name)
        values = client.mget([keys.instance(name) for name in names]) if names else []
    return [_read(name, cast("bytes | None", value)) for name, value in zip(names, values, strict=True)]


def _read(name: str, value: bytes | None) -> Instance:
    if value is None:
        return Instance(name, None, "the key is not a string, or expired just now")
    try:
        report = json.loads(value)
    except (ValueError, RecursionError):
        return Instance(name, None, "the report is not JSON")
    if not isinstance(report, dict):
        return Instance(name, None, "the report is not a JSON object")
    return Instance(name, report)
