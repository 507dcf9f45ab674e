"""Keys on disk: the private one in PEM (PKCS 8, unencrypted) for its owner alone, the public one as a line of text."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scorer.errors import SettingsError
from scorer.registry.signatures import public_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PRIVATE, PUBLIC = ".key", ".pub"
NAME = "scorer"
"""What the files are called in a directory that is given without a name."""

_LIMIT = 4_096


class Made(NamedTuple):
    """A new pair: the two files, and the public key as settings hold it."""

    private: Path
    public: Path
    text: str


def new(place: Path) -> Made:
    """Make a pair of keys: ``place.key`` and ``place.pub``, or both in ``place`` where that is a directory.

    Raises SettingsError where one of them is there already, or cannot be written.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415  # slow
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat  # noqa: PLC0415

    stem = place / NAME if place.is_dir() else place
    private, public = (stem.with_name(stem.name + end) for end in (PRIVATE, PUBLIC))
    for file in (private, public):
        if file.exists():
            raise SettingsError(f"{file} is there already, and a key is never overwritten: choose another name")
    key = Ed25519PrivateKey.generate()
    text = public_text(key)
    _write(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    _write(public, f"{text}\n".encode(), 0o644)
    return Made(private, public, text)


def read_private(file: Path) -> Ed25519PrivateKey:
    """The private key in ``file``. Raises SettingsError where it is none, or others may read it."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  # slow
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            content = stream.read(_LIMIT)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from None
    if stat.S_IMODE(mode) & 0o077:
        raise SettingsError(f"{file}: others may read this private key; chmod 600 it, and think of it as known")
    try:
        key = load_pem_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # the second is what an encrypted one raises
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{file}: is not an unencrypted Ed25519 private key in PEM; make one: scorer keys new NAME")
    return key


def _write(file: Path, content: bytes, mode: int) -> None:
    """A new file with these rights from its first moment on."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise SettingsError(f"{file}: cannot be written: {error.strerror}") from None
