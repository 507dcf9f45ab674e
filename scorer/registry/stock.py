"""Versions that are ready to score, kept for a while so that a flip back takes no time."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from scorer.errors import VersionRefused
from scorer.model.version import VersionBytes

T = TypeVar("T")

Prepare: TypeAlias = Callable[[VersionBytes, str, str], T]
"""Turns (bytes, model, version) into what scores, or raises VersionRefused. Called in the thread that follows."""


@dataclass(frozen=True, slots=True)
class Ready(Generic[T]):
    """A version that scores. ``made`` is what ``prepare`` made of it, ``digest`` the sha256 of its manifest."""

    version: str
    digest: bytes
    made: T


class Stock(Generic[T]):
    """The last ``size`` versions of one model that were made ready, by name, digest and signature."""

    def __init__(self, model: str, prepare: Prepare[T], check: Callable[[T], None], size: int = 4) -> None:
        self._model, self._prepare, self._check, self._size = model, prepare, check, size
        self._kept: OrderedDict[tuple[str, bytes, bytes | None], Ready[T]] = OrderedDict()

    def find(self, version: str, digest: bytes, signature: bytes | None) -> Ready[T] | None:
        """The version, if exactly this one is in stock. Raises VersionRefused where it fails its check now."""
        key = (version, digest, signature)
        ready = self._kept.pop(key, None)
        if ready is not None:
            self._check(ready.made)
            self._kept[key] = ready
        return ready

    def make(self, version: str, content: VersionBytes) -> Ready[T]:
        """Make ``content`` ready, unless it is in stock. Raises VersionRefused whatever goes wrong with it."""
        digest = hashlib.sha256(content.manifest).digest()
        ready = self.find(version, digest, content.signature)
        if ready is None:
            ready = self._kept[version, digest, content.signature] = Ready(
                version, digest, self._made(version, content)
            )
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return ready

    def _made(self, version: str, content: VersionBytes) -> T:
        try:
            return self._prepare(content, self._model, version)
        except VersionRefused:
            raise
        except Exception as error:
            # A version that hits a mistake in our own checks must not stop a fleet that scores well with another.
            text = f"{type(error).__name__}: {error}"
            raise VersionRefused("failure", f"version {version} cannot be prepared: {text}") from error
