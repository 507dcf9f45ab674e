"""A version: the immutable manifest and tensors under a model's name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VersionBytes:
    """A version as it is stored and sent: canonical manifest, safetensors blob, detached signature where there is one."""

    manifest: bytes
    tensors: bytes
    signature: bytes | None = None
