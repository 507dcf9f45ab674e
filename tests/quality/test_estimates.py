"""Every metric of estimates against scikit-learn or numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given
from sklearn import metrics as oracle

from scorer.quality import deviations, ranking
from scorer.quality.undefined import mean
from tests.quality.support import Sample, agree, few, outcome, samples, weighty


@few
@given(samples())
def test_estimates(sample: Sample) -> None:
    w, score = sample.weights, sample.score * 7 - 2
    labels = sample.labels * 1.5 + np.round(sample.scores[0], 1)
    there = weighty(sample)
    named: list[tuple[Callable[..., float], Callable[..., float]]] = [
        (lambda y, s, w: deviations.mae(y, s, None, w), oracle.mean_absolute_error),
        (deviations.rmse, oracle.root_mean_squared_error),
    ]
    for ours, theirs in named:
        agree(
            outcome(lambda ours=ours: ours(labels, score, w)),  # type: ignore[misc]
            there,
            lambda theirs=theirs: theirs(labels, score, sample_weight=w),  # type: ignore[misc]
        )
    agree(
        outcome(lambda: deviations.quantile_loss(labels, score, 0.9, w)),
        there,
        lambda: oracle.mean_pinball_loss(labels, score, alpha=0.9, sample_weight=w),
    )
    agree(
        outcome(lambda: deviations.bias(labels, score, w)), there, lambda: float(np.average(score - labels, weights=w))
    )
    bounded = outcome(lambda: deviations.mae(labels, score, 1.25, w))
    agree(bounded, there, lambda: float(np.average(np.minimum(np.abs(score - labels), 1.25), weights=w)))
    varied = there and len(np.unique(labels if w is None else labels[w > 0])) > 1
    agree(
        outcome(lambda: deviations.r2(labels, score, w)),
        varied,
        lambda: oracle.r2_score(labels, score, sample_weight=w),
    )


@few
@given(samples())
def test_deviances(sample: Sample) -> None:
    labels, score, w = sample.labels.astype(float), sample.score, sample.weights
    agree(
        outcome(lambda: deviations.poisson_deviance(labels, score, w)),
        weighty(sample) and bool((score > 0).all()),
        lambda: oracle.mean_poisson_deviance(labels, score, sample_weight=w),
    )
    agree(
        outcome(lambda: deviations.gamma_deviance(labels + 0.5, score, w)),
        weighty(sample) and bool((score > 0).all()),
        lambda: oracle.mean_gamma_deviance(labels + 0.5, score, sample_weight=w),
    )
    if len(labels):
        assert outcome(lambda: deviations.poisson_deviance(labels - 9, score + 1)) == "a label is negative"
        assert outcome(lambda: deviations.gamma_deviance(labels * 0, score + 1)) == "a label is not above 0"
        assert outcome(lambda: ranking.ndcg(labels - 9, score, np.arange(len(score)))) == "a relevance is negative"


def test_a_mean_of_nothing() -> None:
    assert outcome(lambda: mean(np.empty(0))) == "there are no labels"
    assert outcome(lambda: mean(np.ones(3), np.zeros(3))) == "all weights are zero"
