"""Intervals for a sample of fixed size: of a closed, matured window that is judged once.

Each function gives the lower and upper bound with coverage ``1 - alpha``; the docstring says whether that is exact, at
least so, or only nearly so on many rows. All raise ``Undefined`` where there is too little to say anything. Who looks
at a window again and again while it fills has no such coverage: that is what ``continuous`` is for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from scipy import special

from monitor.stats.histogram import Histogram
from scorer.batch import Floats
from scorer.quality.undefined import Undefined

Interval: TypeAlias = tuple[float, float]
K = TypeVar("K")


def clopper_pearson(successes: int, n: int, alpha: float) -> Interval:
    """Of a share, from ``n`` independent trials; coverage at least ``1 - alpha``. Clopper & Pearson (1934)."""
    _some(n, 1)
    failures, half = n - successes, alpha / 2.0
    low = float(special.betaincinv(successes, failures + 1, half)) if successes else 0.0
    high = float(special.betaincinv(successes + 1, failures, 1.0 - half)) if failures else 1.0
    return low, high


def wilson(successes: int, n: int, alpha: float) -> Interval:
    """Of a share; coverage near ``1 - alpha``, narrower than :func:`clopper_pearson`. Wilson (1927)."""
    _some(n, 1)
    z, share = _z(alpha), successes / n
    middle = (share + z * z / (2.0 * n)) / (1.0 + z * z / n)
    apart = z / (1.0 + z * z / n) * math.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n))
    return max(0.0, middle - apart), min(1.0, middle + apart)


def maurer_pontil(n: int, mean: float, variance: float, low: float, high: float, alpha: float) -> Interval:
    """Of the mean of ``n`` > 1 values between ``low`` and ``high``; coverage at least ``1 - alpha``.

    ``mean ± (sqrt(2 V ln(4/alpha) / n) + 7 (high - low) ln(4/alpha) / (3 (n - 1)))``, with the ``variance`` V divided
    by n - 1. Maurer & Pontil (2009), theorem 4, at ``alpha / 2`` a side.
    """
    _some(n, 2)
    wide = math.log(4.0 / alpha)
    radius = math.sqrt(2.0 * variance * wide / n) + 7.0 * (high - low) * wide / (3.0 * (n - 1))
    return max(low, mean - radius), min(high, mean + radius)


def student(n: int, mean: float, variance: float, alpha: float) -> Interval:
    """Of the mean of ``n`` > 1 values; exact for normal ones, near ``1 - alpha`` for others. Student (1908)."""
    _some(n, 2)
    radius = float(special.stdtrit(n - 1, 1.0 - alpha / 2.0)) * math.sqrt(variance / n)
    return mean - radius, mean + radius


def rmse(n: int, mean_square: float, variance: float, alpha: float) -> Interval:
    """Of the root of a mean of squares, from their mean and variance: the root of Student's interval."""
    low, high = student(n, mean_square, variance, alpha)
    return math.sqrt(max(low, 0.0)), math.sqrt(max(high, 0.0))


def f1(true_positives: int, wrong: int, alpha: float) -> Interval:
    """Of F1, with ``wrong`` false positives and negatives; coverage at least ``1 - alpha``.

    ``F1 = 2 J / (1 + J)`` for ``J = TP / (TP + FP + FN)``, a share of which :func:`clopper_pearson` is the interval.
    """
    low, high = clopper_pearson(true_positives, true_positives + wrong, alpha)
    return 2.0 * low / (1.0 + low), 2.0 * high / (1.0 + high)


def balanced_accuracy(right: Sequence[int], total: Sequence[int], alpha: float) -> Interval:
    """Of the mean of the recalls of the classes that have labels, ``right`` of ``total`` each; near ``1 - alpha``.

    The variances are recovered from Wilson's interval of each recall. Zou & Donner (2008), Statistics in Medicine 27.
    """
    pairs = [(one, all_) for one, all_ in zip(right, total, strict=True) if all_]
    if len(pairs) < 2:
        raise Undefined("all labels are of one class")
    recalls = [one / all_ for one, all_ in pairs]
    parts = [wilson(one, all_, alpha) for one, all_ in pairs]
    below = math.sqrt(sum((recall - low) ** 2 for recall, (low, _) in zip(recalls, parts, strict=True)))
    above = math.sqrt(sum((high - recall) ** 2 for recall, (_, high) in zip(recalls, parts, strict=True)))
    mean = sum(recalls) / len(recalls)
    return max(0.0, mean - below / len(recalls)), min(1.0, mean + above / len(recalls))


def delong(scores: Histogram, alpha: float) -> Interval:
    """Of the AUC, ties one half; near ``1 - alpha``, on the scale of its log-odds, where it is nearer to normal.

    DeLong, DeLong & Clarke-Pearson (1988), with the mid-ranks of Sun & Xu (2014) per bin. Add the ``auc_error`` of the
    histogram where its bins are not single scores. Where every row of the class is scored above the others, or below,
    no variance can be estimated: the interval is then that of as many right pairs as the rarer class has rows.
    """
    true, false = scores.true.astype(np.float64), scores.false.astype(np.float64)
    positives, negatives = true.sum(), false.sum()
    if positives < 2 or negatives < 2:
        raise Undefined("there are fewer than 2 labels of one class")
    if ((true + false) > 0.0).sum() < 2:
        raise Undefined("all scores are equal")
    higher = (np.cumsum(false) - false + false / 2.0) / negatives
    lower = (np.cumsum(true[::-1])[::-1] - true + true / 2.0) / positives
    auc = float((true * higher).sum() / positives)
    variance = float(
        (true * (higher - auc) ** 2).sum() / (positives - 1.0) / positives
        + (false * (lower - auc) ** 2).sum() / (negatives - 1.0) / negatives
    )
    if auc in (0.0, 1.0) or variance == 0.0:
        rarer = int(min(positives, negatives))
        return clopper_pearson(round(auc * rarer), rarer, alpha)
    return _on_log_odds(auc, math.sqrt(variance), alpha)


def average_precision(value: float, positives: int, alpha: float) -> Interval:
    """Of the average precision; near ``1 - alpha``. ``logit(AP) ± z / sqrt(P AP (1 - AP))``: Boyd, Eng & Page (2013).

    Add the histogram's bound. A perfect one has the interval of as many right rows as are ``positives``.
    """
    _some(positives, 1)
    if value >= 1.0:
        return clopper_pearson(positives, positives, alpha)
    return _on_log_odds(value, math.sqrt(value * (1.0 - value) / positives), alpha)


def calibration_error(value: float, groups: int, n: int, alpha: float) -> Interval:
    """Of the calibration error over fixed groups; coverage at least ``1 - alpha``.

    One row moves it by at most ``2 / n``, so McDiarmid's bound holds: ``± sqrt(2 ln(2/alpha) / n)``. Chance alone makes
    it larger on average, by at most ``sqrt(groups / n) / 2``, by which the lower bound is lower.
    """
    _some(n, 1)
    radius = math.sqrt(2.0 * math.log(2.0 / alpha) / n)
    return max(0.0, value - radius - math.sqrt(groups / n) / 2.0), min(1.0, value + radius)


def wald(value: float, error: float, alpha: float) -> Interval:
    """Of a fitted coefficient with its standard ``error``; near ``1 - alpha``."""
    return value - _z(alpha) * error, value + _z(alpha) * error


def calibration_errors(scores: Histogram, slope: float, intercept: float, clip: float) -> tuple[float, float]:
    """The standard errors of the two coefficients of ``truth ~ a + b · logit(score)``, from the fit.

    ``intercept`` is that with the slope fixed at 1, whose error comes second. From the inverse of Fisher's information.
    """
    n = (scores.true + scores.false).astype(np.float64)
    kept = np.clip(scores.mean_scores, clip, 1.0 - clip)
    z = np.log(kept) - np.log1p(-kept)
    level = _level(n, z, scores.true.sum(), slope)
    p, fixed = special.expit(level + slope * z), special.expit(intercept + z)
    weight, in_large = n * p * (1.0 - p), float((n * fixed * (1.0 - fixed)).sum())
    if not weight.sum() > 0.0 or not in_large > 0.0:
        raise Undefined("the fit is certain of every row, which says nothing of its spread")
    centre = (weight * z).sum() / weight.sum()
    information = float((weight * (z - centre) ** 2).sum())
    if not information > 0.0:
        raise Undefined("all scores are equal")
    return 1.0 / math.sqrt(information), 1.0 / math.sqrt(in_large)


def r2(moments: Mapping[str, float], n: int, alpha: float) -> Interval:
    """Of R²; near ``1 - alpha``, by the delta method.

    ``moments`` are the means of ``error 2``, ``error 2 2``, ``error 2 label``, ``error 2 label 2`` and ``label``,
    ``label 2``, ``label 3``, ``label 2 2``. ``R² = 1 - A / B`` with ``A = E[e²]`` and ``B = Var[y]`` changes with each
    row by ``(A c² / B - e²) / B``, c = y - E[y], whose variance over n is that of R². Raises ``Undefined`` where the
    mean of the labels is a thousand times their deviation: sums of fourth powers tell too little then.
    """
    _some(n, 2)
    m, a = moments["label"], moments["error 2"]
    b = moments["label 2"] - m * m
    if not b > 0.0:
        raise Undefined("all labels are equal")
    if m * m > 1e6 * b:
        raise Undefined("the labels lie too close together, as far from 0 as they are")
    fourth = moments["label 2 2"] - 4.0 * m * moments["label 3"] + 6.0 * m * m * moments["label 2"] - 3.0 * m**4
    cross = moments["error 2 label 2"] - 2.0 * m * moments["error 2 label"] + m * m * a
    square = (a / b) ** 2 * fourth - 2.0 * (a / b) * cross + moments["error 2 2"]
    low, high = wald(1.0 - a / b, math.sqrt(max(square, 0.0) / n) / b, alpha)
    return low, min(high, 1.0)


def holm(p_values: Mapping[K, float], alpha: float) -> dict[K, bool]:
    """Which of several hypotheses are rejected, with a chance of at most ``alpha`` that any true one is. Holm (1979).

    Of hour, day, week and month, which overlap, judged at once; it takes no independence.
    """
    found = dict.fromkeys(p_values, False)
    for place, key in enumerate(sorted(p_values, key=lambda one: p_values[one])):
        if p_values[key] > alpha / (len(p_values) - place):
            break
        found[key] = True
    return found


def _level(n: Floats, z: Floats, true: float, slope: float) -> float:
    """The intercept that goes with a slope: where as many are expected as there are."""
    low, high = -750.0 - abs(slope) * float(np.abs(z).max()), 750.0 + abs(slope) * float(np.abs(z).max())
    while low < (guess := (low + high) / 2.0) < high:
        if (n * special.expit(guess + slope * z)).sum() < true:
            low = guess
        else:
            high = guess
    return guess


def _on_log_odds(value: float, error: float, alpha: float) -> Interval:
    middle, spread = math.log(value / (1.0 - value)), error / (value * (1.0 - value))
    low, high = wald(middle, spread, alpha)
    return float(special.expit(low)), float(special.expit(high))


def _z(alpha: float) -> float:
    return float(special.ndtri(1.0 - alpha / 2.0))


def _some(n: int, least: int) -> None:
    if n < least:
        raise Undefined("there are no labels" if n == 0 else f"{n} is too few for an interval")
