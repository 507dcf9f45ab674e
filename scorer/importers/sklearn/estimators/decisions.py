"""By which answer a classifier decides on a class."""

from __future__ import annotations

from sklearn.ensemble import VotingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import Pipeline

from scorer.importers.parts import Fitted

THRESHOLDS = (FixedThresholdClassifier, TunedThresholdClassifierCV)
"""What wraps an estimator with a threshold of its own."""


def core(fitted: Fitted) -> Fitted:
    """The estimator at the end of pipelines, in searches and frozen ones: it decides."""
    while True:
        if type(fitted) is Pipeline:
            fitted = fitted.steps[-1][1]
        elif type(fitted) is FrozenEstimator:
            fitted = fitted.estimator
        elif type(fitted) in (GridSearchCV, RandomizedSearchCV):
            fitted = fitted.best_estimator_
        else:
            return fitted


def decided_by(fitted: Fitted) -> str:
    """``"predict_proba"`` or ``"decision_function"``, of which the highest, or what exceeds a threshold, is the class.

    Hard votes count as margins. A threshold says which answer it is for.
    """
    inner = core(fitted)
    if votes_hard(inner):
        return "decision_function"
    if type(inner) in THRESHOLDS:
        if inner.response_method != "auto":
            return str(inner.response_method)
        return "predict_proba" if hasattr(inner.estimator_, "predict_proba") else "decision_function"
    return "decision_function" if hasattr(inner, "decision_function") else "predict_proba"


def votes_hard(fitted: Fitted) -> bool:
    """Whether its estimators vote for one class each."""
    inner = core(fitted)
    return type(inner) is VotingClassifier and inner.voting == "hard"
