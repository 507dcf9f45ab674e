"""Mutated versions are refused, or run like any other: no crash, no byte beside their memory, numpy's own scores."""

from __future__ import annotations

import hashlib
import json

import pytest

from scorer.errors import VersionRefused
from scorer.model.golden import admit
from scorer.model.version import VersionBytes
from tests.conformance.samples import SAMPLES
from tests.model import samples
from tests.wire.test_bounds import run

COUNT = 60


@pytest.mark.parametrize("seed", [1])
def test_a_mutated_version_is_refused_or_runs_inside_its_memory(seed: int) -> None:
    done = run("-m", "tests.conformance.mutations", str(seed), str(COUNT))
    assert done.returncode == 0, done.stderr[-3000:]
    refused, ran = json.loads(done.stdout)
    assert refused + ran == COUNT * len(SAMPLES)
    assert refused > ran > len(SAMPLES), "mutations of too few sorts"


def test_every_changed_byte_of_a_small_version_is_refused() -> None:
    """Under the digest that was asked for, as whoever fetches a version asks."""
    stored = samples.store(samples.small())
    digest = hashlib.sha256(stored.manifest).digest()
    admit(stored, digest=digest)
    for field in ("manifest", "tensors"):
        data = getattr(stored, field)
        for place in range(len(data)):
            changed = data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :]
            other = (
                VersionBytes(changed, stored.tensors) if field == "manifest" else VersionBytes(stored.manifest, changed)
            )
            with pytest.raises(VersionRefused):
                admit(other, digest=digest)
