"""Packed numbers and buckets come back as they were, or are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.stats import packing
from monitor.stats.buckets import Bucket, Buckets, Key
from monitor.stats.layout import Layout
from tests.monitor.stats.support import CLASSES, outcomes, wanted


def test_what_is_packed_is_unpacked_or_refused() -> None:
    layout = Layout.of(wanted("binary"), "binary", CLASSES["binary"], "probability")
    buckets, key = Buckets(layout), Key(0, "v1", "champion")
    buckets.add([key], np.zeros((1, 40), np.int64), outcomes("binary", 40, 1))
    content = buckets.kept[key].pack()
    assert Bucket.unpack(content, layout) == buckets.kept[key]
    assert len(content) < 1200
    for bad in (content[:-1], content + b"\x00", content[:3], b"", content[:-1] + b"\xff"):
        with pytest.raises(ValueError, match=r"cut off|layout"):
            Bucket.unpack(bad, layout)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_whole_numbers_are_packed_without_loss(numbers: list[int]) -> None:
    given_ = np.array(numbers, np.int64)
    assert packing.unpack(packing.pack(given_)).tolist() == numbers
    assert len(packing.pack(np.arange(-64, 64))) == 128


def test_what_is_no_packed_number_is_refused() -> None:
    for bad in (b"\x80", b"\xff" * 11 + b"\x00"):
        with pytest.raises(ValueError, match="cut off"):
            packing.unpack(bad)
