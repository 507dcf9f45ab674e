"""Metrics of order: whether what is scored higher is truer. Scores may have any unit and scale.

``truth`` is bool ``(n,)``, ``score`` float64 ``(n,)``. ``weights``, float64 ``(n,)`` and not negative, are 1 by
default. All results are from 0 to 1 without unit, and larger is better.
"""

from __future__ import annotations

from functools import lru_cache
from math import log2

import numpy as np

from scorer.batch import Bools, Floats, Int64s
from scorer.quality.undefined import Undefined, weighed


def auc(truth: Bools, score: Floats, weights: Floats | None = None) -> float:
    """The chance that a row of the class is scored above one that is not, ties counting one half.

    ``Σ_b p_b (N_<b + n_b / 2) / (P N)`` over the different scores b. ``roc_auc_score``; Hanley & McNeil (1982).
    Raises ``Undefined`` where all labels are of one class.
    """
    true, false = _by_score(truth, score, weights)
    below = np.cumsum(false) - false
    return float((true * (below + false / 2.0)).sum() / (true.sum() * false.sum()))


def average_precision(truth: Bools, score: Floats, weights: Floats | None = None) -> float:
    """``Σ_b precision_b (recall_b - recall_above_b)`` from the highest score b down: the area under precision-recall.

    ``average_precision_score``. Its level depends on the share of the class. Raises ``Undefined`` where all labels are
    of one class.
    """
    true, false = _by_score(truth, score, weights)
    true, false = true[::-1], false[::-1]
    caught, all_above = np.cumsum(true), np.cumsum(true + false)
    # Scores whose rows all weigh nothing, above every other one, have no precision and no share in the recall.
    precision = np.divide(caught, all_above, out=np.zeros(len(true)), where=all_above > 0.0)
    return float((precision * true).sum() / true.sum())


def ndcg(relevance: Floats, score: Floats, list_of: Int64s, at: int | None = None) -> float:
    """The mean over lists of ``DCG / ideal DCG``, where ``DCG = Σ_r relevance_r / log2(r + 1)`` over ranks r by score.

    ``relevance`` ``(n,)`` is not negative; ``list_of`` ``(n,)`` is the number, from 0, of the list, such as a query's,
    that a row belongs to; only the first ``at`` ranks count where it is given. Rows of equal score share their ranks
    evenly. A list without anything relevant has no ideal and is left out. ``ndcg_score`` of each list; Järvelin &
    Kekäläinen (2002). Raises ``Undefined`` where a relevance is negative or no list has a relevant row.
    """
    if (relevance < 0.0).any():
        raise Undefined("a relevance is negative")
    found = gains(relevance, score, list_of, at)
    if np.isnan(found).all():
        raise Undefined("no list has anything relevant")
    return float(np.nanmean(found))


def gains(relevance: Floats, score: Floats, list_of: Int64s, at: int | None = None) -> Floats:
    """``DCG / ideal DCG`` of each list, as :func:`ndcg` takes them; NaN where nothing in it is relevant.

    It has the same bits in whatever order rows come, and whatever other lists are beside it.
    """
    if not len(score):
        return np.empty(0)
    order = np.lexsort([-relevance, -score, list_of])
    lists, gain, ranked = list_of[order], relevance[order], score[order]
    first = np.diff(lists, prepend=-1) != 0
    start = np.flatnonzero(first)
    rank = np.arange(len(order)) - start[np.cumsum(first) - 1]
    discount = _discounts(int(rank.max()) + 1)[rank]
    if at is not None:
        discount[rank >= at] = 0.0
    tied = np.cumsum(first | (np.diff(ranked, prepend=ranked[0]) != 0.0)) - 1
    # bincount adds one row after the other, so what else is in the arrays does not change how a list is rounded.
    shared = np.bincount(tied, gain) * np.bincount(tied, discount) / np.bincount(tied)
    of_tie = lists[np.flatnonzero(np.diff(tied, prepend=-1))]
    best = np.bincount(lists, relevance[np.lexsort([-relevance, list_of])] * discount)
    return np.asarray(np.divide(np.bincount(of_tie, shared), best, out=np.full(len(best), np.nan), where=best != 0.0))


@lru_cache(maxsize=4)
def _discounts(ranks: int) -> Floats:
    """One by one: numpy's logarithms depend on the place in the array on some processors."""
    return np.array([1.0 / log2(rank + 2) for rank in range(ranks)])


def _by_score(truth: Bools, score: Floats, weights: Floats | None) -> tuple[Floats, Floats]:
    """What weighs on each different score, in rising order: rows of the class, and others."""
    w = weighed(len(truth), weights)
    _, place = np.unique(score, return_inverse=True)
    size = int(place.max()) + 1
    true, false = (np.bincount(place, w * one, size).astype(np.float64) for one in (truth, ~truth))
    if not true.sum() > 0.0 or not false.sum() > 0.0:
        raise Undefined("all labels are of one class")
    return true, false
