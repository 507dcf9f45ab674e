"""All running scorer processes of a model, as their instance keys describe them, and whether they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import redis

from scorer.registry import instances
from scorer.registry.audit import PointerName
from scorer.registry.client import answering
from scorer.registry.instances import Instance, Json
from scorer.registry.keys import Keys

Standing = Literal["applied", "refused", "waiting"]


@dataclass(frozen=True, slots=True)
class Followed:
    """What a process says of one pointer: what it runs, what it read, and what came of that."""

    version: str | None
    digest: str | None
    pointer: str | None
    state: str
    reason: str | None

    def standing(self, text: str | None, digest: str | None) -> Standing:
        """What became of a pointer that says ``text`` (``None``: absent), whose version has ``digest`` (hex)."""
        if text is None:
            return "applied" if self.pointer is None and self.version is None else "waiting"
        if self.pointer != text:
            return "waiting"
        if self.state == "applied" and (digest is None or self.digest == digest):
            return "applied"
        return "refused" if self.state == "refused" else "waiting"


@dataclass(frozen=True, slots=True)
class Member:
    """One process. ``renewed`` is how many seconds ago it renewed its key, ``silent`` how long Redis had not answered
    it by then; ``troubles`` are what is in its way; ``problem`` says why nothing else is known of it."""

    name: str
    problem: str | None
    state: str
    not_ready: tuple[str, ...]
    source: str | None
    champion: Followed
    trial: Followed
    partitions: tuple[str, ...]
    lag: int | None
    troubles: tuple[str, ...]
    silent: float | None
    renewed: float | None

    @property
    def refusals(self) -> tuple[str, ...]:
        """Which pointers it refuses now, and why."""
        named = {f"champion {self.champion.pointer}": self.champion, "trial": self.trial}
        return tuple(f"{name}: {follows.reason}" for name, follows in named.items() if follows.state == "refused")

    def follows(self, pointer: PointerName) -> Followed:
        """What it says of the champion, or of the trial."""
        return self.trial if pointer == "trial" else self.champion


def members(client: redis.Redis, keys: Keys) -> list[Member]:
    """All live processes, by name. RegistryUnavailable."""
    found = instances.live(client, keys)
    with answering(client, "list the instances"), client.pipeline(transaction=False) as pipe:
        for instance in found:
            pipe.pttl(keys.instance(instance.name))
        lives = pipe.execute()
    return [_member(instance, life) for instance, life in zip(found, lives, strict=True)]


def disagreements(found: Sequence[Member], champion: str | None, digest: str | None) -> list[str]:
    """In words, where processes do not do what the champion's pointer says; ``digest`` (hex) is its version's."""
    said = [_disagreement(member, champion, digest) for member in found]
    running = {member.champion.digest: member.champion.version for member in found if member.champion.digest}
    names = sorted({f"{version} ({digest[:8]})" for digest, version in running.items()})
    apart = [f"the processes score with different versions: {', '.join(names)}"] if len(names) > 1 else []
    trials = [f"{one.name} refuses the trial: {one.trial.reason}" for one in found if one.trial.state == "refused"]
    return [text for text in said if text] + apart + trials


def _disagreement(member: Member, champion: str | None, digest: str | None) -> str | None:
    if member.problem is not None:
        return f"{member.name}: {member.problem}"
    follows = member.champion
    running = "nothing" if follows.version is None else f"{follows.version} ({(follows.digest or '')[:8]})"
    if champion is None:
        return f"{member.name} scores with {running}, but no champion is set" if follows.version is not None else None
    standing = follows.standing(champion, digest)
    if standing == "refused":
        return f"{member.name} scores with {running} and refuses {champion}: {follows.reason}"
    if standing == "waiting":
        return f"{member.name} scores with {running}, not with {champion}{f' ({digest[:8]})' if digest else ''}"
    return None


def _member(instance: Instance, life: object) -> Member:
    report: Mapping[str, Json] = instance.report or {}
    registry = _table(report, "registry")
    lag, silent = report.get("lag"), _table(registry, "redis").get("seconds_since_answer")
    return Member(
        name=instance.name,
        problem=instance.problem,
        state=_text(report, "state") or "unknown",
        not_ready=_texts(report, "not_ready"),
        source=_text(registry, "source"),
        champion=_followed(_table(registry, "champion")),
        trial=_followed(_table(registry, "trial")),
        partitions=_texts(report, "partitions"),
        lag=int(lag) if isinstance(lag, int | float) else None,
        troubles=_texts(registry, "troubles"),
        silent=float(silent) if isinstance(silent, int | float) else None,
        renewed=max(0.0, instances.EXPIRES_SECONDS - life / 1e3) if isinstance(life, int) and life >= 0 else None,
    )


def _followed(about: Mapping[str, Json]) -> Followed:
    return Followed(
        _text(about, "version"),
        _text(about, "digest"),
        _text(about, "pointer"),
        _text(about, "state") or "unknown",
        _text(about, "reason"),
    )


def _table(of: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """What a process says is not trusted to have any form: releases differ, and people try things."""
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _text(of: Mapping[str, Json], name: str) -> str | None:
    found = of.get(name)
    return found if isinstance(found, str) else None


def _texts(of: Mapping[str, Json], name: str) -> tuple[str, ...]:
    found = of.get(name)
    return tuple(text for text in found if isinstance(text, str)) if isinstance(found, list) else ()
