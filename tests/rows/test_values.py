"""Values out of text and objects: what counts as what, and what is wrong."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scorer.model.inputs import Input
from scorer.rows.values import Typed, from_objects, from_text

WRONG = object()

NUMBER, INTEGER, CATEGORY = Input("x", "float64"), Input("x", "int64"), Input("x", "category")


def one(typed: Typed) -> Any:
    """The only value: itself, ``None`` or WRONG."""
    if typed.wrong:
        assert list(typed.wrong) == [0]
        assert typed.wrong[0].startswith("x: expected ")
        return WRONG
    values = typed.values
    if isinstance(values, list):
        return None if values[0] is None else values[0].decode()
    return values[0][0].item() if values[1][0] else None


@pytest.mark.parametrize(
    ("cell", "number", "integer"),
    [
        ("1.5", 1.5, WRONG),
        ("-0.0", -0.0, 0),
        (" 12 ", 12.0, 12),
        ("12.0", 12.0, 12),
        ("+1e3", 1000.0, 1000),
        (".5", 0.5, WRONG),
        ("", None, None),
        ("NA", None, None),
        ("NaN", None, None),
        ("inf", math.inf, WRONG),
        ("-Infinity", -math.inf, WRONG),
        ("1e999", WRONG, WRONG),
        ("-" + "9" * 400, WRONG, WRONG),
        ("0" * 5000 + "1", 1.0, WRONG),
        ("true", 1.0, 1),
        ("False", 0.0, 0),
        ("1_000", WRONG, WRONG),
        ("\u0661", WRONG, WRONG),
        ("1,5", WRONG, WRONG),
        ("abc", WRONG, WRONG),
        ("9223372036854775807", 9.223372036854775807e18, 9223372036854775807),
        ("9223372036854775808", 9.223372036854775808e18, WRONG),
        ("2013-01-01", WRONG, 1356998400000000),
        ("2013-01-01T00:00:00.000001", WRONG, 1356998400000001),
        ("2013-01-01 01:00:00+01:00", WRONG, 1356998400000000),
        ("2013-13-01", WRONG, WRONG),
        ("20130101", 20130101.0, 20130101),
    ],
)
def test_text(cell: str, number: object, integer: object) -> None:
    for entry, expected in ((NUMBER, number), (INTEGER, integer)):
        for cells in ([cell], [cell, "1_0"]):  # the second goes the slow way
            typed = from_text(entry, cells, {"", "NA"})
            found = one(Typed(typed.values, {0: typed.wrong[0]} if 0 in typed.wrong else {}))
            assert repr(found) == repr(expected)
    assert one(from_text(CATEGORY, [cell], {"", "NA"})) == (None if cell in ("", "NA") else cell)


@pytest.mark.parametrize(
    ("value", "number", "integer", "category"),
    [
        (None, None, None, None),
        (1.5, 1.5, WRONG, WRONG),
        (7, 7.0, 7, WRONG),
        (7.0, 7.0, 7, WRONG),
        (True, 1.0, 1, WRONG),
        (math.nan, None, None, WRONG),
        (math.inf, math.inf, WRONG, WRONG),
        (2**63, float(2**63), WRONG, WRONG),
        (10**400, WRONG, WRONG, WRONG),
        (Decimal("1.5"), 1.5, WRONG, WRONG),
        (Decimal("sNaN"), WRONG, WRONG, WRONG),
        ("007", WRONG, WRONG, "007"),
        ("", WRONG, WRONG, ""),
        ("\ud800", WRONG, WRONG, WRONG),
        ("2013-01-01T00:00:00Z", WRONG, 1356998400000000, "2013-01-01T00:00:00Z"),
        (date(1970, 1, 3), WRONG, 2, WRONG),
        (datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), WRONG, -1, WRONG),
        (datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), WRONG, 0, WRONG),
        (datetime(1970, 1, 1, 1), WRONG, 3_600_000_000, WRONG),
        ([], WRONG, WRONG, WRONG),
    ],
)
def test_objects(value: object, number: object, integer: object, category: object) -> None:
    for entry, expected in ((NUMBER, number), (INTEGER, integer), (CATEGORY, category)):
        assert repr(one(from_objects(entry, [value]))) == repr(expected)


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
@example([5e-324, 1.7976931348623157e308, 0.1 + 0.2, -0.0])
def test_a_number_keeps_its_bits_through_text(numbers: list[float]) -> None:
    for cells in ([repr(number) for number in numbers], [*(repr(number) for number in numbers), "true"]):
        values = from_text(NUMBER, cells, {""}).values
        assert isinstance(values, tuple)
        found = np.asarray(values[0][: len(numbers)])
        np.testing.assert_array_equal(found.view(np.int64), np.array(numbers).view(np.int64))


def test_a_wrong_value_spoils_its_own_row_alone_and_is_quoted_shortly() -> None:
    typed = from_text(NUMBER, ["1", "x" * 1000, "3"], {""})
    assert isinstance(typed.values, tuple)
    np.testing.assert_array_equal(typed.values[0], [1.0, np.nan, 3.0])
    assert typed.values[1].tolist() == [True, False, True]
    assert list(typed.wrong) == [1]
    assert "a number" in typed.wrong[1]
    assert len(typed.wrong[1]) < 100
