"""Metrics of estimates: how far a regression's scores lie from the labels.

``labels`` and ``score`` are float64 ``(n,)`` and finite; ``weights``, float64 ``(n,)`` and not negative, are 1 by
default. Each equals the function of ``sklearn.metrics`` that is named. All raise ``Undefined`` without labels.
"""

from __future__ import annotations

import numpy as np

from scorer.batch import Floats
from scorer.quality.undefined import Undefined, mean, weighed


def mae(labels: Floats, score: Floats, bound: float | None = None, weights: Floats | None = None) -> float:
    """``mean(min(|score - label|, bound))`` in the label's unit; 0 or more, smaller is better.

    With a ``bound`` no row counts for more than that, so the mean has valid bounds however often one looks. Without,
    ``mean_absolute_error``.
    """
    apart = np.abs(score - labels)
    return mean(apart if bound is None else np.minimum(apart, bound), weights)


def rmse(labels: Floats, score: Floats, weights: Floats | None = None) -> float:
    """``sqrt(mean((score - label)²))`` in the label's unit; 0 or more, smaller is better.

    ``root_mean_squared_error``.
    """
    return float(np.sqrt(mean((score - labels) ** 2, weights)))


def bias(labels: Floats, score: Floats, weights: Floats | None = None) -> float:
    """``mean(score - label)`` in the label's unit; 0 is best, above 0 the scores are too high."""
    return mean(score - labels, weights)


def r2(labels: Floats, score: Floats, weights: Floats | None = None) -> float:
    """``1 - Σ(score - label)² / Σ(label - mean)²``; at most 1, larger is better; 0 is the mean's.

    ``r2_score``. Raises ``Undefined`` where all labels are equal.
    """
    kept = labels[weighed(len(labels), weights) > 0.0]
    if kept.min() == kept.max():
        raise Undefined("all labels are equal")
    around = mean((labels - mean(labels, weights)) ** 2, weights)
    return 1.0 - mean((score - labels) ** 2, weights) / around


def quantile_loss(labels: Floats, score: Floats, quantile: float, weights: Floats | None = None) -> float:
    """``mean(max(q (label - score), (q - 1) (label - score)))`` in the label's unit; 0 or more, smaller is better.

    ``q`` is the ``quantile``, between 0 and 1, that the scores estimate. Also called pinball loss;
    ``mean_pinball_loss``; Koenker & Bassett (1978).
    """
    over = labels - score
    return mean(np.maximum(quantile * over, (quantile - 1.0) * over), weights)


def poisson_deviance(labels: Floats, score: Floats, weights: Floats | None = None) -> float:
    """``2 mean(label ln(label / score) - label + score)`` without unit; 0 or more, smaller is better.

    ``mean_poisson_deviance``. Raises ``Undefined`` where a label is negative or a score is not above 0.
    """
    if (labels < 0.0).any():
        raise Undefined("a label is negative")
    if (score <= 0.0).any():
        raise Undefined("a score is not above 0")
    ratio = np.where(labels > 0.0, labels, score) / score  # a label of 0 adds nothing: 0 ln 0 = 0
    return 2.0 * mean(labels * np.log(ratio) - labels + score, weights)


def gamma_deviance(labels: Floats, score: Floats, weights: Floats | None = None) -> float:
    """``2 mean(ln(score / label) + label / score - 1)`` without unit; 0 or more, smaller is better.

    ``mean_gamma_deviance``. Raises ``Undefined`` where a label or a score is not above 0.
    """
    if (labels <= 0.0).any():
        raise Undefined("a label is not above 0")
    if (score <= 0.0).any():
        raise Undefined("a score is not above 0")
    return 2.0 * mean(np.log(score / labels) + labels / score - 1.0, weights)
