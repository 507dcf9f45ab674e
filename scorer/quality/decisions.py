"""Metrics of decisions: which class was predicted, against which it was.

``labels`` and ``predicted`` are int64 ``(n,)``, indices of classes; ``truth`` and ``positive`` are bool ``(n,)``:
whether a row is of the class in question, and whether it was predicted to be. ``weights``, float64 ``(n,)`` and not
negative, are 1 by default. Every result is a share from 0 to 1 without unit, except a cost, which has its matrix's.
Each equals the function of ``sklearn.metrics`` that is named, and raises ``Undefined`` where that warns or gives a
number by convention.
"""

from __future__ import annotations

import numpy as np

from scorer.batch import Bools, Floats, Int64s
from scorer.quality.undefined import Undefined, mean, weighed


def accuracy(labels: Int64s, predicted: Int64s, weights: Floats | None = None) -> float:
    """``mean(predicted = label)``; larger is better. ``accuracy_score``."""
    return mean((labels == predicted).astype(np.float64), weights)


def balanced_accuracy(labels: Int64s, predicted: Int64s, weights: Floats | None = None) -> float:
    """The mean over the classes that have labels of their recall; larger is better. ``balanced_accuracy_score``.

    Raises ``Undefined`` where all labels are of one class.
    """
    w = weighed(len(labels), weights)
    total = np.bincount(labels, w)
    right = np.bincount(labels, w * (labels == predicted))
    present = total > 0.0
    if present.sum() < 2:
        raise Undefined("all labels are of one class")
    return float((right[present] / total[present]).mean())


def precision(truth: Bools, positive: Bools, weights: Floats | None = None) -> float:
    """``TP / (TP + FP)``, of those predicted to be of the class the share that is; larger is better.

    ``precision_score``. Raises ``Undefined`` where none was predicted to be.
    """
    return _share(truth, positive, weights, "no row was predicted to be of the class")


def recall(truth: Bools, positive: Bools, weights: Floats | None = None) -> float:
    """``TP / (TP + FN)``, of those of the class the share that was predicted to be; larger is better.

    ``recall_score``. Raises ``Undefined`` where no label is of the class.
    """
    return _share(positive, truth, weights, "no label is of the class")


def false_positive_rate(truth: Bools, positive: Bools, weights: Floats | None = None) -> float:
    """``FP / (FP + TN)``, of those of other classes the share predicted to be of this one; smaller is better.

    ``1 - recall_score`` of the other classes. Raises ``Undefined`` where every label is of the class.
    """
    return _share(positive, ~truth, weights, "every label is of the class")


def f1(truth: Bools, positive: Bools, weights: Floats | None = None) -> float:
    """``2 TP / (2 TP + FP + FN)``, the harmonic mean of precision and recall; larger is better. ``f1_score``.

    Raises ``Undefined`` where no label is of the class.
    """
    w = weighed(len(truth), weights)
    actual = float(w[truth].sum())
    if actual == 0.0:
        raise Undefined("no label is of the class")
    return float(2.0 * w[truth & positive].sum() / (actual + w[positive].sum()))


def cost(labels: Int64s, predicted: Int64s, costs: Floats, weights: Floats | None = None) -> float:
    """``mean(costs[label, predicted])``; smaller is better; from the least to the greatest entry, in their unit.

    ``costs`` is ``(classes, classes)``, a row for each true class and a column for each predicted one. Elkan (2001),
    "The foundations of cost-sensitive learning".
    """
    return mean(costs[labels, predicted], weights)


def _share(what: Bools, among: Bools, weights: Floats | None, why_not: str) -> float:
    w = weighed(len(what), weights)
    whole = float(w[among].sum())
    if whole == 0.0:
        raise Undefined(why_not)
    return float(w[what & among].sum() / whole)
