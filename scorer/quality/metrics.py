"""Every metric that a requirement may name: what it is, between what it lies, and in which modes it can be judged.

*Continuously* means that one may look at the verdict at any time, as often as one likes, and its error stays bounded:
only metrics that are means of bounded numbers, each known when its label comes, have such bounds. Every other metric is
judged *once per closed window*, with an interval for a sample of fixed size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from scorer.quality import measuring
from scorer.quality.parameters import Parameters
from scorer.quality.table import Kind, Table

Mode: TypeAlias = Literal["continuously", "once per closed window"]
CONTINUOUSLY: Final = "continuously"
ONCE: Final = "once per closed window"

Range: TypeAlias = Callable[[Parameters, Kind | None], tuple[float, float]]

_BETA = "e-process of counts with a Beta mixture"
_BERNSTEIN = "empirical-Bernstein confidence sequence of the running mean (Howard and others)"
_PAIRS = _BERNSTEIN + " over successive pairs of one row of each class"
_CLOPPER = "Clopper-Pearson"
_MAURER = "Maurer-Pontil"
_DELONG = "DeLong"
_STUDENT = "Student's t"
_WALD = "Wald, from the fit"
_RECALLS = "Wilson's of each recall, combined (Zou and Donner)"
_JACCARD = "Clopper-Pearson of TP / (TP + FP + FN)"
_LOGIT = "logit (Boyd, Eng and Page)"
_MCDIARMID = "McDiarmid"
_ROOT = "root of Student's t of the squares"
_DELTA = "delta method"

_CLASSES: tuple[Kind, ...] = ("binary", "multiclass")
_SCORES: tuple[Kind, ...] = ("binary", "multiclass", "regression")
_ESTIMATES: tuple[Kind, ...] = ("regression",)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``measure`` takes labelled and valid rows and raises ``Undefined``; all else describes it.

    ``best`` is the value of a perfect model; ``better`` says on which side of it the others lie. ``needs`` and
    ``takes`` are parameters by their names in a file. ``continuous`` and ``once`` name the interval of each mode;
    ``None``: there is no valid one. ``continuous_needs`` are parameters without which the continuous one does not hold.
    ``probabilities`` says that margins will not do.
    """

    name: str
    measure: Callable[[Table, Parameters], float]
    what: str
    kinds: tuple[Kind, ...]
    better: Literal["larger", "smaller", "nearer"]
    best: float
    range: Range
    once: str
    continuous: str | None = None
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    continuous_needs: tuple[str, ...] = ()
    unit: str = ""
    probabilities: bool = False


def _between(low: float, high: float) -> Range:
    return lambda _given, _kind: (low, high)


def _brier_range(_given: Parameters, kind: Kind | None) -> tuple[float, float]:
    return 0.0, 1.0 if kind == "binary" else 2.0


def _clipped_range(given: Parameters, _kind: Kind | None) -> tuple[float, float]:
    return (0.0, math.inf) if given.clip is None else (-math.log1p(-given.clip), -math.log(given.clip))


def _cost_range(given: Parameters, _kind: Kind | None) -> tuple[float, float]:
    entries = [entry for row in given.costs or () for entry in row]
    return (min(entries), max(entries)) if entries else (-math.inf, math.inf)


def _bounded_range(given: Parameters, _kind: Kind | None) -> tuple[float, float]:
    return 0.0, math.inf if given.bound is None else given.bound


_SHARE, _POSITIVE, _ANY = _between(0.0, 1.0), _between(0.0, math.inf), _between(-math.inf, math.inf)
_LABEL = "the label's"

_ALL = (
    Metric("accuracy", measuring.accuracy, "share of rows whose class was predicted right", _SCORES, "larger", 1.0,
           _SHARE, _CLOPPER, _BETA, takes=("threshold",)),
    Metric("balanced_accuracy", measuring.balanced_accuracy, "mean of the recalls of all classes", _SCORES, "larger",
           1.0, _SHARE, _RECALLS, takes=("threshold",)),
    Metric("precision", measuring.precision, "of rows predicted to be of the class, the share that is", _SCORES,
           "larger", 1.0, _SHARE, _CLOPPER, _BETA, takes=("class", "threshold")),
    Metric("recall", measuring.recall, "of rows of the class, the share predicted to be", _SCORES, "larger", 1.0,
           _SHARE, _CLOPPER, _BETA, takes=("class", "threshold")),
    Metric("f1", measuring.f1, "harmonic mean of precision and recall", _SCORES, "larger", 1.0, _SHARE, _JACCARD,
           takes=("class", "threshold")),
    Metric("false_positive_rate", measuring.false_positive_rate, "of rows of other classes, the share predicted to "
           "be of the class", _SCORES, "smaller", 0.0, _SHARE, _CLOPPER, _BETA, takes=("class", "threshold")),
    Metric("cost", measuring.cost, "mean of `costs[true class][predicted class]`", _SCORES, "smaller", -math.inf,
           _cost_range, _MAURER, _BERNSTEIN, needs=("costs",), takes=("threshold",), unit="the matrix's"),
    Metric("auc", measuring.auc, "chance that a row of the class is scored above one of the others, ties one half",
           _SCORES, "larger", 1.0, _SHARE, _DELONG, _PAIRS, takes=("class",)),
    Metric("average_precision", measuring.average_precision, "area under precision by recall, as a sum of steps",
           _SCORES, "larger", 1.0, _SHARE, _LOGIT, takes=("class",)),
    Metric("ndcg", measuring.ndcg, "mean over lists of the discounted gain, as a share of the best order's",
           _ESTIMATES, "larger", 1.0, _SHARE, _MAURER + " over lists", needs=("group",), takes=("at",)),
    Metric("brier", measuring.brier, "mean of (score - truth)², summed over more than two classes", _CLASSES, "smaller",
           0.0, _brier_range, _MAURER, _BERNSTEIN, probabilities=True),
    Metric("log_loss", measuring.log_loss, "mean of -ln(probability of what came true), clipped", _CLASSES, "smaller",
           0.0, _clipped_range, _MAURER, _BERNSTEIN, needs=("clip",), unit="nats", probabilities=True),
    Metric("calibration_slope", measuring.calibration_slope, "slope of truth on the score's log-odds", _CLASSES,
           "nearer", 1.0, _ANY, _WALD, needs=("clip",), takes=("class",), probabilities=True),
    Metric("calibration_intercept", measuring.calibration_intercept, "log-odds by which the scores are too low",
           _CLASSES, "nearer", 0.0, _ANY, _WALD, needs=("clip",), takes=("class",), unit="log-odds",
           probabilities=True),
    Metric("calibration_error", measuring.calibration_error, "mean distance of score and truth over bins of equal mass "
           "(ECE)", _CLASSES, "smaller", 0.0, _SHARE, _MCDIARMID, needs=("bins",), takes=("class",),
           probabilities=True),
    Metric("mae", measuring.mae, "mean distance of score and label, each at most `bound`", _ESTIMATES, "smaller", 0.0,
           _bounded_range, _STUDENT + "; Maurer-Pontil with a bound", _BERNSTEIN, takes=("bound",),
           continuous_needs=("bound",), unit=_LABEL),
    Metric("rmse", measuring.rmse, "square root of the mean of (score - label)²", _ESTIMATES, "smaller", 0.0, _POSITIVE,
           _ROOT, unit=_LABEL),
    Metric("bias", measuring.bias, "mean of score - label", _ESTIMATES, "nearer", 0.0, _ANY, _STUDENT, unit=_LABEL),
    Metric("r2", measuring.r2, "1 - squared error as a share of the labels' variance", _ESTIMATES, "larger",
           1.0, _between(-math.inf, 1.0), _DELTA),
    Metric("quantile_loss", measuring.quantile_loss, "mean pinball loss of an estimated quantile", _ESTIMATES,
           "smaller", 0.0, _POSITIVE, _STUDENT, needs=("quantile",), unit=_LABEL),
    Metric("poisson_deviance", measuring.poisson_deviance, "mean deviance of counts", _ESTIMATES, "smaller", 0.0,
           _POSITIVE, _STUDENT),
    Metric("gamma_deviance", measuring.gamma_deviance, "mean deviance of positive amounts", _ESTIMATES, "smaller", 0.0,
           _POSITIVE, _STUDENT),
    Metric("invalid_share", measuring.invalid_share, "share of rows, labelled or not, whose score is not finite",
           _SCORES, "smaller", 0.0, _SHARE, _CLOPPER),
    Metric("dead_letter_share", measuring.operation, "share of events that became dead letters", _SCORES, "smaller",
           0.0, _SHARE, _CLOPPER),
    Metric("slow_share", measuring.operation, "share of predictions scored `within` seconds after their event, or "
           "later", _SCORES, "smaller", 0.0, _SHARE, _CLOPPER, needs=("within",)),
)  # fmt: skip

METRICS: Mapping[str, Metric] = {one.name: one for one in _ALL}

OPERATIONAL = ("dead_letter_share", "slow_share")
"""Metrics of the service that runs the model: the monitor counts them, and no table of rows shows them."""

UNLABELLED = ("invalid_share", *OPERATIONAL)
"""Metrics that need no labels: they take every row, and their least number of labels counts rows."""
