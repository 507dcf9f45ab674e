"""A fitted scikit-learn object as what is imported, and as the oracle of its import."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import sklearn
from sklearn.base import is_classifier, is_regressor
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from scorer.batch import Floats
from scorer.errors import SchemaError
from scorer.importers.parts import Columns, Draft, Estimate, Fitted
from scorer.importers.refusal import refused, require
from scorer.importers.rows import underscored
from scorer.importers.sklearn.estimators.decisions import THRESHOLDS, core, decided_by, votes_hard
from scorer.importers.sklearn.names import names_of


class SklearnSource:
    """An estimator, or a pipeline that ends in one, on raw rows."""

    library = ("scikit-learn", sklearn.__version__)
    sentinels: Mapping[str, float] = {}  # never written to
    refusals: tuple[type[Exception], ...] = (ValueError, TypeError, KeyError)

    def __init__(self, fitted: Fitted) -> None:
        """Raises ``NotImportable`` for what is not fitted."""
        self.fitted = fitted
        try:
            check_is_fitted(fitted)
        except (NotFittedError, TypeError):
            raise refused(fitted, "it is not fitted", "fit it, then import it") from None
        self.methods = _methods(fitted)
        self._known = names_of(fitted)

    def names(self, rows: pd.DataFrame) -> Columns:
        """The columns that it was fitted on; all columns of ``rows`` where it was fitted on arrays.

        An object around an estimator of LightGBM may have its names, in which blanks have become underscores.
        """
        if self._known is not None:
            there = set(self._known) <= {str(name) for name in rows.columns}
            return self._known if there else underscored(self._known, rows) or self._known
        found = tuple(str(name) for name in rows.columns)
        count = getattr(self.fitted, "n_features_in_", len(found))
        if count != len(found):
            raise SchemaError(
                f"the model was fitted on {count} columns without names, and the rows have {len(found)}: name "
                "those that it takes, in its order (columns=…, --columns)"
            )
        return found

    def estimate(self, columns: Columns, draft: Draft, method: str) -> Estimate:
        """Draft the version."""
        return draft.estimate(self.fitted, columns, method)

    def answer(self, rows: pd.DataFrame, method: str) -> Floats:
        """The library's scores of raw rows, float64 ``(outputs, rows)``; see :class:`scorer.importers.parts.Source`."""
        given = rows if self._known is not None else rows.to_numpy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd rows, of which there are many here
            return self._answer(given, len(rows), method)

    def _answer(self, given: Any, count: int, method: str) -> Floats:
        if votes_hard(self.fitted) and method == "decision_function":
            for _, step in getattr(self.fitted, "steps", [])[:-1]:
                given = given if step is None or step == "passthrough" else step.transform(given)
            return _ballots(core(self.fitted), given)
        found = np.asarray(getattr(self.fitted, method)(given))
        if method == "predict" and is_classifier(self.fitted):
            order = np.argsort(self.fitted.classes_)
            found = order[np.searchsorted(self.fitted.classes_[order], found)]
        scores = found.astype(np.float64).reshape(count, -1).T
        return scores[1:] if method == "predict_proba" and len(scores) == 2 else scores


def _methods(fitted: Fitted) -> tuple[str, ...]:
    if is_regressor(fitted):
        return ("predict",)
    require(
        is_classifier(fitted),
        fitted,
        "it neither estimates a number nor tells classes apart",
        "import a regressor, a classifier or a pipeline that ends in one",
    )
    if votes_hard(fitted):
        return ("decision_function", "predict")
    found = [name for name in ("predict_proba", "decision_function") if hasattr(fitted, name)]
    if type(core(fitted)) in THRESHOLDS:
        found = [decided_by(fitted)]
    return (*found, "predict")


def _ballots(fitted: VotingClassifier, given: Any) -> Floats:
    """The weight of the votes for each class; of two, that for the second less that for the first."""
    cast: npt.NDArray[Any] = fitted.transform(given)
    weights = fitted._weights_not_none
    sums = np.zeros((len(fitted.classes_), len(cast)))
    for e, votes in enumerate(cast.T):
        sums[votes, np.arange(len(cast))] += 1.0 if weights is None else weights[e]
    return sums[1:] - sums[:1] if len(sums) == 2 else sums
