"""XGBoost: boosters, its estimators for scikit-learn, and JSON and UBJ files, read from the library's own JSON.

Columns are rounded to float32 and compared by ``<``. Margins are sums in float32, rounded after each tree in the
library's order, and links are calculated in float32 as the library does it: so all scores have its bits where both take
``exp`` from the same C library. Another one may be a unit of float32 away, which golden rows allow. Imported are the
iterations up to the best one where training stopped early: as the estimators predict, and as ``Booster.predict`` does
only if it is told to.

A category is the integer part of a number from 0 on; one in the set goes right, any other left; a missing one has its
own way. Of columns of pandas' categories the model holds the list (since XGBoost 3.1). One that is not in the list is
refused: XGBoost 3.2 raises for it where it comes after the last, and else mistakes it for the next in order, because it
searches the list without looking whether what it finds is what it sought.

What an estimator takes for ``missing`` is in the manifest and in the kernel, for it is compared after rounding. A
booster or a file does not say what it was, so only what is NaN is missing there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import xgboost

from scorer.batch import Floats, Int64s
from scorer.errors import NotImportable, SchemaError
from scorer.importers import answers
from scorer.importers.coded import as_categories, coded
from scorer.importers.parts import Columns, Draft, Estimate, Fitted, Source
from scorer.importers.refusal import refused, require
from scorer.importers.xgboost_json import Document, parse
from scorer.model.build_trees import forest

SEVERAL = ("multi:softprob", "multi:softmax")
CLASSIFIERS = ("binary:logistic", *SEVERAL)
LINKS: Mapping[str, str] = {
    **dict.fromkeys(("binary:logistic", "reg:logistic"), "sigmoid"),
    **dict.fromkeys(("multi:softprob", "multi:softmax"), "softmax"),
    **dict.fromkeys(("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft"), "exp"),
    **dict.fromkeys(
        (
            "reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:absoluteerror", "reg:quantileerror",
            "rank:ndcg", "rank:map", "rank:pairwise",
        ),
        "identity",
    ),
}  # fmt: skip
"""What turns margins into the library's answer, by objective."""

NEAR = 1e-6
"""How near scores are where another C library is asked for ``exp`` in float32."""

ESTIMATORS = (
    xgboost.XGBClassifier, xgboost.XGBRegressor, xgboost.XGBRanker, xgboost.XGBRFClassifier, xgboost.XGBRFRegressor,
)  # fmt: skip

T = TypeVar("T", Floats, pd.DataFrame)

_LARGEST = float(np.finfo(np.float32).max)


def source(model: object) -> Source:
    """The source that a booster, an estimator or a file is. Raises ``NotImportable``."""
    if isinstance(model, Path):
        booster = xgboost.Booster()
        try:
            booster.load_model(model)
        except (xgboost.core.XGBoostError, ValueError) as error:
            raise NotImportable(
                model.name,
                f"it is no model of XGBoost: {str(error).splitlines()[0]}",
                "write it with save_model, as .json or .ubj",
            ) from None
        return XGBoostSource(booster, None)
    if isinstance(model, xgboost.Booster):
        return XGBoostSource(model, None)
    if type(model) in ESTIMATORS:
        return XGBoostSource(_booster(model), model)
    raise refused(model, "it is none of XGBoost's models", f"import a Booster or {_named()}")


def estimate(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """Import an estimator inside a pipeline or ensemble of scikit-learn; see :mod:`scorer.importers.parts`."""
    require(type(fitted) in ESTIMATORS, fitted, "it is none of XGBoost's estimators", f"use {_named()}")
    return XGBoostSource(_booster(fitted), fitted).estimate(columns, draft, method)


def _named() -> str:
    return ", ".join(one.__name__ for one in ESTIMATORS)


def _booster(fitted: Fitted) -> xgboost.Booster:
    require(fitted.__sklearn_is_fitted__(), fitted, "it is not fitted", "fit it, then import it")
    require(
        isinstance(fitted.objective, str | None),
        fitted,
        "its objective is a function of its own, of which nobody can say how margins become scores",
        f"train with one of {', '.join(LINKS)}",
    )
    booster: xgboost.Booster = fitted.get_booster()
    return booster


class XGBoostSource:
    """A booster, and the estimator around it if there is one."""

    library = ("XGBoost", xgboost.__version__)
    refusals: tuple[type[Exception], ...] = (ValueError, TypeError, xgboost.core.XGBoostError)

    def __init__(self, booster: xgboost.Booster, fitted: Fitted | None) -> None:
        """Raises ``NotImportable`` for boosters, objectives and shapes that no kernel has."""
        self._fitted: Fitted = booster if fitted is None else fitted
        kind = json.loads(booster.save_config())["learner"]["gradient_booster"]["name"]
        require(
            kind != "gblinear",
            self._fitted,
            "it is linear (gblinear), and the library does not say in which order it adds",
            "train with gbtree, or a linear model of scikit-learn",
        )
        best = booster.attr("best_iteration")
        last = booster.num_boosted_rounds()
        self.booster = booster[: int(best) + 1] if best is not None and int(best) + 1 < last else booster
        self.document: Document = parse(json.loads(self.booster.save_raw("json")))
        require(
            not self.document.broken,
            self._fitted,
            "one of its trees has a node with two parents, or a child or a column that is not there",
            "save the model anew with save_model",
        )
        objective = self.document.objective
        require(
            objective in LINKS,
            self._fitted,
            f"its objective is {objective!r}, whose scores are neither probabilities nor estimates",
            f"train with one of {', '.join(LINKS)}",
        )
        require(
            self.document.margins == 1 or objective in SEVERAL,
            self._fitted,
            f"it estimates {self.document.margins} numbers for a row, and a version one",
            "train a model for each of them",
        )
        require(
            len(getattr(fitted, "classes_", "01")) > 1,
            self._fitted,
            "it knows fewer than two classes",
            "train it on rows of two classes at least",
        )
        require(
            not self.document.garbled,
            self._fitted,
            "XGBoost has stored its list of categories wrong: it counts characters and writes bytes, so that names "
            "which are not ASCII are cut, and those after them moved",
            "name the categories in ASCII before you train, or encode them in a pipeline",
        )
        require(
            np.isnan(self._missing) or True not in self.document.on_set,
            self._fitted,
            f"it takes {self._missing} for missing in categories, too, where it is a code",
            "leave missing=nan, and put NaN for what is missing",
        )
        self.classifies = objective in CLASSIFIERS
        self.methods = answers.methods(classifies=self.classifies)
        self.sentinels: Mapping[str, float] = {}

    @property
    def _missing(self) -> float:
        return float(np.float32(getattr(self._fitted, "missing", np.nan)))

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of the margins."""
        return answers.classes(self._fitted, self.document.margins)

    def names(self, rows: pd.DataFrame) -> Columns:
        """The names that it was trained on; by place where it had none. Notes the number that is missing in them."""
        known, given = self.booster.feature_names, tuple(str(name) for name in rows.columns)
        if known is None and len(given) != self.booster.num_features():
            raise SchemaError(
                f"the model was fitted on {self.booster.num_features()} columns without names, and the rows have "
                f"{len(given)}: name those that it takes, in its order (columns=…, --columns)"
            )
        found = given if known is None else tuple(known)
        stated = float(getattr(self._fitted, "missing", np.nan))
        if not np.isnan(stated):
            whole = [name for name in found if name in given and pd.api.types.is_integer_dtype(rows[name].dtype)]
            self.sentinels = {name: stated for name in found if stated.is_integer() or name not in whole}
        return found

    def estimate(self, columns: Columns, draft: Draft, method: str) -> Estimate:
        """Draft the version."""
        document, fitted = self.document, self._fitted
        taken = [
            coded(fitted, draft, name, known, "refuse") if known is not None else self._number(draft, name)
            for name, known in zip(columns, document.lists, strict=True)
        ]
        link = "identity" if method == "decision_function" else LINKS[document.objective]
        if link != "identity":
            draft.loosen(1e-12, NEAR)
        kernel = forest(
            taken,
            document.trees,
            self._base,
            link if link == "identity" else f"{link}_float32",
            comparison="<",
            in_dtype="float32",
            missing_value=self._missing,
            categories="from 0",
            sum_dtype="float32",
        )
        outputs = answers.outputs(fitted, method, self.classes, document.margins, "binary:logistic")
        return Estimate(kernel, outputs, self._leaves)

    def _number(self, draft: Draft, name: str) -> str:
        require(
            not draft.is_category(name),
            self._fitted,
            f"it takes column {name!r} as a number or a code without the list of its categories, and the rows hold "
            "text there",
            "train with XGBoost 3.1 or later on columns of dtype category, or encode them in a pipeline",
        )
        return name

    @cached_property
    def _base(self) -> Floats:
        """What the library's margins begin with: its answer where every leaf holds 0."""
        nothing = np.full((1, self.booster.num_features()), np.nan)
        found = _loaded(self.document.emptied()).inplace_predict(nothing, predict_type="margin")
        return np.asarray(found, np.float64).reshape(-1)

    def answer(self, rows: pd.DataFrame, method: str) -> Floats:
        """The library's scores of raw rows; see :class:`scorer.importers.parts.Source`.

        By ``inplace_predict``, as the estimators do, which takes infinite values; a ``DMatrix`` does not. Of dart,
        though, ``inplace_predict`` adds the base to each tree and takes it off again, which costs digits.
        """
        given: Any = rows
        for name, known in zip(map(str, rows.columns), self.document.lists, strict=True):
            if known is not None:
                strange = ~(rows[name].isna() | rows[name].isin(known))
                if strange.any():
                    raise ValueError(f"column {name!r} holds a category that was not in the training data")
                given = as_categories(given, name, known)
        if self.booster.feature_names is None:
            given = given.to_numpy(np.float64)
        margin, missing = method == "decision_function", getattr(self._fitted, "missing", np.nan)
        if self.document.weighted:
            matrix = xgboost.DMatrix(_finite(given), missing=missing, enable_categorical=True)
            found = self._oracle.predict(matrix, output_margin=margin)
        else:
            kind = "margin" if margin else "value"
            found = self._oracle.inplace_predict(given, predict_type=kind, missing=missing)
        return answers.scores(found, len(rows), method, classifies=self.classifies)

    @cached_property
    def _oracle(self) -> xgboost.Booster:
        """The model; of ``multi:softmax``, which tells nothing but the class, the same trees with probabilities."""
        if self.document.objective != "multi:softmax":
            return self.booster
        return _loaded(self.document.with_probabilities())

    def _leaves(self, columns: Floats) -> Int64s:
        """The library's leaves of prepared columns ``(rows, columns)``."""
        types = ["c" if is_set else "float" for is_set in self.document.on_set]
        matrix = xgboost.DMatrix(_finite(columns), missing=self._missing, feature_types=types, enable_categorical=True)
        found = np.asarray(self._plain.predict(matrix, pred_leaf=True))
        return found.reshape(len(columns), -1).T.astype(np.int64)

    @cached_property
    def _plain(self) -> xgboost.Booster:
        """The same trees without names and lists of categories: it takes codes."""
        return _loaded(self.document.without_names())


def _finite(values: T) -> T:
    """Numbers as a ``DMatrix`` takes them: the largest of float32 go wherever infinite ones would."""
    if isinstance(values, np.ndarray):
        return np.clip(values, -_LARGEST, _LARGEST)
    floats = [name for name in values.columns if pd.api.types.is_float_dtype(values[name].dtype)]
    return values.assign(**{name: values[name].clip(-_LARGEST, _LARGEST) for name in floats})


def _loaded(document: dict[str, object]) -> xgboost.Booster:
    booster = xgboost.Booster()
    booster.load_model(bytearray(json.dumps(document).encode()))
    return booster
