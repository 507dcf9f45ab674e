"""The bytes before a record."""

from __future__ import annotations

import pytest

from scorer.wire.framing import Framing


def test_headers() -> None:
    assert Framing.CONFLUENT.header(0x01020304) == b"\0\1\2\3\4"
    assert Framing.BARE.header(0) == b""
    assert (Framing.CONFLUENT.size, Framing.BARE.size) == (5, 0)


@pytest.mark.parametrize("number", [-1, 2**32])
def test_ids_have_32_bits(number: int) -> None:
    with pytest.raises(ValueError, match="32 bits"):
        Framing.CONFLUENT.header(number)
