"""Outcomes of all sorts, and the requirements that can be asked of them."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from monitor.stats.buckets import Key
from scorer.batch import Floats, Int64s
from scorer.quality.metrics import METRICS, ONCE
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement
from scorer.quality.table import Kind, Table

Sort: TypeAlias = Literal["usual", "one class", "constant", "odd"]
CLASSES: dict[Kind, tuple[str, ...]] = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}
COSTS = {"binary": ((0.0, 5.5), (1.25, -1.0)), "multiclass": ((0.0, 1.0, 2.5), (3.0, 0.0, 1.0), (7.0, 0.1, 0.0))}


def requirement(name: str, given: Parameters | None = None, least: int = 1, **bounds: float) -> Requirement:
    """One of a day, judged once."""
    return Requirement(METRICS[name], given or Parameters(), "day", ONCE, least, **bounds)  # type: ignore[arg-type]


def wanted(kind: Kind, classed: bool = False) -> list[Requirement]:
    """Every metric that buckets hold of such outputs; ``classed``: of a score without classes that has labels 0, 1."""
    klass = "b" if kind == "multiclass" else None
    threshold = None if kind == "multiclass" else 0.4
    given = Parameters(klass=klass, threshold=threshold)
    decided = [requirement(name, given) for name in ("accuracy", "balanced_accuracy", "precision", "recall", "f1")]
    decided += [requirement("false_positive_rate", given), requirement("invalid_share")]
    ordered = [requirement(name, Parameters(klass=klass)) for name in ("auc", "average_precision")]
    if kind == "regression":
        found = [requirement(name) for name in ("mae", "rmse", "bias", "r2", "poisson_deviance", "gamma_deviance")]
        found += [
            requirement("mae", Parameters(bound=0.7)),
            requirement("quantile_loss", Parameters(quantile=0.3)),
            requirement("invalid_share"),
        ]
        return [*found, *decided, *ordered] if classed else found
    found = [*decided, *ordered, requirement("brier")]
    found += [requirement(name) for name in ("accuracy", "balanced_accuracy")]
    found.append(requirement("cost", Parameters(costs=COSTS[kind])))
    found += [requirement("log_loss", Parameters(clip=clip)) for clip in (1e-6, 0.01)]
    for one in ({"clip": 1e-6}, {"clip": 0.01}):
        found += [
            requirement(f"calibration_{part}", Parameters(klass=klass, clip=one["clip"]))
            for part in ("slope", "intercept")
        ]
    found.append(requirement("calibration_error", Parameters(klass=klass, bins=10)))
    if kind == "binary":
        found += [requirement("auc", Parameters(klass="no")), requirement("average_precision", Parameters(klass="no"))]
        found.append(requirement("calibration_error", Parameters(klass="no", bins=5)))
    return found


def outcomes(kind: Kind, n: int, seed: int, sort: Sort = "usual") -> Table:
    """Labelled rows; of the odd sort some scores are not finite."""
    rng = np.random.default_rng(seed)
    classes = CLASSES[kind]
    if kind == "regression":
        scores = np.exp(rng.normal(0.0, 1.5, (1, n)))
        labels = scores[0] * np.exp(rng.normal(0.0, 0.3, n))
    elif kind == "binary":
        scores = rng.beta(0.7, 1.1, (1, n)).round(int(rng.integers(1, 16)))
        labels = (rng.random(n) < scores[0]).astype(float)
    else:
        scores = np.ascontiguousarray(rng.dirichlet(np.ones(3), n).T)
        labels = rng.integers(0, 3, n).astype(float)
    if sort == "one class":
        labels[:] = 0.0
    if sort == "constant":
        scores[:] = 0.25
    predicted = np.full(n, -1) if kind == "regression" else rng.integers(0, len(classes), n)
    if sort == "odd":
        scores[:, rng.random(n) < 0.2] = rng.choice([np.nan, np.inf])
    return Table(kind, classes, scores, labels, predicted)


def places(n: int, seed: int) -> tuple[list[Key], Int64s]:
    """Some keys in several hours and days, and one for each row."""
    rng = np.random.default_rng(seed)
    keys = [Key(hour, version, "champion") for hour in (0, 5, 30, 31 * 24) for version in ("v1", "v2")]
    keys.append(Key(5, "v1", "champion", ("origin", "JFK")))
    return keys, rng.integers(0, len(keys), n)


def pick(table: Table, rows: Int64s) -> Table:
    """Rows by number, in that order."""
    return Table(
        table.kind, table.classes, np.ascontiguousarray(table.scores[:, rows]), table.labels[rows],
        table.predicted[rows], scale=table.scale,
    )  # fmt: skip


def real(seed: int, n: int, share: float = 0.5) -> tuple[Floats, Floats]:
    """Scores of two classes that overlap: those of the class, and the others."""
    rng = np.random.default_rng(seed)
    positives = int(n * share)
    return rng.normal(1.0, 1.0, positives), rng.normal(0.0, 1.0, n - positives)
