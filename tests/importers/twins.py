"""Rows to train on, and a fitted estimator beside the version that was imported from it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import is_classifier

from scorer.batch import Floats
from scorer.importers import Imported, import_model
from scorer.importers.sklearn.estimators.decisions import votes_hard
from scorer.model import golden
from scorer.model.frame import columns, predict
from scorer.model.model import Model

Labels = npt.NDArray[Any]

NAMES = ["plain", "steps", "whole", "positive"]


def rows(seed: int, count: int = 300, *, gaps: bool = False) -> pd.DataFrame:
    """Numbers: any, rounded ones, integers, positive ones; perhaps with gaps in the first two."""
    rng = np.random.default_rng(seed)
    made = pd.DataFrame(
        {
            "plain": rng.normal(size=count) * 3,
            "steps": np.round(rng.normal(size=count), 1),
            "whole": rng.integers(-3, 6, count),
            "positive": rng.gamma(2.0, 2.0, count),
        }
    )
    if gaps:
        made[["plain", "steps"]] = made[["plain", "steps"]].mask(rng.random((count, 2)) < 0.15)
    return made


def amounts(frame: pd.DataFrame, seed: int) -> Floats:
    """Numbers above 0 that depend on the rows."""
    rng = np.random.default_rng(seed)
    filled = frame.fillna(0.5)
    margin = 0.3 * filled["plain"] * filled["steps"] + 0.2 * filled["whole"] - 0.1 * filled["positive"]
    return np.asarray(np.exp(np.clip(margin, -3, 3) / 2) + rng.gamma(1.0, 0.1, len(frame)))


def labels(frame: pd.DataFrame, seed: int, kinds: int, *, named: bool = False) -> Labels:
    """So many classes, which depend on the rows; text, whose order is not that of the margins, or integers."""
    found = amounts(frame, seed)
    place = np.digitize(found, np.quantile(found, np.arange(1, kinds) / kinds))
    return np.array(["mid", "high", "zero", "low"])[place] if named else place


@dataclass(frozen=True, slots=True, eq=False)
class Twin:
    """What was fitted, what was imported of it, and the model that this is."""

    fitted: Any
    imported: Imported
    model: Model

    def assert_alike(self, frame: pd.DataFrame, *, rtol: float = 1e-9, atol: float = 1e-12) -> None:
        """The version scores fresh rows as the library does, and gives them the same classes."""
        got = golden.score(self.model, columns(self.model.inputs, frame)).scores
        if not votes_hard(self.fitted):  # of hard votes the library tells the class only
            np.testing.assert_allclose(got, self.expected(frame), rtol=rtol, atol=atol)
        if is_classifier(self.fitted):
            clear = clearly(self.model, got)
            classes = predict(self.model, frame)["class"].to_numpy()[clear]
            np.testing.assert_array_equal(classes, np.asarray(self.fitted.predict(frame)).astype(str)[clear])

    def expected(self, frame: pd.DataFrame) -> Floats:
        """The library's scores, ``(outputs, rows)``."""
        if not is_classifier(self.fitted):
            return np.asarray(self.fitted.predict(frame), np.float64)[None]
        if self.model.scale == "margin":
            found = np.asarray(self.fitted.decision_function(frame))
            return found[None] if found.ndim == 1 else found.T
        shares = self.fitted.predict_proba(frame).T
        return np.asarray(shares[1:] if len(shares) == 2 else shares, np.float64)


def clearly(model: Model, scores: Floats) -> npt.NDArray[np.bool_]:
    """Rows whose class does not hang on rounding."""
    if model.kind == "binary":
        return np.asarray(np.abs(scores[0] - model.manifest.outputs.bound) > 1e-9)
    best = np.sort(scores, axis=0)
    return np.asarray(best[-1] - best[-2] > 1e-9)


def twin(estimator: Any, frame: pd.DataFrame, target: Labels | Floats, **options: Any) -> Twin:
    """Fit, import, admit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few rows and iterations: that a fit has not converged is no matter here
        estimator.fit(frame, target)
    made = import_model(estimator, model="m", version="v", rows=frame, **options)
    return Twin(estimator, made, golden.admit(made.stored))
