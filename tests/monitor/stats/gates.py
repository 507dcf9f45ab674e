"""The promises of the gate by simulation: false promotions, power, and the time to decide.

Seeds are fixed. The suite runs few trials, ``python -m tests.monitor.stats.simulate 5000 gate`` many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy import stats

from monitor.stats.continuous.counts import Counts
from monitor.stats.continuous.gate import Gate
from monitor.stats.continuous.spending import share_of
from scorer.batch import Floats
from tests.monitor.stats.trials import ALPHA, Draw, Finding, rngs

LENGTH = 5000
"""Pairs of one trial."""
NIGHTS, EACH, NIGHTLY = 365, 1500, 100
"""So many candidates, one a night; each is looked at for so many pairs, of which so many come in a day."""
GAINS = (0.02, 0.04, 0.08)
POWER = 0.8


def enough(number: int) -> float:
    """The logarithm of the evidence that candidate ``number`` needs."""
    return -math.log(share_of(number, ALPHA))


def hits(right: float, wrong: float) -> Draw:
    """Differences of 0/1 losses: the challenger alone is right, or wrong, with these chances."""
    return lambda rng, n: rng.choice([1.0, -1.0, 0.0], n, p=[right, wrong, 1.0 - right - wrong])


def briers(noise: float, champions: float = 1.0) -> Draw:
    """Differences of Brier losses of two forecasters who see the same log-odds with noise of these sizes."""

    def draw(rng: np.random.Generator, n: int) -> Floats:
        odds = rng.normal(-1.0, 1.5, n)
        late = np.asarray(rng.random(n) < 1.0 / (1.0 + np.exp(-odds)), np.float64)
        return _brier(rng, odds, late, champions) - _brier(rng, odds, late, noise)

    return draw


def _brier(rng: np.random.Generator, odds: Floats, late: Floats, noise: float) -> Floats:
    seen = odds + noise * rng.normal(size=len(odds))
    return np.asarray((1.0 / (1.0 + np.exp(-seen)) - late) ** 2)


def rare(rng: np.random.Generator, n: int) -> Floats:
    """Mostly a little better, rarely as much worse as one can be; on the mean no better."""
    return np.where(rng.random(n) < 0.01, -0.99, 0.01)


def turning(rng: np.random.Generator, n: int) -> Floats:
    """Better in the first tenth, and then worse by as much as it takes to be no better on the whole."""
    good = n // 10
    return np.concatenate([hits(0.15, 0.05)(rng, good), hits(0.05, 0.05 + 0.1 / 9)(rng, n - good)])


def passed(runs: int, draw: Draw, seed: int, floor: float = 0.0, number: int = 1) -> tuple[float, float]:
    """How often the gate is open at some pair, if looked at after each; and the median pair at which it first is, of
    all runs: infinite where fewer than half pass."""
    first = []
    for rng in rngs(runs, seed):
        gate, x, at = Gate(1.0, floor), draw(rng, LENGTH), math.inf
        for begin in range(0, LENGTH, 50):
            before = np.array(gate.plain())
            gate.update(x[begin : begin + 50])
            if gate.peak >= enough(number):
                at = begin + _exactly(Gate(1.0, floor, before), x[begin : begin + 50], enough(number))
                break
        first.append(at)
    return float(np.mean(np.isfinite(first))), float(np.median(first))


def _exactly(gate: Gate, x: Floats, needed: float) -> int:
    """After which of the pairs ``x`` it first has what is needed."""
    for place in range(len(x)):
        gate.update(x[place : place + 1])
        if gate.evidence >= needed:
            return place + 1
    raise AssertionError("the most of a batch is that of one of its pairs")


def counted(runs: int, draw: Draw, seed: int, evidence: Callable[[Counts], float]) -> tuple[float, float]:
    """The same of evidence by counts, looked at whenever one side alone was right."""
    first = []
    for rng in rngs(runs, seed):
        x = draw(rng, LENGTH)
        won, lost = np.cumsum(x > 0.0), np.cumsum(x < 0.0)
        looks = np.flatnonzero(x)[::4]
        found = (n + 1 for n in looks if evidence(Counts(int(won[n]), int(lost[n]))) >= enough(1))
        first.append(next(found, math.inf))
    return float(np.mean(np.isfinite(first))), float(np.median(first))


def peeking(runs: int) -> Finding:
    """What one gets without all this: a paired test of every candidate at 0.05, looked at after every 50 pairs."""
    wrong = 0
    for rng in rngs(runs, 50):
        x = hits(0.1, 0.1)(rng, LENGTH)
        n = np.arange(1, LENGTH + 1)
        z = np.cumsum(x) / np.sqrt(np.maximum(np.cumsum(x**2), 1.0))
        wrong += bool((z[n % 50 == 0] > stats.norm.ppf(1.0 - ALPHA)).any())
    return Finding("no better, a paired z-test looked at every 50 pairs: promoted", wrong / runs, runs)


RULES: dict[str, Callable[[int, int], float]] = {
    "each at alpha": lambda number, passes: -math.log(ALPHA),
    "alpha spent": lambda number, passes: enough(number),
    "e-LOND": lambda number, passes: enough(number) - math.log(passes + 1),
}
"""The evidence that a candidate of this number needs after so many promotions of the same year."""


def nights(rng: np.random.Generator) -> dict[str, bool]:
    """A year of nightly candidates that are no better: by rule, whether any is promoted.

    All are held against one champion, whose wins and losses they share, and each is looked at after every pair.
    """
    champion = rng.random(NIGHTLY * NIGHTS + EACH) < 0.2  # is wrong
    passes = dict.fromkeys(RULES, 0)
    for night in range(1, NIGHTS + 1):
        own = champion[NIGHTLY * (night - 1) :][:EACH]
        # Of what the champion gets wrong the candidate corrects a half, and as many it gets wrong instead.
        flips = np.where(own, rng.random(EACH) < 0.5, rng.random(EACH) < 0.125)
        gate = Gate(1.0)
        gate.update(np.where(own, 1.0, -1.0) * flips)
        for rule, needed in RULES.items():
            passes[rule] += gate.peak >= needed(night, passes[rule])
    return {rule: found > 0 for rule, found in passes.items()}


def fixed_size(draw: Draw, seed: int) -> float:
    """How many pairs a paired z-test at 0.05, looked at once, needs to find it four times of five."""
    x = draw(np.random.default_rng((seed, 0)), 200_000)
    wide = stats.norm.ppf(1.0 - ALPHA) + stats.norm.ppf(POWER)
    return float(np.ceil((wide * x.std() / x.mean()) ** 2)) if x.mean() > 0.0 else math.inf


def false_promotions(runs: int) -> Iterator[Finding]:
    """Candidates that are no better, or worse by just the margin: looked at after every pair."""
    for what, draw, floor in (
        ("0/1 losses", hits(0.1, 0.1), 0.0),
        ("Brier losses", briers(1.0), 0.0),
        ("rare large losses", rare, 0.0),
        ("0/1 losses, worse by the margin of 0.02", hits(0.09, 0.11), -0.02),
    ):
        share, _ = passed(runs, draw, 51, floor)
        yield Finding(f"no better, {what}: promoted", share, runs, share_of(1, ALPHA))
    share, _ = counted(runs, hits(0.1, 0.1), 52, lambda counts: counts.above(0.5))
    yield Finding("no better, one-sided McNemar: promoted", share, runs, share_of(1, ALPHA))
    share, _ = counted(runs, hits(0.05, 0.15), 52, lambda counts: counts.unequal())
    yield Finding("worse by 0.1, two-sided McNemar: promoted", share, runs)
    share, _ = counted(runs, hits(0.05, 0.15), 52, lambda counts: counts.above(0.5))
    yield Finding("worse by 0.1, one-sided McNemar: promoted", share, runs, share_of(1, ALPHA))
    share, _ = passed(runs, turning, 53)
    yield Finding("better for 500 pairs, then worse, no better on the whole: open at some look", share, runs)


def years(runs: int) -> Iterator[Finding]:
    """365 nightly candidates that are no better, by several rules. Only spending bounds the chance that any passes."""
    found = [nights(rng) for rng in rngs(runs, 54)]
    for rule in RULES:
        wrong = sum(one[rule] for one in found) / runs
        most = ALPHA if rule in ("alpha spent", "e-LOND") else None
        yield Finding(f"365 nights, none better, {rule}: any promoted", wrong, runs, most)


def powers(runs: int) -> Iterator[Finding]:
    """Candidates that are better: how often and how soon they pass, beside a sample of fixed size."""
    sorts = [(f"0/1 losses, better by {gain:g}", hits(0.1 + gain / 2, 0.1 - gain / 2)) for gain in GAINS]
    sorts += [(f"Brier losses, noise {noise:g} for 1", briers(noise)) for noise in (0.8, 0.5)]
    for what, draw in sorts:
        yield Finding(f"{what}: pairs of a fixed sample that finds 80 %", fixed_size(draw, 55), 1)
        for number in (1, 30, 365):
            share, median = passed(runs, draw, 56, 0.0, number)
            least = 0.95 if what.endswith("0.08") else None
            yield Finding(f"{what}, candidate {number}: promoted within 5000", share, runs, least=least)
            yield Finding(f"{what}, candidate {number}: median pairs", median, runs)
    share, median = passed(runs, hits(0.1, 0.1), 57, -0.04)
    yield Finding("0/1 losses, as good, margin of 0.04: promoted within 5000", share, runs)
    yield Finding("0/1 losses, as good, margin of 0.04: median pairs", median, runs)
    share, median = counted(runs, hits(0.12, 0.08), 58, lambda counts: counts.above(0.5))
    yield Finding("0/1 losses, better by 0.04, one-sided McNemar: promoted within 5000", share, runs)
    yield Finding("0/1 losses, better by 0.04, one-sided McNemar: median pairs", median, runs)


def gates(runs: int) -> Iterator[Finding]:
    """All of them; the years by a fifth of the ``runs``."""
    yield peeking(runs)
    yield from false_promotions(runs)
    yield from years(max(runs // 5, 40))
    yield from powers(runs)
