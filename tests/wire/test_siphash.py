"""Hashes of ids must be those of the reference: a state outlives the code that wrote it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer.wire.joined import join
from scorer.wire.siphash import siphash

KEY = (0x0706050403020100, 0x0F0E0D0C0B0A0908)

# What `openssl mac -macopt hexkey:00..0f -macopt size:16 SIPHASH` says of the bytes 0, 1, 2 … up to so many.
OPENSSL = {
    0: "a3817f04ba25a8e66df67214c7550293",
    1: "da87c1d86b99af44347659119b22fc45",
    7: "a1f1ebbed8dbc153c0b84aa61ff08239",
    8: "3b62a9ba6258f5610f83e264f31497b4",
    9: "264499060ad9baabc47f8b02bb6d71ed",
    15: "5493e99933b0a8117e08ec0f97cfc3d9",
    16: "6ee2a4ca67b054bbfd3315bf85230577",
    63: "5150d1772f50834a503e069a973fbd7c",
    64: "1eaf077dc0d4cd3f8cad4d383658a74b",
    300: "ce005a406d14b36d5386b5f7a7e1b311",
}


def hashed(texts: list[bytes], key: tuple[int, int] = (0, 0)) -> list[str]:
    _kept, address, length = join(list(texts))
    high, low = siphash(address, length, key)
    return [(one.tobytes() + other.tobytes()).hex() for one, other in zip(high, low, strict=True)]


@pytest.mark.parametrize(("length", "expected"), OPENSSL.items())
def test_hashes_are_those_of_the_reference(length: int, expected: str) -> None:
    assert hashed([bytes(n % 256 for n in range(length))], KEY) == [expected]


def test_the_key_of_ids_is_zero() -> None:
    assert hashed([b"flight-1"]) == ["47e77375fda5e54758fbbac16648dbc2"]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_a_hash_depends_on_its_text_alone(texts: list[bytes]) -> None:
    found = hashed(texts)
    assert found == [hashed([text])[0] for text in texts]
    assert len(set(found)) == len(set(texts))


def test_no_text_no_hash() -> None:
    high, low = siphash(np.empty(0, np.int64), np.empty(0, np.int64))
    assert len(high) == len(low) == 0
