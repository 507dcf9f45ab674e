"""Drift against scipy; large samples do not make small shifts large, small ones say nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from monitor.stats import drift
from scorer.model.evidence import CategoryProfile, NumberProfile
from scorer.model.profile import PROBABILITIES, quantiles
from scorer.quality.undefined import Undefined

counts = st.lists(st.integers(0, 1000), min_size=2, max_size=12)


def profiled(seed: int, n: int = 5000) -> NumberProfile:
    values = np.random.default_rng(seed).gamma(2.0, 3.0, n)
    return NumberProfile(100, quantiles(values, np.ones(n, bool)))


@settings(max_examples=60, deadline=None)
@given(counts, st.data())
def test_distances_against_scipy(p: list[int], data: st.DataObject) -> None:
    q = data.draw(st.lists(st.integers(0, 1000), min_size=len(p), max_size=len(p)))
    expected, seen = np.array(p, float), np.array(q)
    if not sum(p) or not sum(q):
        with pytest.raises(Undefined):
            drift.psi(expected, seen, 1)
        return
    assert drift.jensen_shannon(expected, seen, 1) == pytest.approx(distance.jensenshannon(p, q, 2), abs=1e-7)
    kept = (expected + seen) > 0
    one, other = ((counts + 0.5) / (counts + 0.5).sum() for counts in (expected[kept], seen[kept]))
    assert drift.psi(expected, seen, 1) == pytest.approx(
        stats.entropy(one, other) + stats.entropy(other, one), abs=1e-12
    )


def test_wasserstein_against_scipy() -> None:
    entry = profiled(1)
    rng = np.random.default_rng(2)
    width = entry.quantiles[11] - entry.quantiles[3]
    for shift in (0.0, 1.0, 5.0):
        values = rng.gamma(2.0, 3.0, 20_000) + shift
        trained = np.random.default_rng(1).gamma(2.0, 3.0, 5000)
        expected = stats.wasserstein_distance(trained, values) / width
        assert drift.wasserstein(entry.quantiles, PROBABILITIES, values) == pytest.approx(expected, abs=0.05)


def test_numbers_fall_into_the_bins_of_their_profile() -> None:
    entry = profiled(1)
    edges, trained = drift.number_bins(entry, PROBABILITIES, 5100)
    values = np.random.default_rng(1).gamma(2.0, 3.0, 5000)
    seen = drift.count_numbers(np.append(values, np.full(100, np.nan)), edges)
    assert seen.sum() == trained.sum() == 5100
    assert np.abs(seen - trained).max() <= 1
    assert drift.psi(trained, seen) < 1e-4
    moved = drift.count_numbers(np.append(values * 1.5, np.full(100, np.nan)), edges)
    assert drift.psi(trained, moved) > 0.1
    gone = drift.count_numbers(np.append(values[:2500], np.full(2600, np.nan)), edges)
    assert drift.psi(trained, gone) > 1.0


def test_equal_quantiles_are_one_edge() -> None:
    values = np.array([0.0] * 700 + [1.0] * 200 + [5.0] * 100)
    entry = NumberProfile(0, quantiles(values, np.ones(1000, bool)))
    edges, trained = drift.number_bins(entry, PROBABILITIES, 1000)
    assert edges.tolist() == [0.0, 1.0, 5.0]
    assert drift.psi(trained, drift.count_numbers(values, edges)) < 1e-9
    assert drift.count_numbers(np.array([-1.0, 0.0, 0.5, 1.0, 9.0, np.nan]), edges).tolist() == [2, 2, 0, 1, 1]


def test_categories() -> None:
    entry = CategoryProfile(10, (("a", 500), ("b", 300)), 190)
    trained, seen = drift.category_counts(entry, {"a": 50, "c": 7, "d": 2, None: 4})
    assert trained.tolist() == [500, 300, 190, 10]
    assert seen.tolist() == [50, 0, 9, 4]
    assert drift.psi(trained, np.array([500, 300, 190, 10])) == pytest.approx(0.0, abs=1e-12)


def test_the_size_of_the_sample_makes_no_drift() -> None:
    edges, trained = drift.number_bins(profiled(1), PROBABILITIES, 5100)
    found = []
    for n in (1000, 10_000, 1_000_000):
        values = np.random.default_rng(9).gamma(2.0, 3.0, n)
        values[: n // 50] = np.nan
        found.append(drift.psi(trained, drift.count_numbers(values, edges)))
    assert max(found) < 0.05
    assert found[2] < found[0]


def test_too_few_values_or_none_say_nothing() -> None:
    entry = profiled(1)
    edges, trained = drift.number_bins(entry, PROBABILITIES, 5100)
    few = drift.count_numbers(np.ones(499), edges)
    for measure in (drift.psi, drift.jensen_shannon):
        with pytest.raises(Undefined, match="needs 500"):
            measure(trained, few)
    with pytest.raises(Undefined, match="needs 500"):
        drift.wasserstein(entry.quantiles, PROBABILITIES, np.append(np.ones(499), np.full(9, np.nan)))
    for nothing in (lambda: drift.number_bins(NumberProfile(5, ()), PROBABILITIES, 5),
                    lambda: drift.wasserstein((), PROBABILITIES, np.ones(600))):  # fmt: skip
        with pytest.raises(Undefined, match="no value"):
            nothing()
    with pytest.raises(Undefined, match="equal"):
        drift.wasserstein((1.0,) * 15, PROBABILITIES, np.ones(600))


def test_the_least_number_of_values_is_enough() -> None:
    whole = np.full(5, drift.LEAST / 5)
    assert drift.psi(whole, whole.astype(np.int64)) == 0.0
    for few, other in ((whole - [1, 0, 0, 0, 0], whole), (whole, whole - [1, 0, 0, 0, 0])):
        with pytest.raises(Undefined, match="499 values say nothing of drift"):
            drift.psi(few, other.astype(np.int64))
