"""Sums against Python's own fractions."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.stats import exact
from monitor.stats.layout import log
from scorer.batch import Floats, Int64s

numbers = st.floats(-exact.LARGEST, exact.LARGEST)
UNIT = Fraction(1, 2**64)


def sums(values: Floats, cell: Int64s, sign: Int64s, cells: int) -> list[list[int]]:
    """For each cell and column."""
    return [exact.numbers(some) for some in exact.sums(values, cell[None], sign, cells)]


def total(values: list[float]) -> int:
    n = len(values)
    return sums(np.array([values], float), np.zeros(n, np.int64), np.ones(n, np.int64), 1)[0][0]


def nearest(value: float) -> int:
    """In whole units, a half away from zero."""
    units = abs(Fraction(value)) / UNIT
    whole = math.floor(units + Fraction(1, 2))
    return whole if value >= 0 else -whole


@settings(max_examples=200, deadline=None)
@given(st.lists(numbers, max_size=8))
@example([exact.LARGEST, -exact.LARGEST, 2.0**-64, 2.0**-65, 2.0**-66, -(2.0**-65), 5e-324, 0.1, -0.0])
@example([math.nextafter(2.0**-65, 0.0), 1.5 * 2.0**-64, 2.5 * 2.0**-64, 2.0**-11 / 3.0, 1e-300])
def test_a_sum_is_exact_but_for_one_rounding_of_each_value(values: list[float]) -> None:
    assert total(values) == sum(map(nearest, values))
    for value in values:
        assert abs(total([value]) * UNIT - Fraction(value)) <= UNIT / 2


@settings(max_examples=60, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=30), st.randoms(use_true_random=False), st.integers(0, 30))
def test_order_parts_and_taking_back_change_nothing(values: list[float], random: object, cut: int) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert total(values) == total(shuffled) == total(shuffled[:cut]) + total(shuffled[cut:])
    n = len(values)
    both = np.array([values + shuffled])
    sign = np.repeat([1, -1], n)
    assert sums(both, np.zeros(2 * n, np.int64), sign, 1) == [[0]]


def test_cells_and_columns_are_kept_apart() -> None:
    values = np.array([[1.0, 2.0, 4.0], [0.5, 0.25, -8.0]])
    found = sums(values, np.array([1, 0, 1]), np.ones(3, np.int64), 3)
    assert found == [[2 << 64, 1 << 62], [5 << 64, -15 << 63], [0, 0]]


def test_a_row_is_added_once_for_each_of_its_groups() -> None:
    cells_of = np.array([[0, 0, 1], [2, -1, 2]])
    found = exact.sums(np.array([[1.0, -2.5, 4.0]]), cells_of, np.array([1, 1, -1]), 4)
    assert [exact.numbers(some) for some in found] == [[-3 << 63], [-4 << 64], [-3 << 64], [0]]
    assert (found[:, :, :-1] >= 0).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(numbers, max_size=5), max_size=5))
def test_sums_added_limb_by_limb_are_sums(parts: list[list[float]]) -> None:
    zero = np.zeros((1, 0), np.int64)
    added = exact.sums(np.zeros((1, 0)), zero, zero[0], 1)[0]
    for part in parts:
        one = np.zeros(len(part), np.int64)
        added = exact.settled(added + exact.sums(np.array([part], float), one[None], one + 1, 1)[0])
    assert exact.numbers(added) == [total([value for part in parts for value in part])]
    assert (added[:, :-1] >= 0).all()


def test_many_rows_of_the_same_limb_do_not_overflow() -> None:
    n = 200_000
    assert total([math.nextafter(2.0**188, 0.0)] * n) == n * nearest(math.nextafter(2.0**188, 0.0))
    assert total([-0.7] * n) == n * nearest(-0.7)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), st.floats(-1e9, 1e9))
def test_mean_and_variance(values: list[float], shift: float) -> None:
    moved = [value + shift for value in values]
    squares = [value**2 for value in moved]
    n = len(moved)
    assert exact.mean(total(moved), n) == pytest.approx(statistics.fmean(moved), rel=1e-15, abs=2.0**-64)
    scale = max(squares)
    expected = statistics.variance(map(Fraction, moved))
    # Each square is rounded to 53 bits, and to a unit.
    error = 2 * n / (n - 1) * (2.0**-53 * scale + 2.0**-64)
    assert exact.variance(total(moved), total(squares), n) == pytest.approx(float(expected), rel=1e-15, abs=error)


def test_the_impossible_is_refused() -> None:
    zero = np.zeros(1, np.int64)
    for bad in (np.nan, np.inf, -np.inf, math.nextafter(exact.LARGEST, np.inf)):
        with pytest.raises(ValueError, match="row 0"):
            sums(np.array([[bad]]), zero, zero + 1, 1)
    for cell in (-2, 1):
        with pytest.raises(ValueError, match="none of 1"):
            sums(np.ones((1, 1)), zero + cell, zero + 1, 1)


def test_a_logarithm_has_the_same_bits_wherever_it_stands() -> None:
    values = np.random.default_rng(1).random(1003) + 1e-9
    whole = log(values)
    assert whole == pytest.approx(np.log(values), rel=1e-15)
    assert all(log(values[row : row + 1])[0] == whole[row] for row in range(0, 1003, 7))
    assert (log(values[::-1]) == whole[::-1]).all()
