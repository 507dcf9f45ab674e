"""From a table to a metric's arrays: which class is meant, what was decided, which score counts.

Each function takes a table whose rows are all labelled and valid, and the parameters, which fit the table
(``Requirement.misfits``). They raise ``Undefined``.
"""

from __future__ import annotations

import numpy as np

from scorer.batch import Bools, Floats, Int64s
from scorer.quality import decisions, deviations, probabilities, ranking
from scorer.quality.parameters import Parameters
from scorer.quality.table import Table
from scorer.quality.undefined import Undefined, mean

_HOUR = 3_600_000_000
"""Microseconds."""


def accuracy(table: Table, given: Parameters) -> float:
    return decisions.accuracy(_labels(table), _predicted(table, given), table.weights)


def balanced_accuracy(table: Table, given: Parameters) -> float:
    return decisions.balanced_accuracy(_labels(table), _predicted(table, given), table.weights)


def precision(table: Table, given: Parameters) -> float:
    return decisions.precision(*_decided(table, given), table.weights)


def recall(table: Table, given: Parameters) -> float:
    return decisions.recall(*_decided(table, given), table.weights)


def f1(table: Table, given: Parameters) -> float:
    return decisions.f1(*_decided(table, given), table.weights)


def false_positive_rate(table: Table, given: Parameters) -> float:
    return decisions.false_positive_rate(*_decided(table, given), table.weights)


def cost(table: Table, given: Parameters) -> float:
    assert given.costs is not None  # noqa: S101  # a requirement without it is refused
    return decisions.cost(_labels(table), _predicted(table, given), np.array(given.costs), table.weights)


def auc(table: Table, given: Parameters) -> float:
    return ranking.auc(*_ordered(table, given), table.weights)


def average_precision(table: Table, given: Parameters) -> float:
    return ranking.average_precision(*_ordered(table, given), table.weights)


def ndcg(table: Table, given: Parameters) -> float:
    """A list is the rows of one hour, where event times are known, that have one value of the group."""
    assert given.group is not None  # noqa: S101  # a requirement without it is refused
    if given.group not in table.fields:
        raise Undefined(f"the table has no field {given.group!r} to group by")
    group = table.fields[given.group]
    rows = np.flatnonzero(np.array([one is not None for one in group], np.bool_))
    _, list_of = np.unique(group[rows].astype(str), return_inverse=True)
    if table.time is not None:
        _, list_of = np.unique(np.stack([list_of.ravel(), table.time[rows] // _HOUR]), axis=1, return_inverse=True)
    return ranking.ndcg(table.labels[rows], table.scores[0][rows], list_of.ravel(), given.at)


def brier(table: Table, _given: Parameters) -> float:
    if table.kind == "multiclass":
        return probabilities.brier_of_several(_labels(table), table.scores, table.weights)
    return probabilities.brier(_labels(table) == 1, table.scores[0], table.weights)


def log_loss(table: Table, given: Parameters) -> float:
    assert given.clip is not None  # noqa: S101  # a requirement without it is refused
    labels, scores = _labels(table), table.scores
    if table.kind == "multiclass":
        return probabilities.log_loss(scores[labels, np.arange(len(labels))], given.clip, table.weights)
    return probabilities.log_loss(np.where(labels == 1, scores[0], 1.0 - scores[0]), given.clip, table.weights)


def calibration_error(table: Table, given: Parameters) -> float:
    assert given.bins is not None  # noqa: S101  # a requirement without it is refused
    return probabilities.calibration_error(*_likely(table, given), given.bins, table.weights)


def calibration_slope(table: Table, given: Parameters) -> float:
    assert given.clip is not None  # noqa: S101  # a requirement without it is refused
    return probabilities.calibration_slope(*_likely(table, given), given.clip, table.weights)


def calibration_intercept(table: Table, given: Parameters) -> float:
    assert given.clip is not None  # noqa: S101  # a requirement without it is refused
    return probabilities.calibration_intercept(*_likely(table, given), given.clip, table.weights)


def mae(table: Table, given: Parameters) -> float:
    return deviations.mae(table.labels, table.scores[0], given.bound, table.weights)


def rmse(table: Table, _given: Parameters) -> float:
    return deviations.rmse(table.labels, table.scores[0], table.weights)


def bias(table: Table, _given: Parameters) -> float:
    return deviations.bias(table.labels, table.scores[0], table.weights)


def r2(table: Table, _given: Parameters) -> float:
    return deviations.r2(table.labels, table.scores[0], table.weights)


def quantile_loss(table: Table, given: Parameters) -> float:
    assert given.quantile is not None  # noqa: S101  # a requirement without it is refused
    return deviations.quantile_loss(table.labels, table.scores[0], given.quantile, table.weights)


def poisson_deviance(table: Table, _given: Parameters) -> float:
    return deviations.poisson_deviance(table.labels, table.scores[0], table.weights)


def gamma_deviance(table: Table, _given: Parameters) -> float:
    return deviations.gamma_deviance(table.labels, table.scores[0], table.weights)


def invalid_share(table: Table, _given: Parameters) -> float:
    """``mean(a score is not finite)``. It alone takes rows that are invalid or have no label."""
    if not len(table):
        raise Undefined("there are no rows")
    return mean((~table.valid).astype(np.float64))


def operation(_table: Table, _given: Parameters) -> float:
    """Of metrics of the service, which no table holds. Always raises ``Undefined``."""
    raise Undefined(NOT_IN_ROWS)


NOT_IN_ROWS = "rows do not show it; the monitor counts it as events flow"


def _labels(table: Table) -> Int64s:
    """The true classes. A regression's score may be one of anomaly, or a margin: then its labels are 0 and 1."""
    if table.kind == "regression" and not np.isin(table.labels, (0.0, 1.0)).all():
        raise Undefined("of a score without classes, the labels must be 0 and 1")
    return table.labels.astype(np.int64)


def _predicted(table: Table, given: Parameters) -> Int64s:
    return table.predicted if given.threshold is None else (table.scores[0] > given.threshold).astype(np.int64)


def _class(table: Table, given: Parameters) -> int:
    return 1 if given.klass is None else table.classes.index(given.klass)


def _decided(table: Table, given: Parameters) -> tuple[Bools, Bools]:
    wanted = _class(table, given)
    return _labels(table) == wanted, _predicted(table, given) == wanted


def _ordered(table: Table, given: Parameters) -> tuple[Bools, Floats]:
    """Whether a row is of the class, and a score that is the higher, the more speaks for that."""
    wanted = _class(table, given)
    if table.kind == "multiclass":
        return _labels(table) == wanted, table.scores[wanted]
    return _labels(table) == wanted, table.scores[0] if wanted == 1 else -table.scores[0]


def _likely(table: Table, given: Parameters) -> tuple[Bools, Floats]:
    """Whether a row is of the class, and the probability that it is."""
    wanted = _class(table, given)
    if table.kind == "multiclass":
        return _labels(table) == wanted, table.scores[wanted]
    return _labels(table) == wanted, table.scores[0] if wanted == 1 else 1.0 - table.scores[0]
