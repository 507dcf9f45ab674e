"""Versions that were made ready stay so for a while."""

from __future__ import annotations

import pytest

from scorer.errors import VersionRefused
from scorer.registry.stock import Stock
from tests.registry.made import Made, content, digest, prepare, unchecked


def test_the_versions_used_last_are_kept() -> None:
    stock: Stock[Made] = Stock("flights", prepare, unchecked, size=2)
    first = stock.make("v1", content("v1"))
    stock.make("v2", content("v2"))
    assert stock.make("v1", content("v1")) is first
    stock.make("v3", content("v3"))
    assert stock.find("v1", digest("v1"), None) is first
    assert stock.find("v2", digest("v2"), None) is None
    assert stock.find("v3", digest("v3"), None) is not None


def test_a_version_is_found_by_all_that_can_be_checked_of_it() -> None:
    stock: Stock[Made] = Stock("flights", prepare, unchecked)
    stock.make("v1", content("v1", signature=b"s"))
    assert stock.find("v1", digest("v1"), b"s") is not None
    assert stock.find("v1", digest("v1"), None) is None
    assert stock.find("v1", digest("v2"), b"s") is None
    assert stock.find("v2", digest("v1"), b"s") is None


def test_a_refused_version_is_not_kept() -> None:
    stock: Stock[Made] = Stock("flights", prepare, unchecked)
    for _ in range(2):
        with pytest.raises(VersionRefused, match="expected"):
            stock.make("v1", content("v1", good=False))
    assert stock.find("v1", digest("v1", good=False), None) is None


def test_a_version_in_stock_is_checked_whenever_it_is_taken_out_and_made_anew_once_it_fails() -> None:
    checked: list[str] = []
    failing = False

    def check(made: Made) -> None:
        checked.append(made.version)
        if failing:
            raise VersionRefused("golden", "row 0: expected 1.0, got 2.0")

    stock: Stock[Made] = Stock("flights", prepare, check)
    first = stock.make("v1", content("v1"))
    assert stock.make("v1", content("v1")) is stock.find("v1", digest("v1"), None) is first
    assert checked == ["v1", "v1"], "not when it is made: that is prepare's business"
    failing = True
    with pytest.raises(VersionRefused, match="expected"):
        stock.find("v1", digest("v1"), None)
    assert stock.find("v1", digest("v1"), None) is None
    failing = False
    assert stock.make("v1", content("v1")) is not first
