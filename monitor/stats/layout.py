"""What is counted and summed of every outcome, so that all requirements of a model can be judged from buckets."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import types

from scorer.batch import Bools, Floats, Int64s
from scorer.compiled import entry
from scorer.quality.requirement import Requirement
from scorer.quality.table import Kind, Scale, Table

BEYOND = 2.0**46
"""Regressions are summed up to fourth powers: a label or score of larger magnitude is counted, and not summed."""

PREDICTIONS, INVALID_PREDICTIONS, OUTCOMES, INVALID, LARGE, UNCLASSED, NOT_POISSON, NOT_GAMMA, FIRST = range(9)
"""Where counts stand. Of predictions, with labels or without: all, and those whose score is not valid. Of
outcomes: all, those without a valid score, those beyond what is summed, those whose label is none of 0 and 1 although
the model has no classes, those for which a deviance is undefined. From ``FIRST`` on: the confusion matrices."""


@entry(types.void(types.float64[::1], types.float64[::1]))
def _log(values: Floats, out: Floats) -> None:
    """Logarithms one by one: numpy's depend on the place in the batch on some processors."""
    for row in range(values.shape[0]):
        out[row] = math.log(values[row])


def log(values: Floats) -> Floats:
    """The natural logarithm of ``values`` ``(n,)``, with the same bits wherever a value stands."""
    out = np.empty(len(values))
    _log(np.ascontiguousarray(values), out)
    return out


@dataclass(frozen=True, slots=True)
class Layout:
    """The outputs of a model and the parameters of its requirements.

    There is one confusion matrix for the classes as predicted, where there are classes, and one for each of the
    ``thresholds``. ``clips``, ``bounds`` and ``quantiles`` are those of log loss, mean distance and quantile loss.
    ``lists`` are those of NDCG: the field that names a row's list, and how many ranks count.
    """

    kind: Kind
    classes: tuple[str, ...]
    scale: Scale = "probability"
    thresholds: tuple[float, ...] = ()
    clips: tuple[float, ...] = ()
    bounds: tuple[float, ...] = ()
    quantiles: tuple[float, ...] = ()
    deviances: tuple[str, ...] = ()
    lists: tuple[tuple[str, int | None], ...] = ()

    @staticmethod
    def of(requirements: Iterable[Requirement], kind: Kind, classes: tuple[str, ...], scale: Scale) -> Layout:
        """What ``requirements`` need of a model with such outputs."""
        wanted = list(requirements)
        given = [one.parameters for one in wanted]
        names = {one.metric.name for one in wanted}
        return Layout(
            kind,
            classes,
            scale,
            tuple(sorted({one.threshold for one in given if one.threshold is not None})),
            tuple(sorted({one.clip for one in given if one.clip is not None})),
            tuple(sorted({one.bound for one in given if one.bound is not None})),
            tuple(sorted({one.quantile for one in given if one.quantile is not None})),
            tuple(name for name in ("poisson_deviance", "gamma_deviance") if name in names),
            tuple(sorted({(one.group, one.at) for one in given if one.group}, key=lambda one: (one[0], one[1] or 0))),
        )

    @property
    def size(self) -> int:
        """How many classes a confusion matrix has: a score without classes may be one of two, such as an anomaly's."""
        return max(2, len(self.classes))

    @property
    def matrices(self) -> int:
        """How many confusion matrices there are."""
        return (self.kind != "regression") + len(self.thresholds)

    @property
    def counts(self) -> int:
        """How many counts a bucket has."""
        return self.list_counts(len(self.lists))

    def list_counts(self, number: int) -> int:
        """Where the two counts of a sort of ``lists`` stand, behind the confusion matrices: of lists that have a gain,
        and of lists with a negative relevance."""
        return FIRST + self.matrices * self.size**2 + 2 * number

    @property
    def list_fields(self) -> tuple[str, ...]:
        """The fields that name lists."""
        return tuple(sorted({group for group, _ in self.lists}))

    @property
    def row_sums(self) -> tuple[str, ...]:
        """The names of the sums over rows. ``x 2`` is of the squares of ``x``; ``error`` is score - label."""
        return _names(self)

    @property
    def sums(self) -> tuple[str, ...]:
        """The names of all sums; behind those over rows, the gains of lists and their squares."""
        return _all_names(self)

    def matrix(self, threshold: float | None) -> int:
        """The number of the confusion matrix of a threshold; ``None``: of the classes as predicted."""
        if threshold is None:
            return 0
        return (self.kind != "regression") + self.thresholds.index(threshold)

    def valid(self, scores: Floats) -> Bools:
        """Which rows of ``scores`` ``(outputs, n)`` are valid: all finite and, of probabilities, from 0 to 1."""
        found = np.isfinite(scores)
        if self.kind != "regression" and self.scale == "probability":
            found &= (scores >= 0.0) & (scores <= 1.0)
        return np.asarray(found.all(axis=0))

    def usable(self, table: Table) -> tuple[Bools, Bools]:
        """Which outcomes have a valid score, and which of these are too large to be summed."""
        valid = self.valid(table.scores)
        if self.kind != "regression":
            return valid, np.zeros(len(table), np.bool_)
        return valid, valid & ((np.abs(table.scores[0]) > BEYOND) | (np.abs(table.labels) > BEYOND))

    def values(self, table: Table) -> Floats:
        """What is summed over rows, float64 ``(row_sums, n)``; all are labelled, valid and not too large."""
        found = self._measures if self.kind == "regression" else self._losses
        values = found(table.labels, table.scores)
        return np.array(list(values.values())).reshape(len(values), len(table))

    def _losses(self, labels: Floats, scores: Floats) -> dict[str, Floats]:
        if self.scale != "probability":
            return {}
        places = labels.astype(np.int64)
        if self.kind == "binary":
            truth = labels == 1.0
            brier = (scores[0] - truth) ** 2
            likelihood = np.where(truth, scores[0], 1.0 - scores[0])
        else:
            brier = np.zeros(len(labels))
            for klass in range(len(scores)):  # in a fixed order: numpy's own depends on the shape
                brier = brier + (scores[klass] - (places == klass)) ** 2
            likelihood = scores[places, np.arange(len(places))]
        found = {"brier": brier, "brier 2": brier**2}
        for clip in self.clips:
            loss = -log(np.clip(likelihood, clip, 1.0 - clip))
            found |= {f"log_loss {clip!r}": loss, f"log_loss {clip!r} 2": loss**2}
        return found

    def _measures(self, labels: Floats, scores: Floats) -> dict[str, Floats]:
        score = scores[0]
        error, square = score - labels, (score - labels) ** 2
        found = {"error": error, "error 2": square, "error 2 2": square**2, "distance": np.abs(error)}
        label2 = labels**2
        found |= {"label": labels, "label 2": label2, "label 3": label2 * labels, "label 2 2": label2**2}
        found |= {"error 2 label": square * labels, "error 2 label 2": square * label2}
        for bound in self.bounds:
            distance = np.minimum(np.abs(error), bound)
            found |= {f"mae {bound!r}": distance, f"mae {bound!r} 2": distance**2}
        for quantile in self.quantiles:
            loss = np.maximum(-quantile * error, (1.0 - quantile) * error)
            found |= {f"quantile_loss {quantile!r}": loss, f"quantile_loss {quantile!r} 2": loss**2}
        for name in self.deviances:
            defined = deviance_defined(name, labels, score)
            y, s = np.where(defined, labels, 1.0), np.where(defined, score, 1.0)
            if name == "poisson_deviance":
                loss = 2.0 * (y * log(np.where(y > 0.0, y, s) / s) - y + s)
            else:
                loss = 2.0 * (log(s / y) + y / s - 1.0)
            found |= {name: loss, f"{name} 2": loss**2}
        return found


@lru_cache(maxsize=64)
def _names(layout: Layout) -> tuple[str, ...]:
    return tuple(layout._measures(*_ONE)) if layout.kind == "regression" else tuple(layout._losses(*_ONE))


@lru_cache(maxsize=64)
def _all_names(layout: Layout) -> tuple[str, ...]:
    of_lists = [list_sum(*one) for one in layout.lists]
    return _names(layout) + tuple(name for one in of_lists for name in (one, f"{one} 2"))


def list_sum(group: str, at: int | None) -> str:
    """The name of the sum of the gains of lists."""
    return f"ndcg {group!r} {at!r}"


def deviance_defined(name: str, labels: Floats, score: Floats) -> Bools:
    """Where the deviance has a value that can be summed."""
    lowest = 2.0**-46
    if name == "poisson_deviance":
        return (labels >= 0.0) & (score >= lowest)
    return (labels >= lowest) & (score >= lowest)


_ONE = np.zeros(1), np.full((1, 1), 0.5)
"""A row by which a layout learns the names of its sums."""


def confusion(labels: Floats, predicted: Int64s, size: int) -> Int64s:
    """The entry of the confusion matrix, row by true class, that each row belongs to."""
    return labels.astype(np.int64) * size + predicted
