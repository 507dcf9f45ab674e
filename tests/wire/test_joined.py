"""Payloads laid end to end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer.wire.joined import join
from tests.wire.support import bytes_at


@given(st.lists(st.none() | st.binary(max_size=10), max_size=20))
def test_every_payload_is_found_again_at_its_address(payloads: list[bytes | None]) -> None:
    data, address, length = join(payloads)
    found = [bytes_at(int(a), int(n)) if n >= 0 else None for a, n in zip(address, length, strict=True)]
    assert found == payloads
    assert len(data) == sum(len(payload or b"") for payload in payloads)


def test_what_is_no_payload_is_refused() -> None:
    with pytest.raises(TypeError):
        join([b"a", 3])  # type: ignore[list-item]
