"""Ensembles of any estimators: voting, stacking, bagging, one-vs-rest."""

from __future__ import annotations

import numpy as np
from sklearn import ensemble, multiclass
from sklearn.base import is_classifier

from scorer.importers.parts import Columns, Draft, Estimate, EstimatorImporter, Fitted
from scorer.importers.refusal import require
from scorer.importers.sklearn.estimators.common import (
    REGRESSION,
    as_they_are,
    classes_of,
    constant,
    outputs_of,
    votes,
)  # fmt: skip
from scorer.importers.sklearn.estimators.decisions import decided_by
from scorer.importers.sklearn.estimators.linear import shared
from scorer.model import build, build_scores, build_steps
from scorer.model.outputs import MARGIN, Outputs


def _mean(taken: list[str], outputs: Outputs, weights: list[float], draft: Draft) -> Estimate:
    """The weighted mean of estimators, whose columns follow one another in ``taken``."""
    made = draft.fresh_all(["mean"] if outputs.count == 1 else [f"mean of {name}" for name in outputs.classes])
    return as_they_are(draft.add(build_scores.average(taken, made, weights)), outputs)


def _weights(fitted: Fitted) -> list[float]:
    """The weights of the estimators that were not dropped."""
    found = (
        fitted._weights_not_none
    )  # the library leaves out the weights of those that were dropped here, and only here
    return [1.0] * len(fitted.estimators_) if found is None else [float(weight) for weight in found]


def voting_regressor(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:  # noqa: ARG001 - all alike
    """VotingRegressor."""
    taken: list[str] = []
    for one in fitted.estimators_:
        taken += draft.place(draft.estimate(one, columns, "predict"), "estimate")
    return _mean(taken, REGRESSION, _weights(fitted), draft)


def voting_classifier(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """VotingClassifier: the mean of probabilities; or of hard votes the sum of their weights, as margins."""
    names, weights = classes_of(fitted), _weights(fitted)
    if fitted.voting == "hard":
        return _hard(fitted, names, weights, columns, draft)
    require(method == "predict_proba", fitted, "it has no margins", "take its probabilities (predict_proba)")
    taken: list[str] = []
    for one in fitted.estimators_:
        taken += draft.place(draft.estimate(one, columns, "predict_proba"), "probability")
    return _mean(taken, outputs_of(names), weights, draft)


def _hard(fitted: Fitted, names: tuple[str, ...], weights: list[float], columns: Columns, draft: Draft) -> Estimate:
    """The weight of the votes for each class; of two, that for the second less that for the first."""
    ballots = [votes(draft.estimate(one, columns, decided_by(one)), draft, "vote") for one in fitted.estimators_]
    if len(names) == 2:
        taken = [name for ballot in ballots for name in ballot]
        # A vote for the first class, 0, counts as -1: each sum of weights is taken as the library adds it.
        second = draft.place(Estimate(build.linear(taken, [weights], [0.0]), REGRESSION), "for the second")
        against: list[str] = []
        for name in taken:
            against += draft.place(Estimate(build.linear([name], [[-1.0]], [1.0]), REGRESSION), "against")
        first = draft.place(Estimate(build.linear(against, [weights], [0.0]), REGRESSION), "for the first")
        return Estimate(build.linear([*second, *first], [[1.0, -1.0]], [0.0]), outputs_of(names, MARGIN))
    taken = [name for ballot in ballots for name in ballot]
    coef = np.zeros((len(names), len(taken)))
    for e, weight in enumerate(weights):
        for k in range(len(names)):
            coef[k, e * len(names) + k] = weight
    return Estimate(build.linear(taken, coef, np.zeros(len(names))), outputs_of(names, MARGIN))


def stacking(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """StackingClassifier and StackingRegressor: what the estimators say are the columns of the last one.

    Of two classes only the probability of the second is taken, as the library drops that of the first; with
    ``passthrough`` the raw columns follow.
    """
    taken: list[str] = []
    for one, answer in zip(fitted.estimators_, fitted.stack_method_, strict=True):
        stacked = draft.place(draft.estimate(one, columns, answer), "stacked")
        taken += _labels(one, stacked, draft) if answer == "predict" and is_classifier(one) else stacked
    if fitted.passthrough:
        taken += columns
    last = draft.estimate(fitted.final_estimator_, tuple(taken), method)
    if last.outputs.kind == "regression":
        return last
    # The estimators were trained on the places of the classes; their names are those of the whole.
    names = classes_of(fitted)
    outputs = Outputs(last.outputs.kind, names, last.outputs.scale, last.outputs.threshold)
    return Estimate(last.kernel, outputs, last.leaves)


def _labels(one: Fitted, index: Columns, draft: Draft) -> Columns:
    """The labels that a classifier answers with: of one that was fitted before (``cv="prefit"``) not 0, 1, 2 …"""
    places, labels = np.arange(len(one.classes_), dtype=np.float64), np.asarray(one.classes_, np.float64)
    if np.array_equal(places, labels):
        return index
    return draft.add(build_steps.encode(index[0], draft.fresh_all(["stacked label"]), places, labels[None]))


def bagging(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """BaggingClassifier and BaggingRegressor: the mean of estimators that each take some of the columns."""
    regresses = isinstance(fitted, ensemble.BaggingRegressor)
    outputs = REGRESSION if regresses else outputs_of(classes_of(fitted))
    answer = "predict" if regresses else "predict_proba"
    require(regresses or method == "predict_proba", fitted, "its margins are means", "take its probabilities")
    taken: list[str] = []
    for one, places in zip(fitted.estimators_, fitted.estimators_features_, strict=True):
        mine = tuple(columns[place] for place in places)
        if not regresses:
            require(
                len(one.classes_) == len(outputs.classes) and hasattr(one, "predict_proba"),
                fitted,
                "one of its estimators has no probabilities, or does not know every class",
                "use estimators with probabilities, and more rows for each",
            )
        taken += draft.place(draft.estimate(one, mine, answer), "bagged")
    return _mean(taken, outputs, [1.0] * len(fitted.estimators_), draft)


def one_vs_rest(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """OneVsRestClassifier: an estimator of two classes for each class; probabilities are divided by their sum."""
    names = classes_of(fitted)
    require(not fitted.multilabel_, fitted, "it predicts several labels at once", "train one model for each label")
    alone: list[str] = []
    for one in fitted.estimators_:
        if type(one).__name__ == "_ConstantPredictor":  # private in the library: one class was all there was
            answer = getattr(one, method)(np.zeros((1, len(columns))))
            alone += constant([float(np.ravel(answer)[-1])], columns, draft, "constant")
        else:
            alone += draft.place(draft.estimate(one, columns, method), "alone")
    if method == "decision_function":
        return as_they_are(tuple(alone), outputs_of(names, MARGIN))
    return shared(tuple(alone), names, draft, "zeros")


ENSEMBLES: dict[type, EstimatorImporter] = {
    ensemble.VotingRegressor: voting_regressor,
    ensemble.VotingClassifier: voting_classifier,
    ensemble.StackingClassifier: stacking,
    ensemble.StackingRegressor: stacking,
    ensemble.BaggingClassifier: bagging,
    ensemble.BaggingRegressor: bagging,
    multiclass.OneVsRestClassifier: one_vs_rest,
}
"""Estimators made of other estimators."""
