"""Signatures of versions, and which versions a deployment trusts.

A signature is detached: Ed25519 (RFC 8032) over ``DOMAIN`` and the bytes of the manifest, which names the model, the
version, its serial and the sha256 of the tensors. So it binds everything that is scored with, and nothing else that
the key may ever sign is taken for a version. Its text is one line: the public key, a blank, the 64 bytes in base64.

The library that calculates is imported when it is needed, so that a scorer without pinned keys never waits for it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from scorer.errors import VersionRefused
from scorer.model import manifest
from scorer.settings.values import PUBLIC_KEY_PREFIX, public_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from scorer.settings import Scorer

DOMAIN = b"scorer:version:1\0"
"""What stands before the manifest in the signed bytes."""

_BYTES = 64


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as it is stored: by which public key (its text), and the 64 bytes."""

    by: str
    value: bytes

    def to_bytes(self) -> bytes:
        """The line that the file and the key in Redis hold."""
        return f"{self.by} {base64.b64encode(self.value).decode()}\n".encode()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a stored signature. Raises ``VersionRefused("signature", ...)`` for anything but what is written."""
        try:
            by, value = data.decode("ascii").removesuffix("\n").split(" ")
            found = cls(public_key(by), base64.b64decode(value, validate=True))
        except (ValueError, binascii.Error):  # the first is also what a text that is not ASCII raises
            found = None
        if found is None or len(found.value) != _BYTES or found.to_bytes() != data:
            raise VersionRefused(
                "signature", "the signature is damaged: it is not one line of public key and signature; sign it again"
            )
        return found

    def fits(self, manifest_bytes: bytes) -> bool:
        """Whether the key that it names has signed this manifest."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # only where something is signed
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

        raw = base64.b64decode(self.by.removeprefix(PUBLIC_KEY_PREFIX))
        try:
            Ed25519PublicKey.from_public_bytes(raw).verify(self.value, DOMAIN + manifest_bytes)
        except InvalidSignature:
            return False
        return True


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half of a key, as settings and signatures hold it."""
    return PUBLIC_KEY_PREFIX + base64.b64encode(key.public_key().public_bytes_raw()).decode()


def sign(manifest_bytes: bytes, key: Ed25519PrivateKey) -> Signature:
    """Sign a version by its manifest. The same key and manifest give the same signature."""
    return Signature(public_text(key), key.sign(DOMAIN + manifest_bytes))


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is to say about a version's signature: by whom it is, and why it would not do, if so."""

    by: str | None
    problem: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Trust:
    """Which versions a deployment lets score: signed by one of ``public_keys``, if there are any, and not older than
    ``min_serial``."""

    public_keys: tuple[str, ...] = ()
    min_serial: int = 0

    @classmethod
    def of(cls, scorer: Scorer) -> Self:
        """What the settings demand."""
        return cls(scorer.public_keys, scorer.min_serial)

    def check_signature(self, manifest_bytes: bytes, signature: bytes | None) -> None:
        """Raise ``VersionRefused("signature", ...)`` unless a pinned key has signed, or none is pinned."""
        if self.public_keys and (problem := self.standing(manifest_bytes, signature).problem) is not None:
            raise VersionRefused("signature", problem)

    def check_serial(self, serial: int) -> None:
        """Raise ``VersionRefused("serial", ...)`` for a version that is too old to come back."""
        if serial < self.min_serial:
            raise VersionRefused(
                "serial",
                f"the version's serial {serial} is below scorer.min_serial, {self.min_serial}: it is no longer to "
                "score; choose a newer version, or lower the setting",
            )

    def refusal(self, manifest_bytes: bytes, signature: bytes | None) -> VersionRefused | None:
        """Why a version would not be trusted, whatever else may be wrong with it; for those who look from outside."""
        try:
            self.check_signature(manifest_bytes, signature)
            if self.min_serial:
                self.check_serial(manifest.parse(manifest_bytes).serial)
        except VersionRefused as error:
            return error
        return None

    def standing(self, manifest_bytes: bytes, signature: bytes | None) -> Standing:
        """Signed or not, by whom, and what is wrong with that."""
        if signature is None:
            problem = "the version is not signed: scorer models sign DIRECTORY --key FILE, then push it again"
            return Standing(None, problem, "not signed")
        try:
            found = Signature.parse(signature)
        except VersionRefused as error:
            return Standing(None, str(error), "damaged signature")
        if self.public_keys and found.by not in self.public_keys:
            return Standing(
                found.by,
                f"the version is signed by {found.by}, which is none of scorer.public_keys",
                f"signed by {found.by}, which is not pinned",
            )
        if not found.fits(manifest_bytes):
            problem = f"the signature of {found.by} is not one of this manifest: one of the two was changed"
            return Standing(found.by, problem, "wrong signature")
        return Standing(found.by, None, f"signed by {found.by}")
