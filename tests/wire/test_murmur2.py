"""Partitions must be those of Java's producers and of librdkafka."""

from __future__ import annotations

import ctypes
from pathlib import Path

import confluent_kafka
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer.wire.joined import join
from scorer.wire.murmur2 import murmur2, partitions

# The values of org.apache.kafka.common.utils.UtilsTest.
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "value"), JAVA.items())
def test_hashes_are_those_of_java(key: bytes, value: int) -> None:
    assert murmur2(key) == value


def test_partitions_are_hashes_without_their_sign_modulo_the_count() -> None:
    _kept, address, length = join(list(JAVA))
    for count in (1, 3, 4, 1000):
        assert partitions(address, length, count).tolist() == [(h & 0x7FFFFFFF) % count for h in JAVA.values()]


def test_records_without_a_key_have_no_partition_of_their_own() -> None:
    _kept, address, length = join([b"a", None, b""])
    assert (partitions(address, length, 4) >= 0).tolist() == [True, False, True]


def test_a_topic_without_partitions_is_refused() -> None:
    _kept, address, length = join([b"a"])
    with pytest.raises(ValueError, match="at least one partition"):
        partitions(address, length, 0)


@pytest.fixture(scope="module")
def librdkafka() -> ctypes.CDLL:
    """The library inside confluent-kafka's package: beside it on Linux, within it on macOS."""
    package = Path(confluent_kafka.__file__).parent
    found = [*package.parent.glob("confluent_kafka.libs/librdkafka*"), *package.glob(".dylibs/librdkafka*")]
    assert found, "confluent-kafka's wheel is expected to ship librdkafka"
    return ctypes.CDLL(str(found[0]))


@given(key=st.binary(max_size=40), count=st.integers(1, 2000))
def test_partitions_are_those_of_librdkafka(librdkafka: ctypes.CDLL, key: bytes, count: int) -> None:
    place = librdkafka.rd_kafka_msg_partitioner_murmur2
    place.restype = ctypes.c_int32
    place.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_int32,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    _kept, address, length = join([key])
    assert partitions(address, length, count)[0] == place(None, key, len(key), count, None, None)
