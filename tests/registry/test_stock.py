"""Versions that were made ready stay so for a while."""

from __future__ import annotations

import pytest

from scorer.errors import VersionRefused
from scorer.registry.stock import Stock
from tests.registry.made import Made, content, digest, prepare


def test_the_versions_used_last_are_kept() -> None:
    stock: Stock[Made] = Stock("flights", prepare, size=2)
    first = stock.make("v1", content("v1"))
    stock.make("v2", content("v2"))
    assert stock.make("v1", content("v1")) is first
    stock.make("v3", content("v3"))
    assert stock.find("v1", digest("v1"), None) is first
    assert stock.find("v2", digest("v2"), None) is None
    assert stock.find("v3", digest("v3"), None) is not None


def test_a_version_is_found_by_all_that_can_be_checked_of_it() -> None:
    stock: Stock[Made] = Stock("flights", prepare)
    stock.make("v1", content("v1", signature=b"s"))
    assert stock.find("v1", digest("v1"), b"s") is not None
    assert stock.find("v1", digest("v1"), None) is None
    assert stock.find("v1", digest("v2"), b"s") is None
    assert stock.find("v2", digest("v1"), b"s") is None


def test_a_refused_version_is_not_kept() -> None:
    stock: Stock[Made] = Stock("flights", prepare)
    for _ in range(2):
        with pytest.raises(VersionRefused, match="expected"):
            stock.make("v1", content("v1", good=False))
    assert stock.find("v1", digest("v1", good=False), None) is None
