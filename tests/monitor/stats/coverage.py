"""How often intervals of fixed samples miss: those that promise it at most ``alpha``, the others nearly so."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy import special, stats

from monitor.stats import fixed, histogram
from monitor.stats.histogram import Histogram
from scorer.batch import Bools, Floats
from scorer.quality import probabilities
from tests.monitor.stats.trials import ALPHA, Finding, rngs

Trial = Callable[[np.random.Generator], tuple[tuple[float, float], float]]
"""An interval and what it should cover."""


def scores_of(truth: Bools, score: Floats, probability: bool = False) -> Histogram:
    """All rows in one histogram."""
    n = len(score)
    zero = np.zeros(n, np.int64)
    bins = histogram.bins(score, "probability" if probability else "margin")
    found = histogram.Places.of(zero, bins)
    return found.histograms(truth, score if probability else np.zeros(n), zero + 1, np.ones(n, np.bool_), 1)[0]


def share(of: Callable[[int, int, float], tuple[float, float]], n: int, chance: float) -> Trial:
    return lambda rng: (of(int(rng.binomial(n, chance)), n, ALPHA), chance)


def maurer_pontil(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    x = rng.beta(2.0, 8.0, 300)
    return fixed.maurer_pontil(300, float(x.mean()), float(x.var(ddof=1)), 0.0, 1.0, ALPHA), 0.2


def student(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    x = rng.gamma(2.0, 1.0, 300)
    return fixed.student(300, float(x.mean()), float(x.var(ddof=1)), ALPHA), 2.0


def rmse(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    x = rng.normal(0.0, 3.0, 500) ** 2
    return fixed.rmse(500, float(x.mean()), float(x.var(ddof=1)), ALPHA), 3.0


def f1(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    right, wrong, _ = rng.multinomial(400, (0.2, 0.1, 0.7))
    return fixed.f1(int(right), int(wrong), ALPHA), 0.4 / 0.5


def balanced_accuracy(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    rare, common = int(rng.binomial(50, 0.7)), int(rng.binomial(450, 0.95))
    return fixed.balanced_accuracy([rare, common], [50, 450], ALPHA), 0.825


def delong(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    truth = rng.random(400) < 0.2
    found = fixed.delong(scores_of(truth, rng.normal(size=400) + truth), ALPHA)
    return found, float(stats.norm.cdf(1.0 / math.sqrt(2.0)))


def calibration_error(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    centre = rng.choice([0.1, 0.3, 0.5, 0.7, 0.9], 800)
    truth = rng.random(800) < centre + 0.05
    apart = [abs(float((truth[centre == one] - one).sum())) for one in np.unique(centre)]
    return fixed.calibration_error(sum(apart) / 800, 5, 800, ALPHA), 0.05


def slope(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    score = rng.beta(2.0, 4.0, 800)
    truth = rng.random(800) < special.expit(0.7 * special.logit(score))
    value = probabilities.calibration_slope(truth, score, 1e-6)
    level = probabilities.calibration_intercept(truth, score, 1e-6)
    return fixed.wald(value, fixed.calibration_errors(scores_of(truth, score, True), value, level, 1e-6)[0], ALPHA), 0.7


def intercept(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    score = rng.beta(2.0, 4.0, 800)
    truth = rng.random(800) < special.expit(special.logit(score) + 0.4)
    value = probabilities.calibration_slope(truth, score, 1e-6)
    level = probabilities.calibration_intercept(truth, score, 1e-6)
    return fixed.wald(level, fixed.calibration_errors(scores_of(truth, score, True), value, level, 1e-6)[1], ALPHA), 0.4


def moments(error: Floats, label: Floats) -> dict[str, float]:
    """The means that :func:`fixed.r2` takes."""
    return {
        "error 2": float((error**2).mean()), "error 2 2": float((error**4).mean()),
        "error 2 label": float((error**2 * label).mean()), "error 2 label 2": float((error**2 * label**2).mean()),
        "label": float(label.mean()), "label 2": float((label**2).mean()), "label 3": float((label**3).mean()),
        "label 2 2": float((label**4).mean()),
    }  # fmt: skip


def r2(rng: np.random.Generator) -> tuple[tuple[float, float], float]:
    score = rng.normal(5.0, 2.0, 800)
    error = rng.normal(0.0, 1.0, 800)
    return fixed.r2(moments(error, score - error), 800, ALPHA), 1.0 - 1.0 / 5.0


SURE: tuple[tuple[str, Trial], ...] = (
    ("Clopper-Pearson, 30 of chance 0.1", share(fixed.clopper_pearson, 30, 0.1)),
    ("Clopper-Pearson, 1000 of chance 0.98", share(fixed.clopper_pearson, 1000, 0.98)),
    ("Maurer-Pontil, 300 of Beta(2, 8)", maurer_pontil),
    ("F1, 400 rows", f1),
    ("calibration error, 800 rows", calibration_error),
)
NEAR: tuple[tuple[str, Trial], ...] = (
    ("Wilson, 300 of chance 0.9", share(fixed.wilson, 300, 0.9)),
    ("Student, 300 of Gamma(2)", student),
    ("RMSE, 500 normal errors", rmse),
    ("balanced accuracy, 50 and 450 rows", balanced_accuracy),
    ("DeLong, 400 rows, a fifth of the class", delong),
    ("calibration slope, 800 rows", slope),
    ("calibration intercept, 800 rows", intercept),
    ("R², 800 rows", r2),
)
NEARLY = 0.07
"""What an interval of nearly 0.95 may miss."""


def coverages(runs: int) -> Iterator[Finding]:
    """How often each misses in ``runs`` trials."""
    for trials, most in ((SURE, ALPHA), (NEAR, NEARLY)):
        for number, (what, trial) in enumerate(trials):
            missed = 0
            for rng in rngs(runs, 100 + number):
                (low, high), truth = trial(rng)
                missed += not low <= truth <= high
            yield Finding(f"{what}: missed", missed / runs, runs, most)
