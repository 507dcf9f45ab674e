"""The shipped versions score to the bits that are stored: a kernel whose bits change gets a new revision."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conformance import bits

SHIPPED = bits.shipped()
STORED = bits.stored()
ANEW = "a step or kernel calculates other bits than before: leave it as it was, and add the change as a new revision"


def test_the_bits_of_every_shipped_version_are_stored() -> None:
    assert sorted(STORED) == sorted(SHIPPED), "run: python -m tests.conformance.bits"


@pytest.mark.parametrize("name", sorted(set(STORED) & set(SHIPPED)))
def test_a_shipped_version_scores_to_the_stored_bits(name: str) -> None:
    before, now = STORED[name], bits.bits(SHIPPED[name])
    assert now["digest"] == before["digest"], "a version never changes: give the other one another name"
    assert now["margins"] == before["margins"], ANEW
    if bits.functions() == before["functions"]:
        assert now["golden"] == before["golden"], ANEW
        assert now["scores"] == before["scores"], ANEW
        return
    got, expected = bits.of_hex(now["golden"]), bits.of_hex(before["golden"])
    np.testing.assert_array_max_ulp(got, expected, maxulp=2 if len(expected) == 1 else 4)


def test_bits_survive_the_file() -> None:
    scores = np.array([[0.1, np.nan, -0.0], [1e-310, np.inf, 1 / 3]])
    np.testing.assert_array_equal(bits.of_hex(bits._hex(scores)).view(np.int64), scores.view(np.int64))
