"""A version: the immutable manifest and tensors under a model's name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from scorer.errors import VersionRefused
from scorer.model import manifest, tensors
from scorer.model.limits import DEFAULT, Limits
from scorer.model.manifest import Manifest
from scorer.model.tensors import Tensor


@dataclass(frozen=True, slots=True)
class VersionBytes:
    """A version as it is stored and sent: canonical manifest, safetensors blob, detached signature if there is one."""

    manifest: bytes
    tensors: bytes
    signature: bytes | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A version whose form has been checked: every name, size, dtype and shape is what the manifest says.

    ``tensors`` cannot be written to; ``digest`` is the sha256 of the manifest's bytes. That its algorithms accept
    the tensors and reproduce the golden rows is checked by :func:`scorer.model.golden.admit`.
    """

    manifest: Manifest
    tensors: Mapping[str, Tensor]
    digest: bytes


def load(
    stored: VersionBytes,
    limits: Limits = DEFAULT,
    *,
    model: str | None = None,
    version: str | None = None,
    digest: bytes | None = None,
) -> Version:
    """Check and read a version. Signatures are checked by who fetches it.

    ``model``, ``version`` and ``digest``, where given, are what was asked for. Raises ``VersionRefused`` with reason
    ``"manifest"``, ``"tensors"`` or ``"identity"``, and nothing else, whatever the bytes.
    """
    found = hashlib.sha256(stored.manifest).digest()
    if digest is not None and found != digest:
        raise VersionRefused("identity", f"the manifest has digest {found.hex()}, expected {digest.hex()}")
    parsed = manifest.parse(stored.manifest, limits)
    for what, expected, name in (("model", model, parsed.model), ("version", version, parsed.version)):
        if expected is not None and expected != name:
            raise VersionRefused("identity", f"the manifest is of {what} {name!r}, expected {expected!r}")
    return Version(parsed, tensors.read(stored.tensors, parsed.blob, limits), found)
