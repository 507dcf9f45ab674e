"""Metrics of order: whether what is scored higher is truer. Scores may have any unit and scale.

``truth`` is bool ``(n,)``, ``score`` float64 ``(n,)``. ``weights``, float64 ``(n,)`` and not negative, are 1 by
default. All results are from 0 to 1 without unit, and larger is better.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scorer.batch import Bools, Floats
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


def ndcg(relevance: Floats, score: Floats, group: npt.NDArray[np.object_], at: int | None = None) -> float:
    """The mean over groups of ``DCG / ideal DCG``, where ``DCG = Σ_r relevance_r / log2(r + 1)`` over ranks r by score.

    ``relevance`` ``(n,)`` is not negative; ``group`` ``(n,)`` names the list, such as a query, that a row belongs to;
    only the first ``at`` ranks count where it is given. Rows of equal score share their ranks evenly. A group without
    anything relevant has no ideal and is left out. ``ndcg_score`` of each group; Järvelin & Kekäläinen (2002). Raises
    ``Undefined`` where a relevance is negative or no group has a relevant row.
    """
    if (relevance < 0.0).any():
        raise Undefined("a relevance is negative")
    _, place = np.unique(group.astype(str), return_inverse=True)
    order = np.lexsort((-score, place))
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    found = [_ndcg(relevance[rows], score[rows], at) for rows in np.split(order, starts[1:]) if relevance[rows].any()]
    if not found:
        raise Undefined("no group has anything relevant")
    return float(np.mean(found))


def _ndcg(relevance: Floats, score: Floats, at: int | None) -> float:
    """Of one group, whose rows come in falling order of score."""
    discount = 1.0 / np.log2(np.arange(len(score)) + 2.0)
    if at is not None:
        discount[at:] = 0.0
    tie = np.cumsum(np.diff(score, prepend=score[0]) != 0.0)
    shared = np.bincount(tie, relevance) * np.bincount(tie, discount) / np.bincount(tie)
    return float(shared.sum() / (np.sort(relevance)[::-1] * discount).sum())


def _by_score(truth: Bools, score: Floats, weights: Floats | None) -> tuple[Floats, Floats]:
    """What weighs on each different score, in rising order: rows of the class, and others."""
    w = weighed(len(truth), weights)
    _, place = np.unique(score, return_inverse=True)
    size = int(place.max()) + 1
    true, false = (np.bincount(place, w * one, size).astype(np.float64) for one in (truth, ~truth))
    if not true.sum() > 0.0 or not false.sum() > 0.0:
        raise Undefined("all labels are of one class")
    return true, false
