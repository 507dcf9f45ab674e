"""Calibration: scores that become probabilities, by sigmoids or by piecewise linear functions."""

from __future__ import annotations

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.isotonic import IsotonicRegression

from scorer.importers.parts import Columns, Draft, Estimate, EstimatorImporter, Fitted
from scorer.importers.refusal import refused, require
from scorer.importers.sklearn.estimators.common import (
    REGRESSION,
    as_they_are,
    classes_of,
    constant,
    numbers,
    outputs_of,
)  # fmt: skip
from scorer.importers.sklearn.estimators.linear import shared
from scorer.model import build_scores
from scorer.model.build import Part


def calibrated(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """CalibratedClassifierCV: the mean of its calibrated estimators, of which each has one calibrator per class."""
    require(method == "predict_proba", fitted, "it has no margins", "take its probabilities (predict_proba)")
    names = classes_of(fitted)
    parts = [_one(one, names, columns, draft) for one in fitted.calibrated_classifiers_]
    if len(parts) == 1:
        return parts[0]
    taken = [name for part in parts for name in part.kernel.taken]
    made = draft.fresh_all(["mean"] if len(names) == 2 else [f"mean of {name}" for name in names])
    mean = draft.add(build_scores.average(taken, made, np.ones(len(parts))))
    return as_they_are(mean, outputs_of(names))


def _one(one: Fitted, names: tuple[str, ...], columns: Columns, draft: Draft) -> Estimate:
    """One estimator and its calibrators. They take margins where the estimator has any, else probabilities."""
    require(
        one.method in ("sigmoid", "isotonic"),
        one,
        f"there is no step for calibration by {one.method!r}",
        "calibrate with method='sigmoid' or 'isotonic'",
    )
    method = "decision_function" if hasattr(one.estimator, "decision_function") else "predict_proba"
    taken = draft.place(draft.estimate(one.estimator, columns, method), "uncalibrated")
    # A fold may lack classes, whose probability is then 0. Where an estimator knows but two of more, the library has
    # one score and one calibrator, which it counts for the first of the two.
    known = np.searchsorted(one.classes, one.estimator.classes_).tolist() if len(names) > 2 else [0]
    columns_of = dict(zip(known, taken, strict=False))
    calibrators = dict(zip(known, one.calibrators, strict=False))
    alone: list[str] = []
    for k in range(len(names) if len(names) > 2 else 1):
        if k in columns_of:
            alone += _curve(calibrators[k], columns_of[k], draft)
        else:
            alone += constant([0.0], taken, draft, "absent")
    return shared(tuple(alone), names, draft)


def _curve(calibrator: Fitted, name: str, draft: Draft) -> Columns:
    made = draft.fresh_all([f"{name} calibrated"])
    if type(calibrator) is IsotonicRegression:
        return draft.add(_points(calibrator, name, made[0]))
    if type(calibrator).__name__ == "_SigmoidCalibration":  # private in the library
        return draft.add(build_scores.calibrate_sigmoid([name], made, [calibrator.a_], [calibrator.b_]))
    raise refused(calibrator, "there is no step for this calibrator", "calibrate with 'sigmoid' or 'isotonic'")


def _points(fitted: IsotonicRegression, name: str, made: str) -> Part:
    x, y = np.asarray(fitted.X_thresholds_), np.asarray(fitted.y_thresholds_)
    # With a single point the library ignores out_of_bounds: the function is a constant.
    outside = "clip" if fitted.out_of_bounds == "clip" or len(y) == 1 else "missing"
    return build_scores.calibrate_isotonic(name, made, x, y, outside=outside, dtype=x.dtype.name)


def isotonic(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:  # noqa: ARG001 - all alike
    """IsotonicRegression on one column. Outside of what it was fitted on there is no score, unless it clips."""
    (name,) = numbers(fitted, columns, draft)
    (made,) = draft.fresh_all(["isotonic"])
    return as_they_are(draft.add(_points(fitted, name, made)), REGRESSION)


CALIBRATED: dict[type, EstimatorImporter] = {CalibratedClassifierCV: calibrated, IsotonicRegression: isotonic}
"""Estimators that calibrate."""
