"""UTF-8 exactly as Python's strict decoder has it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from hypothesis import example, given
from hypothesis import strategies as st

from scorer.wire.decode import Decoder
from scorer.wire.framing import Framing
from scorer.wire.joined import join
from scorer.wire.reasons import Status
from scorer.wire.utf8 import valid_utf8
from tests.wire.support import batch_of, parsed, record_schema, written

STRING = parsed(record_schema(("s", "string")))
BYTES = record_schema(("s", "bytes"))


def error_of(data: bytes) -> int:
    """Where Python's decoder sees the first error, -1 if there is none."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return -1


def check(texts: Sequence[bytes]) -> None:
    """Compare verdicts and the positions of errors with Python's."""
    oracle = [error_of(text) for text in texts]
    data, address, length = join(texts)
    assert valid_utf8(address, length).tolist() == [at < 0 for at in oracle]
    del data
    decoder = Decoder({0: STRING}, Framing.BARE)
    payloads = [written(BYTES, {"s": text}) for text in texts]
    batch = batch_of(payloads)
    decoded = decoder.decode(batch)
    for row, (text, payload, at) in enumerate(zip(texts, payloads, oracle, strict=True)):
        assert decoded.status[row] == (Status.OK if at < 0 else Status.UTF8), text
        if at >= 0:
            assert decoded.at[row] == len(payload) - len(text) + at, text


# The first and last byte of each class, and their neighbours.
EDGES = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF]
EDGES += [0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFE, 0xFF]


def test_all_sequences_of_up_to_two_bytes() -> None:
    check([b""] + [bytes(pair) for size in (1, 2) for pair in product(range(256), repeat=size)])


def test_all_edges_of_three_bytes_and_of_four() -> None:
    check([bytes(some) for some in product(EDGES, repeat=3)])
    check([bytes(some) for some in product([0xF0, 0xF1, 0xF3, 0xF4, 0xF5], EDGES, EDGES, [0x7F, 0x80, 0xBF, 0xC0])])


def test_an_error_is_found_wherever_it_stands() -> None:
    check(
        [
            b"a" * before + bad + b"z" * after
            for before in range(18)
            for after in range(18)
            for bad in (b"\xff", b"\xc3")
        ]
    )
    check(
        [
            f"{'a' * before}{some}{'z' * after}".encode()
            for before in range(18)
            for after in range(18)
            for some in "é中😀"
        ]
    )


@given(
    st.lists(
        st.binary(max_size=30) | st.text("aé中😀\ud7ff\ue000", max_size=20).map(str.encode), min_size=1, max_size=5
    )
)
@example([b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xed\xa0\x80", b"\xc0\x80"])
def test_any_bytes(texts: list[bytes]) -> None:
    check(texts)


def test_what_is_absent_is_no_text() -> None:
    _, address, length = join([b"a", None])
    assert valid_utf8(address, length).tolist() == [True, False]
