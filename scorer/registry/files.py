"""Versions as files: a directory with ``manifest.json``, ``tensors.safetensors`` and, where signed, ``signature``.

What else lies there (cases of regression tests, notes) is not part of the version. A version never changes: other
bytes under the same name are a conflict.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from scorer.errors import RegistryConflict, VersionRefused
from scorer.model.limits import DEFAULT, Limits
from scorer.model.version import VersionBytes
from scorer.registry import whole

MANIFEST = "manifest.json"
TENSORS = "tensors.safetensors"
SIGNATURE = "signature"

_SIGNATURE_BYTES = 4096


def read_version(directory: Path, limits: Limits = DEFAULT) -> VersionBytes:
    """The bytes of the version in ``directory``, unchecked.

    Raises ``VersionRefused("missing", ...)`` where a file is not there or cannot be read, and
    ``VersionRefused("size", ...)`` where one is larger than ``limits`` allow; then it is not read.
    """
    signature = directory / SIGNATURE
    return VersionBytes(
        _read(directory / MANIFEST, limits.manifest_bytes),
        _read(directory / TENSORS, limits.blob_bytes),
        _read(signature, _SIGNATURE_BYTES) if signature.exists() else None,
    )


def directory(text: str) -> Path | None:
    """The directory that a command's argument means; ``None`` where it is the name of a version."""
    path = Path(text)
    return path if "/" in text or text in (".", "..") or (path / MANIFEST).exists() else None


def write_version(directory: Path, stored: VersionBytes) -> None:
    """Write a version to ``directory``, whole or not at all. Its parents are made; the same bytes again are no error.

    Where the directory holds no version but only what people wrote, such as cases, the manifest comes last: until then
    it still holds none. Raises ``RegistryConflict`` where another version is there already, ``OSError`` where the disk
    refuses.
    """
    filled = directory.is_dir() and not any((directory / name).exists() for name in (MANIFEST, TENSORS, SIGNATURE))
    if directory.exists() and not filled:
        _require_same(directory, stored)
        return
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        for name, content in _files(stored):
            with (draft / name).open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        if filled:
            for name, _ in reversed(_files(stored)):
                (draft / name).rename(directory / name)
            draft.rmdir()
            return
        draft.chmod(0o755)
        draft.rename(directory)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if filled or not directory.exists():
            raise
        _require_same(directory, stored)  # Somebody else wrote the same name in the meantime.


def write_signature(directory: Path, signature: bytes) -> bool:
    """Put a signature beside the version in ``directory``; whether it was there already.

    Raises ``RegistryConflict`` where there is another one, ``OSError`` where the disk refuses.
    """
    file = directory / SIGNATURE
    if file.exists():
        if _read(file, _SIGNATURE_BYTES) != signature:
            raise RegistryConflict(f"{file} is another signature: remove it if this one is to take its place")
        return True
    whole.write(file, [signature], rights=0o644)
    return False


def _files(stored: VersionBytes) -> list[tuple[str, bytes]]:
    found = [(MANIFEST, stored.manifest), (TENSORS, stored.tensors)]
    return found if stored.signature is None else [*found, (SIGNATURE, stored.signature)]


def _require_same(directory: Path, stored: VersionBytes) -> None:
    for name, content in _files(stored):
        path = directory / name
        if not path.is_file() or path.stat().st_size != len(content) or path.read_bytes() != content:
            raise RegistryConflict(
                f"{directory} holds another version already ({name} differs); versions never change, so write "
                f"this one under a new name, or, if nobody has that one yet, delete its {MANIFEST} and {TENSORS}"
            )


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise VersionRefused("missing", f"{path} cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise VersionRefused("size", f"{path} has more than {most} bytes")
    return content
