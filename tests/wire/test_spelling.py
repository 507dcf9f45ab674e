"""Numbers as text, as Python spells them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scorer.wire.joined import join
from scorer.wire.spelling import spelled
from tests.wire.support import bytes_at

EDGES = [0, 9, 10, 99, 100, -1, -9, -10, 10**18, 10**18 - 1, 2**63 - 1, -(2**63), -(2**63) + 1]
INTEGERS = st.sampled_from(EDGES) | st.integers(-(2**63), 2**63 - 1)


def texts(before: list[bytes], numbers: list[list[int]], parts: int) -> list[bytes]:
    _kept, address, length = join(before)
    buffer, where, size = spelled(address, length, np.array(numbers, np.int64).reshape(len(before), parts).T)
    assert len(buffer) > size.sum()
    return [bytes_at(*span) for span in zip(where.tolist(), size.tolist(), strict=True)]


@given(st.lists(st.tuples(st.sampled_from([b"", b"t", b"m.events", "Köln".encode()]), INTEGERS, INTEGERS), max_size=20))
def test_texts_and_numbers_are_joined(rows: list[tuple[bytes, int, int]]) -> None:
    before, numbers = [text for text, _, _ in rows], [list(row) for _, *row in rows]
    expected = [b"-".join([*filter(None, [text]), b"%d" % one, b"%d" % other]) for text, one, other in rows]
    assert texts(before, numbers, 2) == expected


def test_a_number_alone() -> None:
    assert texts([b""] * len(EDGES), [[number] for number in EDGES], 1) == [b"%d" % number for number in EDGES]


def test_nothing() -> None:
    assert texts([], [], 2) == []
    assert texts([b"a", b""], [[], []], 0) == [b"a", b""]


def test_the_longest_texts_have_room() -> None:
    lowest = -(2**63)
    assert texts([b"x" * 249] * 9, [[lowest] * 3] * 9, 3) == [b"x" * 249 + b"-%d" % lowest * 3] * 9
