"""Numbers at the edges of their types: varints of every length, 32 and 64 bits, times that overflow."""

from __future__ import annotations

import pytest

from scorer.wire.decode import Decoder
from scorer.wire.framing import Framing
from scorer.wire.reasons import Status
from tests.wire.support import batch_of, parsed, record_schema, written


def varint(raw: int) -> bytes:
    """An unsigned number in groups of seven bits, before zigzag."""
    data = bytearray()
    while raw > 127:
        data.append(raw & 127 | 128)
        raw >>= 7
    return bytes([*data, raw])


LONG = record_schema(("n", "long"))
INT = record_schema(("n", "int"))


@pytest.mark.parametrize("pad", [b"", b"\0" * 12])
@pytest.mark.parametrize(
    ("data", "value"),
    [
        *(
            (varint(2 * value), value)
            for value in (0, 1, 63, 64, 8191, 8192, 2**20, 2**27, 2**34, 2**41, 2**48, 2**55, 2**62)
        ),
        *((varint(2 * value - 1), -value) for value in (1, 64, 65, 2**20, 2**27, 2**55, 2**56, 2**63)),
        (varint(2**64 - 2), 2**63 - 1),
        (b"\x80\0", 0),
        (b"\x82\x80\x80\x80\x80\x80\x80\x80\x80\0", 1),
        (b"\xff" * 9 + b"\1", -(2**63)),
    ],
)
def test_longs_are_read_whatever_their_length_and_surroundings(data: bytes, value: int, pad: bytes) -> None:
    schema = record_schema(("n", "long"), ("pad", {"type": "fixed", "name": "Pad", "size": len(pad)}))
    decoder = Decoder({0: parsed(schema)}, Framing.BARE)
    batch = batch_of([data + pad])
    decoded = decoder.decode(batch)
    assert decoded.status[0] == Status.OK
    assert decoded.columns.integers[0, 0] == value


@pytest.mark.parametrize("pad", [b"", b"\0" * 12])
@pytest.mark.parametrize(
    "data", [b"\xff" * 9 + b"\2", b"\x80" * 9 + b"\x7f", b"\x80" * 10 + b"\0", b"\xff" * 11 + b"\1"]
)
def test_longs_of_more_than_64_bits_are_refused(data: bytes, pad: bytes) -> None:
    decoder = Decoder({0: parsed(LONG)}, Framing.BARE)
    batch = batch_of([data + pad])
    assert decoder.decode(batch).status[0] == Status.VARINT


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (2**31 - 1, Status.OK),
        (-(2**31), Status.OK),
        (2**31, Status.VARINT),
        (-(2**31) - 1, Status.VARINT),
    ],
)
def test_ints_have_32_bits(value: int, status: Status) -> None:
    decoder = Decoder({0: parsed(INT)}, Framing.BARE)
    batch = batch_of([written(LONG, {"n": value})])
    assert decoder.decode(batch).status[0] == status


@pytest.mark.parametrize("logical", ["timestamp-millis", "local-timestamp-millis"])
@pytest.mark.parametrize(
    ("value", "status"),
    [
        (9223372036854775, Status.OK),
        (-9223372036854775, Status.OK),
        (9223372036854776, Status.TIME),
        (-9223372036854776, Status.TIME),
    ],
)
def test_milliseconds_become_microseconds_unless_they_overflow(logical: str, value: int, status: Status) -> None:
    schema = record_schema(("n", {"type": "long", "logicalType": logical}))
    decoder = Decoder({0: parsed(schema)}, Framing.BARE)
    batch = batch_of([written(LONG, {"n": value})])
    decoded = decoder.decode(batch)
    assert decoded.status[0] == status
    assert decoded.columns.integers[0, 0] == (value * 1000 if status is Status.OK else 0)
