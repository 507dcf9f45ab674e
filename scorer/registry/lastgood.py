"""The last good versions on disk, for a start while Redis is away.

One directory per model holds one file per version and ``pointers.json``, which says which of them were applied last.
Several worker processes write the same directory without locks: each file is written under a temporary name, forced to
disk and renamed, so a reader finds an old file or a new one, never half of one. What is read is checked against the
sha256 inside, and still goes through everything that a version from Redis goes through.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scorer.errors import VersionRefused
from scorer.model.version import VersionBytes
from scorer.registry import whole
from scorer.registry.keys import check_name, is_name
from scorer.registry.versions import LIMIT

_KEPT = 6
"""Version files that stay, the newest ones: a champion and a trial, and those that a slower worker is about to name."""

_HEADER_LIMIT = 4_096
_PIECE = 1 << 18
_POINTERS_LIMIT = 1 << 20
_ABANDONED_SECONDS = 3_600.0
_RIGHTS = 0o600


@dataclass(frozen=True, slots=True)
class Saved:
    """A version that was applied: name, digest, and for a trial its JSON."""

    version: str
    digest: bytes
    trial: str | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What was applied last."""

    champion: Saved
    trial: Saved | None


class LastGood:
    """The files of one model under ``directory``, which is made when something is first written."""

    def __init__(self, directory: Path, model: str, limit: int = LIMIT) -> None:
        self.directory = directory / check_name(model, "model")
        self._model, self._limit = model, limit

    def has(self, version: str, digest: bytes) -> bool:
        """Whether there is a file for the version; ``read`` may still refuse it. One out of reach counts as missing."""
        try:
            return self._file(version, digest).exists()
        except OSError:  # a directory that this user may not enter: saving will say so
            return False

    def keep(self, version: str, content: VersionBytes) -> None:
        """Write the version, unless the same bytes are there; drop files that are no longer needed. OSError."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._file(version, hashlib.sha256(content.manifest).digest())
        parts = self._packed(version, content)
        if not _touched(file, parts):
            whole.write(file, parts, rights=_RIGHTS)
        self._prune(file)

    def point(self, applied: Applied) -> None:
        """Remember what is applied now; its versions must have been kept. OSError."""
        for saved in (applied.champion, applied.trial):
            if saved is not None:
                os.utime(self._file(saved.version, saved.digest))  # among the newest, so it is not dropped
        pointers = {
            name: {"version": saved.version, "digest": saved.digest.hex(), "trial": saved.trial}
            for name, saved in (("champion", applied.champion), ("trial", applied.trial))
            if saved is not None
        }
        whole.write(self.directory / "pointers.json", [json.dumps(pointers).encode()], rights=_RIGHTS)

    def applied(self) -> Applied:
        """What was applied last. VersionRefused (``last-good``) where that is not known."""
        file = self.directory / "pointers.json"
        try:
            text = _read(file, _POINTERS_LIMIT)
            pointers = json.loads(text)
            champion, trial = pointers["champion"], pointers.get("trial")
            return Applied(_saved(champion), None if trial is None else _saved(trial))
        except FileNotFoundError:
            raise VersionRefused("last-good", f"no version was ever applied here: there is no {file}") from None
        except OSError as error:
            raise VersionRefused("last-good", f"{file} cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise VersionRefused("last-good", f"{file} is damaged; delete it") from None

    def read(self, version: str, digest: bytes) -> VersionBytes:
        """The bytes of a version that was kept. VersionRefused (``last-good``) where they are damaged or gone."""
        file = self._file(version, digest)
        try:
            content = self._unpacked(version, _read(file, self._limit + _HEADER_LIMIT))
        except OSError as error:
            raise VersionRefused("last-good", f"{file} cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            content = None
        if content is None or hashlib.sha256(content.manifest).digest() != digest:
            raise VersionRefused("last-good", f"{file} is damaged; delete it")
        return content

    def _file(self, version: str, digest: bytes) -> Path:
        return self.directory / f"{check_name(version, 'version')}-{digest.hex()[:32]}.version"

    def _packed(self, version: str, content: VersionBytes) -> list[bytes]:
        """What the file holds, one after the other: nothing large is copied, so nothing keeps the loop waiting."""
        parts = (content.manifest, content.tensors, content.signature)
        body = [part for part in parts if part is not None]
        header = {
            "format": 1,
            "model": self._model,
            "version": version,
            "sizes": [None if part is None else len(part) for part in parts],
            "sha256": _digest(body),
        }
        return [json.dumps(header).encode() + b"\n", *body]

    def _unpacked(self, version: str, data: bytes) -> VersionBytes | None:
        """The version in a file; ``None``, or an error about the header's form, where the file is damaged."""
        end = data.index(b"\n", 0, _HEADER_LIMIT)
        header = json.loads(data[:end])
        body = memoryview(data)[end + 1 :]
        about = (header["format"], header["model"], header["version"], header["sha256"])
        if about != (1, self._model, version, hashlib.sha256(body).hexdigest()):
            return None
        manifest, tensors, signature = header["sizes"]
        if manifest + tensors + (signature or 0) != len(body) or min(manifest, tensors, signature or 0) < 0:
            return None
        rest = bytes(body[manifest + tensors :]) if signature is not None else None
        return VersionBytes(bytes(body[:manifest]), bytes(body[manifest : manifest + tensors]), rest)

    def _prune(self, kept: Path) -> None:
        """Drop all but the newest version files, and what a killed process left half-written."""
        ages = {}
        for file in [*self.directory.glob("*.version"), *self.directory.glob(f"*{whole.HALF}")]:
            try:
                ages[file] = file.stat().st_mtime
            except FileNotFoundError:  # another worker drops files, too
                continue
        newest = max(ages.values(), default=0.0)
        versions = sorted((file for file in ages if file.suffix == ".version"), key=ages.__getitem__, reverse=True)
        abandoned = [
            file for file, age in ages.items() if file.suffix == whole.HALF and newest - age > _ABANDONED_SECONDS
        ]
        for file in [*versions[_KEPT:], *abandoned]:
            if file != kept:
                file.unlink(missing_ok=True)


def _saved(fields: dict[str, object]) -> Saved:
    version, digest, trial = fields["version"], bytes.fromhex(str(fields["digest"])), fields["trial"]
    if not isinstance(version, str) or not is_name(version) or len(digest) != 32 or not isinstance(trial, str | None):
        raise ValueError("not a version and its digest")
    return Saved(version, digest, trial)


def _read(file: Path, limit: int) -> bytes:
    with file.open("rb") as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise ValueError("too large")
    return data


def _touched(file: Path, parts: Sequence[bytes]) -> bool:
    """Make ``file`` one of the newest, if it is there and holds these bytes; another process may drop it any time."""
    try:
        with file.open("rb") as stream:
            same = _digest(iter(lambda: stream.read(_PIECE), b"")) == _digest(parts)
        if same:
            os.utime(file)
    except FileNotFoundError:
        return False
    return same


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
