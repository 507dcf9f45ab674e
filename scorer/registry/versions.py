"""The versions in Redis: pushed once, never changed, fetched whole.

Bytes are only moved here. Whether they make a sound version is for ``scorer.model`` to judge, before a push and after
every fetch.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import cast

import redis
from redis.client import Pipeline

from scorer.errors import RegistryConflict, VersionRefused
from scorer.model.version import VersionBytes
from scorer.registry import audit
from scorer.registry.client import address, answering
from scorer.registry.keys import PARTS, Keys
from scorer.registry.transaction import transaction

LIMIT = 64 << 20
"""The most bytes that all parts of a version may have together."""

_PIECE, _PIECES = 1 << 18, 32


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did. ``already``: the same bytes were there before, and nothing was changed."""

    version: str
    digest: bytes
    already: bool


@dataclass(frozen=True, slots=True)
class Head:
    """What tells one version from another without its tensors, which the manifest binds by their sha256."""

    manifest: bytes
    signature: bytes | None
    size: int

    @property
    def digest(self) -> bytes:
        """The version's digest: the sha256 of the manifest."""
        return hashlib.sha256(self.manifest).digest()


@dataclass(frozen=True, slots=True)
class Stored:
    """A version in Redis: bytes of all parts, its head if it can be read, and whether no part is missing."""

    version: str
    size: int
    head: Head | None
    complete: bool

    @property
    def digest(self) -> bytes:
        """The version's digest; empty where its manifest is missing or too large to read."""
        return b"" if self.head is None else self.head.digest


def push(
    client: redis.Redis,
    keys: Keys,
    version: str,
    content: VersionBytes,
    *,
    actor: str,
    commit: str | None = None,
    reason: str = "",
    limit: int = LIMIT,
) -> Pushed:
    """Store ``content`` under ``version``, with an audit entry that says by whom and from which commit.

    The same bytes again change nothing; a part that was lost, or a first signature, is added. Raises
    RegistryConflict where other bytes are there, VersionRefused above ``limit`` bytes, RegistryUnavailable,
    SettingsError for a bad name.
    """
    names = keys.version_parts(version)
    parts = (content.manifest, content.tensors, content.signature)
    _check_size(keys, version, sum(len(part or b"") for part in parts), limit)
    digest = hashlib.sha256(content.manifest).digest()
    fields = {"new": version, "digest": digest.hex(), "commit": commit, **audit.checked(actor, reason)}

    def body(pipe: Pipeline) -> bool:
        found = cast("list[bytes | None]", pipe.mget(names))
        missing = {name: new for name, old, new in zip(names, found, parts, strict=True) if old is None and new}
        if any(name in missing and pipe.type(name) != b"none" for name in names):
            raise RegistryConflict(f"keys of version {version} of {keys.model} hold something that is not a string")
        _same(keys, version, found, parts)
        audit.require_stream(pipe, keys)
        pipe.multi()
        for name, new in missing.items():
            pipe.set(name, new)
        if missing:
            audit.append(pipe, keys, "push", fields)
            pipe.publish(keys.wake, "version")
        return not missing

    already, _ = transaction(client, f"push version {version} of {keys.model}", names, body)
    return Pushed(version, digest, already)


def fetch(client: redis.Redis, keys: Keys, version: str, limit: int = LIMIT) -> VersionBytes:
    """All bytes of a version; nothing is read that is larger than ``limit``.

    Raises VersionRefused (``missing``, ``type``, ``size``) with what to do about it, RegistryUnavailable.
    """
    sizes = _measure(client, keys, version, limit)
    with answering(client, f"read version {version}"):
        parts = [_read(client, name, size) for name, size in zip(keys.version_parts(version), sizes, strict=True)]
    if [len(part) for part in parts] != sizes:
        raise _missing(client, keys, version)
    manifest, tensors, signature = parts
    return VersionBytes(manifest, tensors, signature or None)


def head(client: redis.Redis, keys: Keys, version: str, limit: int = LIMIT) -> Head:
    """Which bytes are under ``version``, without reading the tensors. Raises like ``fetch``."""
    size = sum(_measure(client, keys, version, limit))
    with answering(client, f"read the manifest of version {version}"):
        found = client.mget([keys.version(version, "manifest"), keys.version(version, "signature")])
    manifest, signature = cast("list[bytes | None]", found)
    if manifest is None:
        raise _missing(client, keys, version)
    return Head(manifest, signature or None, size)


def stored(client: redis.Redis, keys: Keys, limit: int = LIMIT) -> list[Stored]:
    """All versions in Redis, by name. One that is too large to read has no digest. RegistryUnavailable."""
    with answering(client, "list the versions"):
        found = [
            keys.version_in(key.decode("utf-8", "replace"))
            for key in client.scan_iter(match=keys.every_manifest, count=1_000)
        ]
        return [_stored(client, keys, version, limit) for version in sorted({name for name in found if name})]


def _stored(client: redis.Redis, keys: Keys, version: str, limit: int) -> Stored:
    with client.pipeline(transaction=False) as pipe:
        for name in keys.version_parts(version):
            pipe.strlen(name)
        answers = pipe.execute(raise_on_error=False)
    sizes = [answer if isinstance(answer, int) else 0 for answer in answers]
    names = keys.version_parts(version)
    found = [client.get(names[at]) if 0 < sizes[at] <= limit else None for at in (0, 2)]
    manifest, signature = (part if isinstance(part, bytes) else None for part in found)
    head = None if manifest is None else Head(manifest, signature, sum(sizes))
    return Stored(version, sum(sizes), head, sizes[0] > 0 and sizes[1] > 0)


def _read(client: redis.Redis, key: str, size: int) -> bytes:
    """``size`` bytes in small pieces, each of which keeps the interpreter's lock from the loop for a moment only."""
    whole = io.BytesIO()
    for window in range(0, size, _PIECE * _PIECES):
        with client.pipeline(transaction=False) as pipe:
            for start in range(window, min(size, window + _PIECE * _PIECES), _PIECE):
                pipe.getrange(key, start, min(size, start + _PIECE) - 1)
            for piece in cast("list[bytes]", pipe.execute()):
                whole.write(piece)
    return whole.getvalue()


def _measure(client: redis.Redis, keys: Keys, version: str, limit: int) -> list[int]:
    """Bytes of each part, once they are known to be there, to be strings and to be within the limit."""
    with answering(client, f"look for version {version}"), client.pipeline(transaction=False) as pipe:
        for name in keys.version_parts(version):
            pipe.strlen(name)
        answers = pipe.execute(raise_on_error=False)
        for part, answer in zip(PARTS, answers, strict=True):
            if isinstance(answer, redis.ResponseError) and "WRONGTYPE" in str(answer):
                raise VersionRefused("type", f"{keys.version(version, part)} is not a string: delete it and push again")
            if isinstance(answer, Exception):
                raise answer
    sizes = cast("list[int]", answers)
    if not sizes[0] or not sizes[1]:
        raise _missing(client, keys, version)
    _check_size(keys, version, sum(sizes), limit)
    return sizes


def _check_size(keys: Keys, version: str, size: int, limit: int) -> None:
    if size > limit:
        raise VersionRefused(
            "size", f"version {version} of {keys.model} has {size:,} bytes; at most {limit:,} are allowed"
        )


def _missing(client: redis.Redis, keys: Keys, version: str) -> VersionRefused:
    return VersionRefused(
        "missing",
        f"version {version} of {keys.model} is not complete in Redis at {address(client)}; "
        f"push it: scorer models push coefficients/{keys.model}/{version}",
    )


def _same(
    keys: Keys, version: str, found: list[bytes | None], parts: tuple[bytes | None, bytes | None, bytes | None]
) -> None:
    for part, old, new in zip(PARTS, found, parts, strict=True):
        if old is not None and new is not None and old != new:
            raise RegistryConflict(
                f"version {version} of {keys.model} is in Redis with another {part}: sha256 "
                f"{hashlib.sha256(old).hexdigest()} there, {hashlib.sha256(new).hexdigest()} here; "
                "a version never changes, so push under another name"
            )
