"""The gate: the formula as it is written, the same bits in any batches, what pairs say, and what is promised."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from monitor.stats.continuous.betting import FloorBet
from monitor.stats.continuous.counts import Counts
from monitor.stats.continuous.gate import Discordant, Gate
from monitor.stats.continuous.paired import PAIRED, Loss
from monitor.stats.continuous.scaling import Scale
from monitor.stats.continuous.spending import share_of, spent
from scorer.batch import Floats
from scorer.quality.judge import measured
from scorer.quality.metrics import CONTINUOUSLY
from scorer.quality.parameters import Parameters
from scorer.quality.table import Kind
from tests.monitor.stats.gates import false_promotions, peeking, powers, years
from tests.monitor.stats.support import outcomes, requirement
from tests.monitor.stats.test_buckets import KINDS, layout_of
from tests.monitor.stats.test_promises import RUNS, broken
from tests.monitor.stats.test_watching import watched

few = settings(max_examples=60, deadline=None)
floors = st.sampled_from([-0.7, -0.1, 0.0, 0.05, 1.0])


def drawn(seed: int, n: int) -> Floats:
    return np.random.default_rng(seed).uniform(-1.5, 1.5, n).round(1)


def by_the_formula(d: Floats, bound: float, floor: float) -> list[float]:
    """The logarithm of the evidence after each pair, in plain Python."""
    m, total, squares, log_k, found = (floor + bound) / (2 * bound), 0.5, 0.25, 0.0, []
    for t, x in enumerate(((d + bound) / (2 * bound)).tolist(), 1):
        mean, variance = total / t, squares / t
        stake = min(max((mean - m) / (variance + (mean - m) ** 2), 0.0), 0.5 / m)
        log_k += math.log(1.0 + stake * (x - m))
        total += x
        squares += (x - total / (t + 1)) ** 2
        found.append(log_k)
    return found


@few
@given(st.integers(0, 2**32), st.integers(1, 200), floors)
def test_the_evidence_is_the_formula_and_the_peak_its_maximum(seed: int, n: int, floor: float) -> None:
    d = drawn(seed, n)
    gate, other = Gate(1.5, floor), FloorBet(floor, Scale(-1.5, 1.5))
    gate.update(d)
    other.update(d)
    expected = by_the_formula(d, 1.5, floor)
    assert gate.evidence == pytest.approx(expected[-1], rel=1e-9, abs=1e-9)
    assert gate.peak == pytest.approx(max([0.0, *expected]), rel=1e-9, abs=1e-9)
    assert gate.evidence == other.above
    assert gate.mean == pytest.approx(d.mean(), abs=1e-12)


@few
@given(st.integers(0, 2**32), st.integers(0, 120), st.lists(st.integers(0, 120), max_size=5), floors)
def test_any_batches_and_a_restart_between_give_the_same_bits(seed: int, n: int, cuts: list[int], floor: float) -> None:
    d = drawn(seed, n)
    whole, part = Gate(1.5, floor), Gate(1.5, floor)
    whole.update(d)
    for batch in np.split(d, sorted(min(cut, n) for cut in cuts)):
        part.update(batch)
        part = Gate(1.5, floor, np.array(json.loads(json.dumps(part.plain()))))
    assert part.plain() == whole.plain()
    assert part.n == whole.n == n


def test_it_opens_where_the_evidence_is_one_in_alpha_now() -> None:
    gate = Gate(1.0)
    assert not gate.open(0.05)
    gate.update(np.full(40, 0.5))
    assert gate.open(0.05)
    assert gate.evidence >= math.log(20.0)
    best = gate.peak
    gate.update(np.full(200, -0.5))
    assert gate.peak == best
    assert not gate.open(0.05), "what was won early is lost again"


def test_what_is_impossible_is_refused() -> None:
    for floor in (1.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="margin"):
            Gate(1.0, floor)
    for value in (1.1, -1.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="between"):
            Gate(1.0).update(np.array([0.0, value]))
    with pytest.raises(ValueError, match="state"):
        Gate(1.0, state=np.zeros(4))
    with pytest.raises(ValueError, match="none of -1"):
        Discordant().update(np.array([0.5]))


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (9, 2), (2, 9), (40, 40), (60, 20)])
def test_mcnemar_is_the_mixture_over_the_champions_chances_below_one_half(won: int, lost: int) -> None:
    differences = np.array([1.0] * won + [-1.0] * lost + [0.0] * 7)
    gate = Discordant().update(differences[::2]).update(differences[1::2])
    mixed, _ = integrate.quad(lambda p: 2.0 * p**lost * (1.0 - p) ** won / 0.5 ** (won + lost), 0.0, 0.5)
    assert gate.evidence == pytest.approx(math.log(mixed), abs=1e-6)
    assert gate.counts == Counts(won, lost)
    assert gate.open(0.05) == (won == 60)


def test_alpha_is_spent_and_never_overspent() -> None:
    shares = [share_of(number, 0.05) for number in range(1, 2001)]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) < 0.05
    assert 0.05 - sum(shares) == pytest.approx(0.05 * 6 / math.pi**2 / 2000, rel=0.01)
    assert spent(365, 0.05) == pytest.approx(sum(shares[:365]), rel=1e-12)
    with pytest.raises(ValueError, match="from 1"):
        share_of(0, 0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_has_the_metric_as_its_mean_and_pairs_the_difference(kind: Kind) -> None:
    layout = layout_of(kind)
    champion = outcomes(kind, 500, 1)
    challenger = replace(champion, scores=outcomes(kind, 500, 2).scores, predicted=outcomes(kind, 500, 2).predicted)
    asked = [one for one in watched(kind) if one.metric.name in PAIRED]
    assert asked
    for one in asked:
        loss = Loss(one, layout)
        found = loss.differences(champion, challenger, np.ones(500, np.bool_))
        assert (np.abs(found) <= loss.bound).all()
        expected = measured(one, champion) - measured(one, challenger)
        sign = -1.0 if one.metric.better == "larger" else 1.0
        assert found.mean() == pytest.approx(sign * expected, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["unscored", "nan"])
def test_what_the_challenger_did_not_score_is_lost_by_as_much_as_can_be(kind: Kind, how: str) -> None:
    layout, champion, rows = layout_of(kind), outcomes(kind, 40, 3), np.arange(40) % 3 == 0
    scores = np.where(rows & (how == "nan"), np.nan, champion.scores)
    scored = np.ones(40, np.bool_) if how == "nan" else ~rows
    for asked in (one for one in watched(kind) if one.metric.name in PAIRED):
        loss = Loss(asked, layout)
        found = loss.differences(champion, replace(champion, scores=scores), scored)
        assert (found[rows] == -loss.bound).all()
        assert (found[~rows] == 0.0).all()


def test_pairs_are_refused_where_they_say_nothing() -> None:
    layout, table = layout_of("binary"), outcomes("binary", 20, 4)
    with pytest.raises(ValueError, match="no mean over rows"):
        Loss(replace(requirement("recall"), judged=CONTINUOUSLY), layout)
    with pytest.raises(ValueError, match="continuously"):
        Loss(requirement("brier"), layout)
    with pytest.raises(ValueError, match="bound"):
        Loss(replace(requirement("mae"), judged=CONTINUOUSLY), layout_of("regression"))
    flat = requirement("cost", Parameters(costs=((1.0, 1.0), (1.0, 1.0))))
    with pytest.raises(ValueError, match="known most"):
        Loss(replace(flat, judged=CONTINUOUSLY), layout)
    loss = Loss(replace(requirement("brier"), judged=CONTINUOUSLY), layout)
    with pytest.raises(ValueError, match="same events"):
        loss.differences(table, replace(table, labels=1.0 - table.labels), np.ones(20, np.bool_))
    with pytest.raises(ValueError, match="no label"):
        loss.of(replace(table, labels=np.full(20, np.nan)))


def test_nobody_is_promoted_by_chance_however_often_one_looks() -> None:
    assert broken(list(false_promotions(RUNS // 2))) == []
    assert peeking(RUNS).value > 0.2, "what is usual does"


def test_a_year_of_candidates_that_are_no_better_promotes_nobody() -> None:
    found = list(years(60))
    assert broken(found) == []
    assert found[0].value > 0.9, "each at alpha is wrong in nearly every year"


def test_who_is_better_passes() -> None:
    assert broken(list(powers(RUNS // 8))) == []
