"""Metrics of probabilities: what was thought how likely, against what was.

``truth`` is bool ``(n,)``, whether a row is of the class in question, and ``score`` float64 ``(n,)`` its probability;
``scores`` is float64 ``(classes, n)`` and ``labels`` int64 ``(n,)``. ``weights``, float64 ``(n,)`` and not negative,
are 1 by default. Nothing has a unit, but log loss counts nats.
"""

from __future__ import annotations

import numpy as np

from scorer.batch import Bools, Floats, Int64s
from scorer.quality.undefined import Undefined, mean, weighed

_STEPS = 200
_CLOSE = 1e-12


def brier(truth: Bools, score: Floats, weights: Floats | None = None) -> float:
    """``mean((score - truth)²)``; from 0 to 1, smaller is better. ``brier_score_loss``; Brier (1950)."""
    return mean((score - truth) ** 2, weights)


def brier_of_several(labels: Int64s, scores: Floats, weights: Floats | None = None) -> float:
    """``mean(Σ_k (scores[k] - [label = k])²)``; from 0 to 2, smaller is better. ``brier_score_loss``; Brier (1950)."""
    apart = scores.copy()
    apart[labels, np.arange(len(labels))] -= 1.0
    return mean((apart**2).sum(axis=0), weights)


def log_loss(likelihood: Floats, clip: float, weights: Floats | None = None) -> float:
    """``-mean(ln(min(max(likelihood, clip), 1 - clip)))``; smaller is better, from ``-ln(1 - clip)`` to ``-ln(clip)``.

    ``likelihood`` ``(n,)`` is the probability that was given to what came true. ``clip``, between 0 and 0.5, bounds
    what one row can do: without it, one impossible thing that happens makes the mean infinite. ``log_loss`` of the
    clipped probabilities.
    """
    return mean(-np.log(np.clip(likelihood, clip, 1.0 - clip)), weights)


def calibration_error(truth: Bools, score: Floats, bins: int, weights: Floats | None = None) -> float:
    """``Σ_b w_b |mean_b(score) - mean_b(truth)|`` over ``bins`` bins of equal mass; from 0 to 1, smaller is better.

    A row is in bin ``floor(bins · share of the rows with a smaller score)``, so equal scores share a bin and nothing
    depends on the order of rows. Biased upwards on few rows. Expected calibration error: Naeini, Cooper & Hauskrecht
    (2015), with the bins of Nixon et al. (2019).
    """
    w = weighed(len(truth), weights)
    _, place = np.unique(score, return_inverse=True)
    mass = np.bincount(place, w)
    below = np.cumsum(mass) - mass
    of_bin = np.minimum(np.floor(bins * below / mass.sum()), bins - 1).astype(np.int64)[place]
    apart = np.bincount(of_bin, w * (score - truth), bins)
    return float(np.abs(apart).sum() / w.sum())


def calibration_slope(truth: Bools, score: Floats, clip: float, weights: Floats | None = None) -> float:
    """The slope b of the logistic regression ``truth ~ a + b · logit(score)`` without penalty; 1 is best.

    Below 1 the scores are too extreme, above 1 too timid. Any number; scores are clipped to ``clip`` and ``1 - clip``
    first. Fitted by Newton's method. Cox (1958); Van Calster et al. (2019). Raises ``Undefined`` where all labels are
    of one class, all scores are equal, or a threshold separates the classes, so that no finite slope fits best.
    """
    w, z = _logits(truth, score, clip, weights)
    if z.min() == z.max():
        raise Undefined("all scores are equal")
    if z[truth].min() >= z[~truth].max() or z[truth].max() <= z[~truth].min():
        raise Undefined("a threshold separates the classes, so that no finite slope fits best")
    spread = float(np.abs(z - z.mean()).max())
    x = np.stack([np.ones(len(z)), (z - z.mean()) / spread])
    found = np.zeros(2)
    value = _likelihood(found, x, truth, w)
    for _ in range(_STEPS):
        p = _sigmoid(found @ x)
        gradient, bend = x @ (w * (truth - p)), (x * (w * p * (1.0 - p))) @ x.T
        step = np.linalg.solve(bend, gradient)
        # Far from the best fit a whole step may overshoot; on a concave function some part of it never does.
        while (after := _likelihood(found + step, x, truth, w)) < value and np.abs(step).max() > _CLOSE:
            step = step / 2.0
        found, value = found + step, after
        if np.abs(step).max() <= _CLOSE * max(1.0, float(np.abs(found).max())):
            return float(found[1] / spread)
    raise Undefined("the fit does not converge")


def calibration_intercept(truth: Bools, score: Floats, clip: float, weights: Floats | None = None) -> float:
    """The a for which ``Σ sigmoid(a + logit(score)) = Σ truth``: the logistic regression with the slope fixed at 1.

    "Calibration in the large": 0 is best; above 0 the scores are too low. Any number, in log-odds; scores are clipped
    to ``clip`` and ``1 - clip`` first. Van Calster et al. (2019). Raises ``Undefined`` where all labels are of one
    class.
    """
    w, z = _logits(truth, score, clip, weights)
    share = mean(truth.astype(np.float64), w)
    middle = float(np.log(share / (1.0 - share)))
    low, high = middle - float(z.max()), middle - float(z.min())  # what all rows would need if all were the extreme one
    while low < (guess := (low + high) / 2.0) < high:
        if mean(_sigmoid(guess + z), w) < share:
            low = guess
        else:
            high = guess
    return guess


def _logits(truth: Bools, score: Floats, clip: float, weights: Floats | None) -> tuple[Floats, Floats]:
    """The weights and the clipped log-odds; rows that weigh nothing count for nothing anywhere."""
    w = weighed(len(truth), weights)
    if not w[truth].sum() > 0.0 or not w[~truth].sum() > 0.0:
        raise Undefined("all labels are of one class")
    kept = np.clip(score, clip, 1.0 - clip)
    return w, np.log(kept) - np.log1p(-kept)


def _sigmoid(margin: Floats) -> Floats:
    small = np.exp(-np.abs(margin))
    return np.asarray(np.where(margin >= 0.0, 1.0, small) / (1.0 + small))


def _likelihood(found: Floats, x: Floats, truth: Bools, w: Floats) -> float:
    margin = found @ x
    return float((w * np.where(truth, -np.logaddexp(0.0, -margin), -np.logaddexp(0.0, margin))).sum())
