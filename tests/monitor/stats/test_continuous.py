"""Sequences: the same bits in any batches, restored or not; and the formulas as they are written."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats

from monitor.stats.continuous.bernstein import Bernstein
from monitor.stats.continuous.betting import BettingInterval, FloorBet
from monitor.stats.continuous.counts import Counts
from monitor.stats.continuous.pairs import Pairs
from monitor.stats.continuous.running import Running
from monitor.stats.continuous.scaling import Scale
from monitor.stats.detector import STAKES, Detector
from scorer.batch import Floats
from tests.monitor.stats import confseq_numbers
from tests.monitor.stats.trials import Sequence

CONFSEQ: dict[str, list[list[float]]] = json.loads((Path(__file__).parent / "confseq.json").read_text("utf-8"))

SCALE = Scale(-2.0, 3.0)
OF: dict[str, Callable[[Floats | None], Bernstein | Running | FloorBet | BettingInterval | Detector]] = {
    "bernstein": lambda state: Bernstein(SCALE, 0.01, state),
    "running": lambda state: Running(SCALE, state),
    "floor": lambda state: FloorBet(0.5, SCALE, state),
    "betting": lambda state: BettingInterval(SCALE, 0.01, state),
    "detector": lambda state: Detector(0.5, 20.0, SCALE, state),
}
few = settings(max_examples=60, deadline=None)


def values(seed: int, n: int) -> Floats:
    return SCALE.low + 5.0 * np.random.default_rng(seed).beta(2.0, 1.5, n)


@few
@given(
    st.sampled_from(sorted(OF)), st.integers(0, 2**32), st.integers(0, 120), st.lists(st.integers(0, 120), max_size=5)
)
def test_any_batches_and_a_restart_between_give_the_same_bits(name: str, seed: int, n: int, cuts: list[int]) -> None:
    x = values(seed, n)
    whole = OF[name](None)
    whole.update(x)
    part = OF[name](None)
    for batch in np.split(x, sorted(min(cut, n) for cut in cuts)):
        part.update(batch)
        part = OF[name](np.array(json.loads(json.dumps(part.plain()))))
    assert part.plain() == whole.plain()
    assert part.n == whole.n == n


@few
@given(st.integers(0, 2**32), st.integers(0, 120), st.lists(st.integers(0, 120), max_size=5))
def test_pairs_are_the_same_in_any_batches(seed: int, n: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    truth, score = rng.random(n) < 0.4, rng.normal(size=n).round(1)
    whole, part = Pairs(), Pairs()
    expected = whole.update(truth, score)
    found = []
    for rows in np.split(np.arange(n), sorted(min(cut, n) for cut in cuts)):
        found.append(part.update(truth[rows], score[rows]).copy())
        part = Pairs(np.array(json.loads(json.dumps(part.plain()))))
    assert part.plain() == whole.plain()
    assert np.array_equal(np.concatenate(found), expected)
    assert expected.tolist() == paired(truth.tolist(), score.tolist())


def paired(truth: list[bool], score: list[float]) -> list[float]:
    """As the words say."""
    waiting: tuple[bool, float] | None = None
    found = []
    for one, value in zip(truth, score, strict=True):
        if waiting is not None and waiting[0] != one:
            yes, no = (value, waiting[1]) if one else (waiting[1], value)
            found.append(1.0 if yes > no else 0.5 if yes == no else 0.0)
            waiting = None
        else:
            waiting = (one, value)
    return found


def plug_ins(x: Floats) -> tuple[Floats, Floats]:
    """The mean and the variance that were known before each value: index t is after t values."""
    n = np.arange(len(x) + 1)
    mean = (0.5 + np.concatenate([[0.0], np.cumsum(x)])) / (n + 1)
    squares = np.concatenate([[0.0], np.cumsum((x - mean[1:]) ** 2)])
    return mean, (0.25 + squares) / (n + 1)


@few
@given(st.integers(0, 2**32), st.integers(1, 200), st.sampled_from([0.01, 0.05]))
def test_empirical_bernstein_is_the_formula(seed: int, n: int, alpha: float) -> None:
    x = np.random.default_rng(seed).beta(0.5, 0.5, n)
    mean, variance = plug_ins(x)
    t = np.arange(1, n + 1)
    weight = np.minimum(np.sqrt(2 * np.log(2 / alpha) / (variance[:-1] * t * np.log(1 + t))), 0.5)
    v, psi = 4 * (x - mean[:-1]) ** 2, (-np.log(1 - weight) - weight) / 4
    centre, radius = (weight * x).sum() / weight.sum(), (np.log(2 / alpha) + (v * psi).sum()) / weight.sum()
    sequence = Bernstein(tuned_for=alpha)
    sequence.update(x)
    assert sequence.interval(alpha) == pytest.approx((max(0, centre - radius), min(1, centre + radius)), rel=1e-9)


@few
@given(st.integers(0, 2**32), st.integers(1, 300), st.sampled_from([0.01, 0.05]))
def test_the_running_mean_is_the_formula(seed: int, n: int, alpha: float) -> None:
    x = np.random.default_rng(seed).beta(0.5, 0.5, n)
    before = np.concatenate([[0.5], np.cumsum(x)[:-1] / np.arange(1, n)])
    v = max(1.0, float(((x - before) ** 2).sum()))
    k1, k2 = (2**0.25 + 2**-0.25) / math.sqrt(2), (math.sqrt(2) + 1) / 2
    level = 1.4 * math.log(math.log(2 * v)) + math.log(special.zeta(1.4) / (alpha / 2 * math.log(2) ** 1.4))
    radius = (math.sqrt(k1**2 * v * level + k2**2 * level**2) + k2 * level) / n
    sequence = Running()
    sequence.update(x)
    expected = (max(0.0, x.mean() - radius), min(1.0, x.mean() + radius))
    assert sequence.interval(alpha) == pytest.approx(expected, rel=1e-9)


@few
@given(st.integers(0, 2**32), st.integers(1, 200), st.sampled_from([0.1, 0.37, 0.9]))
def test_bets_on_a_floor_are_the_formula(seed: int, n: int, m: float) -> None:
    x = np.random.default_rng(seed).beta(0.5, 0.5, n)
    mean, variance = (one[:-1] for one in plug_ins(x))
    for sign, end in ((1.0, m), (-1.0, 1.0 - m)):
        gap = sign * (mean - m)
        stake = np.clip(gap / (variance + gap**2), 0.0, 0.5 / end)
        bet = FloorBet(m)
        bet.update(x)
        expected = float(np.log(1.0 + sign * stake * (x - m)).sum())
        assert (bet.above if sign > 0 else bet.below) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@few
@given(st.integers(0, 2**32), st.integers(1, 400))
def test_the_betting_interval_keeps_what_no_bet_rejects(seed: int, n: int) -> None:
    x = np.random.default_rng(seed).beta(4.0, 2.0, n)
    _, variance = plug_ins(x)
    t = np.arange(1, n + 1)
    stake = np.sqrt(2 * np.log(2 / 0.05) / (variance[:-1] * t * np.log(1 + t)))
    kept = []
    for place in range(1, 100):
        m = place / 100
        above = np.log(1 + np.minimum(stake, 0.5 / m) * (x - m)).sum()
        below = np.log(1 + np.minimum(stake, 0.5 / (1 - m)) * (m - x)).sum()
        if max(above, below) < math.log(40):
            kept.append(m)
    sequence = BettingInterval()
    sequence.update(x)
    low, high = sequence.interval(0.05)
    assert kept
    assert low == pytest.approx(kept[0] - 0.01, abs=1e-9)
    assert high == pytest.approx(kept[-1] + 0.01, abs=1e-9)


@few
@given(st.integers(0, 100), st.integers(0, 100), st.floats(0.02, 0.98))
def test_evidence_of_counts_is_the_mean_likelihood_ratio(s: int, f: int, p: float) -> None:
    def ratio(q: float) -> float:
        return math.exp((s * math.log(q / p) if s else 0.0) + f * math.log((1 - q) / (1 - p)))

    peak = min(s / (s + f), p) if s + f else p
    mean = sum(integrate.quad(ratio, *ends)[0] for ends in ((0.0, peak), (peak, p)) if ends[0] < ends[1]) / p
    assert Counts(s, f).below(p) == pytest.approx(math.log(mean), abs=1e-6)
    assert Counts(f, s).above(1.0 - p) == pytest.approx(Counts(s, f).below(p), rel=1e-9, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from([0.05, 0.001]))
def test_the_interval_of_counts_is_what_no_evidence_rejects(s: int, f: int, alpha: float) -> None:
    low, high = Counts(s, f).interval(alpha)
    assert 0.0 <= low <= high <= 1.0
    if s + f:
        assert low <= s / (s + f) <= high
    for share in np.linspace(0.001, 0.999, 99):
        rejected = max(Counts(s, f).below(share), Counts(s, f).above(share)) >= math.log(2 / alpha)
        assert rejected == (not low <= share <= high) or min(abs(share - low), abs(share - high)) < 1e-9


def test_counts_merge_and_the_two_sided_test() -> None:
    a, b = Counts(3, 9), Counts(10, 1)
    assert a.merge(b) == b.merge(a) == Counts(13, 10)
    assert Counts(3, 9).unequal() == pytest.approx(Counts(9, 3).unequal())

    def weighed(q: float) -> float:
        return float(stats.beta.pdf(q, 0.5, 0.5) * (2 * q) ** 3 * (2 * (1 - q)) ** 9)

    assert a.unequal() == pytest.approx(math.log(integrate.quad(weighed, 0.0, 1.0)[0]), rel=1e-6)
    assert Counts(0, 40).unequal() > math.log(20) > Counts(0, 40).above(0.5)
    assert Counts(10**9, 10**8).interval(0.05) == pytest.approx((10 / 11, 10 / 11), abs=1e-4)
    assert Counts(0, 10**6).above(0.5) == -math.inf


def test_nothing_is_known_of_nothing() -> None:
    for sequence in (Bernstein(SCALE), Running(SCALE), BettingInterval(SCALE)):
        assert sequence.interval(0.05) == (-2.0, 3.0)
    assert Pairs().interval(0.05) == (0.0, 1.0)
    assert Counts().interval(0.05) == (0.0, 1.0)
    assert Counts().below(0.3) == pytest.approx(0.0, abs=1e-12)
    assert FloorBet(0.3).above == FloorBet(0.3).below == 0.0
    constant = Pairs()
    constant.update(np.arange(500) % 2 > 0, np.full(500, 0.3))
    assert (constant.n, constant.interval(0.05)) == (250, (0.0, 1.0))
    one_class = Pairs()
    one_class.update(np.ones(50, bool), np.arange(50.0))
    assert (one_class.n, one_class.interval(0.05)) == (0, (0.0, 1.0))


@pytest.mark.parametrize("name", ["bernstein", "running", "betting"])
def test_bounds_follow_the_scale(name: str) -> None:
    x = np.random.default_rng(5).random(400)
    make: dict[str, Callable[[Scale], Sequence]] = {
        "bernstein": Bernstein, "running": Running, "betting": BettingInterval
    }  # fmt: skip
    plain, scaled = make[name](Scale()), make[name](SCALE)
    plain.update(x)
    scaled.update(-2.0 + 5.0 * x)
    low, high = plain.interval(0.05)
    assert 0.3 < low < x.mean() < high < 0.7
    assert scaled.interval(0.05) == pytest.approx((-2.0 + 5.0 * low, -2.0 + 5.0 * high), abs=1e-9)


def test_what_lies_outside_the_scale_is_refused() -> None:
    for bad in (1.0001, -0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="not between"):
            Bernstein().update(np.array([0.5, bad]))
    with pytest.raises(ValueError, match="no range"):
        Scale(1.0, 1.0)
    with pytest.raises(ValueError, match="floor"):
        FloorBet(1.0)
    with pytest.raises(ValueError, match="floor"):
        Detector(0.0, 100.0)
    with pytest.raises(ValueError, match="no run"):
        Detector(0.5, 0.0)
    with pytest.raises(ValueError, match="share"):
        Counts(1, 1).below(1.0)
    with pytest.raises(ValueError, match="finite"):
        Pairs().update(np.array([True]), np.array([math.nan]))
    with pytest.raises(ValueError, match="where 6 are kept"):
        Bernstein(state=np.zeros(5))


def test_the_detector_is_the_recursion_and_begins_anew_after_an_alarm() -> None:
    x = np.random.default_rng(3).random(300) * 0.8
    detector = Detector(0.6, 30.0)
    r, alarms = np.zeros(STAKES), []
    stakes = 0.5 / 0.4 * 0.5 ** np.arange(STAKES)
    for place, value in enumerate(x):
        r = (1 + r) * (1 + stakes * (0.6 - value))
        if r.mean() >= 30.0:
            alarms.append(place)
            r[:] = 0.0
    assert len(alarms) > 5
    assert detector.update(x).tolist() == alarms
    assert (detector.alarms, detector.n) == (len(alarms), 300)
    assert detector.level == pytest.approx(r.mean() / 30.0)


@pytest.mark.parametrize("alpha", confseq_numbers.ALPHAS)
@pytest.mark.parametrize(("name", "x"), confseq_numbers.sequences().items())
def test_sequences_say_what_confseq_says(name: str, x: Floats, alpha: float) -> None:
    bernstein, betting = Bernstein(tuned_for=alpha), BettingInterval(tuned_for=alpha)
    fed = 0
    for n, *bounds in CONFSEQ[f"{name} {alpha:g}"]:
        for sequence in (bernstein, betting):
            sequence.update(x[fed : int(n)])
        fed = int(n)
        low, high = bernstein.interval(alpha)
        assert (low, high) == pytest.approx((max(0.0, bounds[0]), min(1.0, bounds[1])), rel=1e-9)
        assert betting.interval(alpha) == pytest.approx(tuple(bounds[2:]), abs=1e-9)


def test_the_running_mean_has_the_boundary_of_confseq() -> None:
    for alpha, v, bound in CONFSEQ["stitched"]:
        n = 10**9
        low, high = Running(state=np.array([n, 0.5 * n, v])).interval(alpha)
        assert (high - low) / 2.0 * n == pytest.approx(bound, rel=1e-6)


def test_evidence_grows_with_the_gap_and_finds_it_however_the_order() -> None:
    found = [Counts(s, 1000 - s).below(0.9) for s in range(800, 1000, 20)]
    assert found == sorted(found, reverse=True)
    root = optimize.brentq(lambda p: Counts(860, 140).below(p) - math.log(20), 0.861, 0.95)
    assert 0.87 < root < 0.9
