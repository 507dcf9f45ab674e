"""The statistical promises by simulation: each gives a share or a length, and what it must keep to.

Seeds are fixed. The suite runs few trials, ``python -m tests.monitor.stats.simulate`` many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import stats

from monitor.stats.continuous.bernstein import Bernstein
from monitor.stats.continuous.betting import BettingInterval, FloorBet
from monitor.stats.continuous.counts import Counts
from monitor.stats.continuous.pairs import Pairs
from monitor.stats.continuous.running import Running
from monitor.stats.detector import Detector
from scorer.batch import Floats

ALPHA = 0.05
LENGTH, STEP = 1500, 10
ENOUGH = math.log(1.0 / ALPHA)
Draw = Callable[[np.random.Generator, int], Floats]


@dataclass(frozen=True)
class Finding:
    """``value`` is a share of ``runs`` where it ``most`` may be that, or a mean that must be at ``least`` that."""

    what: str
    value: float
    runs: int
    most: float | None = None
    least: float | None = None
    slack: float = 0.0

    @property
    def kept(self) -> bool:
        """Whether it keeps what is promised, but for what chance does in a thousandth of all simulations."""
        if self.most is not None:
            return bool(self.value <= stats.binom.ppf(0.999, self.runs, self.most) / self.runs)
        return self.least is None or self.value >= self.least - self.slack

    @property
    def promise(self) -> str:
        """In words."""
        if self.most is not None:
            return f"at most {self.most:g}"
        return "" if self.least is None else f"at least {self.least:g}"


class Sequence(Protocol):
    """What has an interval at any time."""

    def update(self, values: Floats) -> None: ...

    def interval(self, alpha: float) -> tuple[float, float]: ...


def shares(chance: float) -> Draw:
    return lambda rng, n: (rng.random(n) < chance).astype(np.float64)


def betas(a: float, b: float) -> Draw:
    return lambda rng, n: rng.beta(a, b, n)


def rngs(runs: int, seed: int) -> Iterator[np.random.Generator]:
    return (np.random.default_rng((seed, run)) for run in range(runs))


def peeking(runs: int) -> Finding:
    """What one gets without all this: a test for a fixed sample, looked at again and again."""
    wrong = 0
    for rng in rngs(runs, 1):
        x = shares(0.9)(rng, LENGTH)
        n = np.arange(1, LENGTH + 1)
        z = (np.cumsum(x) - 0.9 * n) / np.sqrt(0.09 * n)
        wrong += bool((z[19::STEP] < stats.norm.ppf(ALPHA)).any())
    return Finding("a z-test looked at every 10 labels: false alarms", wrong / runs, runs)


def floor_of_counts(runs: int, chance: float, seed: int) -> tuple[float, float]:
    """How often the evidence against "at least 0.9" is enough at some look, and the median delay where it is."""
    delays = []
    for rng in rngs(runs, seed):
        right = np.cumsum(shares(chance)(rng, LENGTH)).astype(int)
        for n in range(STEP, LENGTH + 1, STEP):
            s = int(right[n - 1])
            if Counts(s, n - s).below(0.9) >= ENOUGH:
                delays.append(n)
                break
    return len(delays) / runs, float(np.median(delays)) if delays else math.nan


def floor_bet(runs: int, draw: Draw, floor: float, seed: int) -> tuple[float, float, float]:
    """How often the evidence is enough that the mean is below, and above, and the median delay below."""
    below = above = 0
    delays = []
    for rng in rngs(runs, seed):
        bet, found, over = FloorBet(floor), 0, False
        for n, values in enumerate(np.split(draw(rng, LENGTH), LENGTH // STEP), 1):
            bet.update(values)
            found = found or (n * STEP if bet.below >= ENOUGH else 0)
            over = over or bet.above >= ENOUGH
        below += found > 0
        above += over
        delays += [found] if found else []
    return below / runs, above / runs, float(np.median(delays)) if delays else math.nan


def missed(runs: int, make: Callable[[], Sequence], draw: Draw, mean: Floats | float, seed: int) -> tuple[float, float]:
    """How often the interval misses the mean at any look, and its mean width at the end."""
    wrong, width = 0, 0.0
    truth = np.broadcast_to(np.asarray(mean, np.float64), (LENGTH,))
    low, high = 0.0, 1.0
    for rng in rngs(runs, seed):
        sequence, out = make(), False
        for n, values in enumerate(np.split(draw(rng, LENGTH), LENGTH // STEP), 1):
            sequence.update(values)
            low, high = sequence.interval(ALPHA)
            out = out or not low <= truth[n * STEP - 1] <= high
        wrong += out
        width += high - low
    return wrong / runs, width / runs


def counts_missed(runs: int, chance: float) -> Finding:
    wrong = 0
    for rng in rngs(runs, 7):
        right = np.cumsum(shares(chance)(rng, LENGTH)).astype(int)
        looks = ((int(right[n - 1]), n) for n in range(STEP, LENGTH + 1, 5 * STEP))
        wrong += any(not low <= chance <= high for low, high in (Counts(s, n - s).interval(ALPHA) for s, n in looks))
    return Finding(f"interval of counts, chance {chance:g}: missed at any look", wrong / runs, runs, ALPHA)


def auc_missed(runs: int, share: float) -> Finding:
    wrong, true_auc = 0, float(stats.norm.cdf(1.0 / math.sqrt(2.0)))
    for rng in rngs(runs, 8):
        pairs, out = Pairs(), False
        truth = rng.random(LENGTH) < share
        score = rng.normal(size=LENGTH) + truth
        for rows in np.split(np.arange(LENGTH), LENGTH // STEP):
            pairs.update(truth[rows], score[rows])
            low, high = pairs.interval(ALPHA)
            out = out or not low <= true_auc <= high
        wrong += out
    return Finding(f"AUC by pairs, share of the class {share:g}: missed at any look", wrong / runs, runs, ALPHA)


def run_length(runs: int, draw: Draw, floor: float, target: float, seed: int) -> tuple[float, float]:
    """The mean number of values to the first alarm, and the standard error of that mean."""
    lengths = []
    for rng in rngs(runs, seed):
        detector, before = Detector(floor, target), 0
        while not len(places := detector.update(draw(rng, 500))):
            before += 500
        lengths.append(before + int(places[0]) + 1)
    return float(np.mean(lengths)), float(np.std(lengths) / math.sqrt(runs))


def late_labels(runs: int) -> tuple[float, float, float]:
    """A model that is right nine times of ten; labels of what went wrong come soon, the others late.

    How often evidence that it is right less often is enough at some look: as labels arrive; and in the order of events,
    each cohort when all its labels are there. And the share of right ones among the first 200 labels to arrive.
    """
    arriving = behind = 0
    early = 0.0
    for rng in rngs(runs, 12):
        right = shares(0.9)(rng, LENGTH)
        delay = np.where(right > 0.0, np.minimum(rng.exponential(300.0, LENGTH), 1000.0), rng.random(LENGTH) * 20.0)
        arrival = right[np.argsort(np.arange(LENGTH) + delay, kind="stable")]
        early += float(arrival[:200].mean()) / runs
        arriving += _alarmed(arrival)
        behind += _alarmed(right)  # at 1000 and later, a cohort holds all that will ever come
    return arriving / runs, behind / runs, early


def _alarmed(right: Floats) -> bool:
    """Whether the evidence of counts against "at least 0.9" is enough at some look."""
    known = np.cumsum(right).astype(int)
    looks = range(STEP, len(right) + 1, STEP)
    return any(Counts(int(known[n - 1]), n - int(known[n - 1])).below(0.9) >= ENOUGH for n in looks)


DRIFT = np.repeat([0.9, 0.5, 0.8], LENGTH // 3)


def drifting(rng: np.random.Generator, n: int) -> Floats:
    return (rng.random(n) < DRIFT[:n]).astype(np.float64)


def findings(runs: int) -> Iterator[Finding]:
    """All of them, each by ``runs`` trials."""
    yield peeking(runs)
    wrong, _ = floor_of_counts(runs, 0.9, 2)
    yield Finding("floor by counts, 0.9 of 0.9: false alarms", wrong, runs, ALPHA)
    found, delay = floor_of_counts(runs, 0.86, 3)
    yield Finding("floor by counts, 0.86 of 0.9: found within 1500", found, runs, least=0.85)
    yield Finding("floor by counts, 0.86 of 0.9: median delay", delay, runs)
    arriving, behind, early = late_labels(runs)
    yield Finding("0.9 of 0.9, wrong ones labelled first: share among the first 200 labels", early, runs)
    yield Finding("the same, floor by counts as labels arrive: false alarms", arriving, runs)
    yield Finding("the same, floor by counts behind the watermark: false alarms", behind, runs, ALPHA)
    for name, draw, mean in (("shares of 0.9", shares(0.9), 0.9), ("Beta(2, 8)", betas(2, 8), 0.2)):
        below, above, _ = floor_bet(runs, draw, mean, 4)
        yield Finding(f"floor by betting, {name} at it: false alarms below", below, runs, ALPHA)
        yield Finding(f"floor by betting, {name} at it: false alarms above", above, runs, ALPHA)
    below, _, delay = floor_bet(runs, betas(2, 8), 0.23, 5)
    yield Finding("floor by betting, 0.2 of 0.23 (Beta): found within 1500", below, runs, least=0.95)
    yield Finding("floor by betting, 0.2 of 0.23 (Beta): median delay", delay, runs)
    makers: tuple[tuple[str, Callable[[], Sequence]], ...] = (
        ("empirical Bernstein", Bernstein), ("betting", BettingInterval), ("running mean", Running)
    )  # fmt: skip
    for name, make in makers:
        for what, draw, mean in (("shares of 0.9", shares(0.9), 0.9), ("Beta(2, 8)", betas(2, 8), 0.2)):
            wrong, width = missed(runs, make, draw, mean, 6)
            yield Finding(f"{name}, {what}: missed at any look", wrong, runs, ALPHA)
            yield Finding(f"{name}, {what}: width after 1500", width, runs)
    wrong, _ = missed(runs, Running, drifting, np.cumsum(DRIFT) / np.arange(1, LENGTH + 1), 9)
    yield Finding("running mean of a drift 0.9, 0.5, 0.8: missed at any look", wrong, runs, ALPHA)
    yield from (counts_missed(runs, chance) for chance in (0.5, 0.98))
    yield from (auc_missed(runs, share) for share in (0.5, 0.1))
    for target in (500.0, 5000.0):
        length, error = run_length(runs, shares(0.9), 0.9, target, 10)
        what = f"detector, 0.9 of 0.9, target {target:g}: mean run to a false alarm"
        yield Finding(what, length, runs, least=target, slack=3.0 * error)
    for chance in (0.85, 0.7, 0.0):
        length, _ = run_length(runs, shares(chance), 0.9, 5000.0, 11)
        yield Finding(f"detector, {chance:g} of 0.9, target 5000: mean delay", length, runs)
