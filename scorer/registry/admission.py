"""The way in for a version, wherever its bytes come from: Redis, or the last good copy on disk."""

from __future__ import annotations

from scorer.model import golden
from scorer.model.model import Model
from scorer.model.version import VersionBytes
from scorer.registry.signatures import Trust


def admit(stored: VersionBytes, trust: Trust, *, model: str, version: str) -> Model:
    """Everything that a version must pass before it may score.

    The signature comes first, so that nothing is parsed of a version that nobody vouches for. Raises
    ``VersionRefused`` with the reason ``"signature"``, ``"serial"`` or one of :func:`scorer.model.golden.admit`.
    """
    trust.check_signature(stored.manifest, stored.signature)
    admitted = golden.admit(stored, model=model, version=version)
    trust.check_serial(admitted.manifest.serial)
    return admitted
