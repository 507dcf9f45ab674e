"""Versions for these tests: enough bytes to be moved, and a ``prepare`` that refuses some of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import redis

from scorer.errors import VersionRefused
from scorer.model.version import VersionBytes
from scorer.registry import versions
from scorer.registry.keys import Keys


@dataclass(frozen=True)
class Made:
    """What ``prepare`` makes: it remembers what it was made of."""

    version: str
    content: VersionBytes


def content(version: str, *, good: bool = True, size: int = 1_000, signature: bytes | None = None) -> VersionBytes:
    manifest = json.dumps({"version": version, "good": good}, sort_keys=True).encode()
    seed = hashlib.sha256(version.encode()).digest()
    return VersionBytes(manifest, (seed * (size // 32 + 1))[:size], signature)


def prepare(loaded: VersionBytes, model: str, version: str) -> Made:
    """Stands for load, verify, golden check and bind."""
    manifest = json.loads(loaded.manifest)
    if manifest["version"] != version:
        raise VersionRefused("name", f"this is {manifest['version']}, not {version}")
    if not manifest["good"]:
        raise VersionRefused("golden", f"row 0 of {model} {version}: expected 1.0, got 2.0")
    return Made(version, loaded)


def unchecked(_made: Made) -> None:
    """Nothing is wrong with any version that was made."""


def digest(version: str, *, good: bool = True) -> bytes:
    return hashlib.sha256(content(version, good=good).manifest).digest()


def push(client: redis.Redis, keys: Keys, *names: str, good: bool = True, size: int = 1_000) -> None:
    for name in names:
        versions.push(client, keys, name, content(name, good=good, size=size), actor="test")
