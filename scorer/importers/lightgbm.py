"""LightGBM: boosters, its estimators for scikit-learn, and text files, read from the library's own text of a model.

Margins are sums in float64 in the library's order, so they have its bits; probabilities are within a few units in the
last place. Imported are the iterations up to the best one where training stopped early, as the library predicts.

How LightGBM reads a value, all of which is in the kernel's parameters: what is at most 1e-35 (as float32) from 0 is 0.
A number that is missing is 0, or goes where zero goes, or its own way: each split says which of the three. A category
is the integer part; one in the set goes left, any other right, and so does a missing one. Columns of pandas' categories
are codes by the list of the model; a category that is not in it is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd

from scorer.batch import Floats, Int64s
from scorer.errors import NotImportable, SchemaError
from scorer.importers import answers
from scorer.importers.coded import as_categories, coded
from scorer.importers.lightgbm_text import Text, is_whole, parse
from scorer.importers.parts import Columns, Draft, Estimate, Fitted, Source
from scorer.importers.refusal import refused, require
from scorer.importers.rows import underscored
from scorer.model.build_trees import forest

ZERO = float(np.float32(1e-35))
"""``kZeroThreshold`` of the library."""

CLASSIFIERS = ("binary", "multiclass", "multiclassova")
LINKS: Mapping[str, str] = {
    **dict.fromkeys(("binary", "multiclassova", "cross_entropy"), "sigmoid"),
    "multiclass": "softmax",
    **dict.fromkeys(("poisson", "gamma", "tweedie"), "exp"),
    "cross_entropy_lambda": "log1p_exp",
    **dict.fromkeys(
        ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg"), "identity"
    ),
}
"""What turns margins into the library's answer, by objective."""

_AS_TRAINED = "give rows with the dtypes that it was trained on, category among them (Parquet, or a frame)"

ESTIMATORS = (lightgbm.LGBMClassifier, lightgbm.LGBMRegressor, lightgbm.LGBMRanker)


def source(model: object) -> Source:
    """The source that a booster, an estimator or a text file is. Raises ``NotImportable``."""
    if isinstance(model, Path):
        if not is_whole(model.read_bytes()):
            raise NotImportable(
                model.name,
                "it is no model of LightGBM, or was cut off or changed after it was saved",
                "write it with Booster.save_model, and copy it as it is",
            )
        try:
            return LightGBMSource(lightgbm.Booster(model_file=model), None)
        except (lightgbm.basic.LightGBMError, ValueError) as error:
            raise NotImportable(
                model.name, f"it is no model of LightGBM: {error}", "write it with Booster.save_model"
            ) from None
    if isinstance(model, lightgbm.Booster):
        return LightGBMSource(model, None)
    if type(model) in ESTIMATORS:
        return LightGBMSource(_booster(model), model)
    raise refused(
        model, "it is none of LightGBM's models", "import a Booster, LGBMClassifier, LGBMRegressor, LGBMRanker"
    )


def estimate(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """Import an estimator inside a pipeline or ensemble of scikit-learn; see :mod:`scorer.importers.parts`."""
    require(type(fitted) in ESTIMATORS, fitted, "it is none of LightGBM's estimators", f"use {_named()}")
    return LightGBMSource(_booster(fitted), fitted).estimate(columns, draft, method)


def _named() -> str:
    return ", ".join(one.__name__ for one in ESTIMATORS)


def _booster(fitted: Fitted) -> lightgbm.Booster:
    try:
        booster: lightgbm.Booster = fitted.booster_
    except lightgbm.compat.LGBMNotFittedError:
        raise refused(fitted, "it is not fitted", "fit it, then import it") from None
    return booster


class LightGBMSource:
    """A booster, and the estimator around it if there is one."""

    library = ("LightGBM", lightgbm.__version__)
    sentinels: Mapping[str, float] = {}  # never written to
    refusals: tuple[type[Exception], ...] = (ValueError, TypeError, lightgbm.basic.LightGBMError)

    def __init__(self, booster: lightgbm.Booster, fitted: Fitted | None) -> None:
        """Raises ``NotImportable`` for an objective whose link is not known."""
        self.booster, self._fitted = booster, booster if fitted is None else fitted
        self._listed: Columns | None = None
        self.text: Text = parse(booster.model_to_string())
        objective = self.text.objective
        require(
            objective in LINKS,
            self._fitted,
            f"its objective is {objective!r}, of which the file does not say how margins become scores"
            if objective
            else "its objective is a function of its own, of which nobody can say how margins become scores",
            f"train with one of {', '.join(LINKS)}",
        )
        require(
            len(getattr(fitted, "classes_", "01")) > 1,
            self._fitted,
            "it knows fewer than two classes",
            "train it on rows of two classes at least",
        )
        require(
            fitted is None or not fitted.get_params().get("pred_early_stop"),
            self._fitted,
            "it leaves out trees where the margin is large (pred_early_stop), and a version adds all of them",
            "set_params(pred_early_stop=False)",
        )
        require(
            not self.text.linear,
            self._fitted,
            "its leaves hold linear models (linear_tree), and a version's leaves hold numbers",
            "train without linear_tree",
        )
        require(
            objective != "multiclassova" or self.text.margins > 2,
            self._fitted,
            "one-vs-all of two classes gives two probabilities that do not add up to 1",
            "train with the objective binary",
        )
        self.classifies = objective in CLASSIFIERS
        self.methods = answers.methods(classifies=self.classifies)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of the margins."""
        return answers.classes(self._fitted, self.text.margins)

    def names(self, rows: pd.DataFrame) -> Columns:
        """The names that it was trained on; by place where it had none, or where blanks in them became underscores.

        Notes which columns of the rows its lists of categories are for.
        """
        found = self._named(rows)
        if set(found) <= set(rows.columns) and rows.columns.is_unique:  # else the rows are refused
            self._listed = self._of_lists(found, rows)
        return found

    def _named(self, rows: pd.DataFrame) -> Columns:
        known, given = self.booster.feature_name(), [str(name) for name in rows.columns]
        spelt = underscored(tuple(known), rows)
        if spelt is not None:
            return spelt
        if known != [f"Column_{k}" for k in range(len(known))]:
            return tuple(known)
        if len(given) != len(known):
            raise SchemaError(
                f"the model was fitted on {len(known)} columns without names, and the rows have {len(given)}: name "
                "those that it takes, in its order (columns=…, --columns)"
            )
        return tuple(given)

    def estimate(self, columns: Columns, draft: Draft, method: str) -> Estimate:
        """Draft the version."""
        text, fitted = self.text, self._fitted
        words = [name for name in columns if draft.is_category(name)]
        lists = self._lists(columns, words)
        for name in words:
            require(
                name in lists,
                fitted,
                f"it takes column {name!r} as a number, and the rows hold text there",
                "give rows as the model was trained on",
            )
        taken = [coded(fitted, draft, name, lists[name], "missing") if name in lists else name for name in columns]
        link = "identity" if method == "decision_function" else LINKS[text.objective]
        if method == "predict" and text.squared:
            link = "signed_square"
        kernel = forest(
            taken,
            text.trees,
            np.zeros(text.margins),
            link,
            zero_within=ZERO,
            categories="above -1",
            # The library averages the trees of a random forest, but not for its margins.
            divisor=float(text.iterations) if text.average and method != "decision_function" else 1.0,
            slope=1.0 if method == "decision_function" else text.slope,
        )
        outputs = answers.outputs(fitted, method, self.classes, text.margins, "binary")
        return Estimate(kernel, outputs, self._leaves)

    def _lists(self, columns: Columns, words: Sequence[str]) -> dict[str, Sequence[object]]:
        """The list of categories of each column that is coded by one; without rows, those that ``words`` hold or sets
        split, which the library itself then tells right or wrong.
        """
        listed = self._listed if self._listed is not None else self._split_or_text(columns, words)
        return dict(zip(listed, self.booster.pandas_categorical or [], strict=True))

    def _of_lists(self, columns: Columns, rows: pd.DataFrame) -> Columns:
        """The columns that the lists are for. The model holds the lists in the order of the columns, but not of which.

        They are those that the rows hold as pandas' categories, or else as text. Or else text and columns that split on
        sets, unless numbers there may be codes themselves (``categorical_feature``) and the list another column's.
        """
        lists = self.booster.pandas_categorical or []
        stated = [name for name in columns if isinstance(rows[name].dtype, pd.CategoricalDtype)]
        words = [name for name in columns if _holds_text(rows[name])]
        for shown in (stated, words):
            if len(shown) == len(lists):
                return tuple(shown)
        found = self._split_or_text(columns, words)
        for name, known in zip(found, lists, strict=True):
            codes = self.text.codes[columns.index(name)]
            values = rows[name].dropna()
            if name not in words and bool(values.isin(codes).all()) and list(known) != list(range(len(known))):
                raise refused(
                    self._fitted,
                    f"numbers in column {name!r} may be of its list of categories or codes themselves",
                    _AS_TRAINED,
                )
        return found

    def _split_or_text(self, columns: Columns, words: Sequence[str]) -> Columns:
        lists = self.booster.pandas_categorical or []
        split = [name for name, codes in zip(columns, self.text.codes, strict=True) if codes]
        both = [name for name in columns if name in split or name in words]
        for found in (both, split, words):
            if len(found) == len(lists):
                return tuple(found)
        raise refused(
            self._fitted,
            f"it was trained on {len(lists)} columns of pandas' categories, and {len(split)} of its columns split on "
            f"categories and {len(words)} of the rows hold text, so which list belongs to which column is not known",
            _AS_TRAINED,
        )

    def answer(self, rows: pd.DataFrame, method: str) -> Floats:
        """The library's scores of raw rows; see :class:`scorer.importers.parts.Source`."""
        given = rows
        columns = tuple(str(name) for name in rows.columns)
        words = [name for name in columns if _holds_text(rows[name])]
        for name, known in self._lists(columns, words).items():
            given = as_categories(given, name, known)
        found = self.booster.predict(given, raw_score=method == "decision_function")
        return answers.scores(found, len(rows), method, classifies=self.classifies)

    def _leaves(self, columns: Floats) -> Int64s:
        """The library's leaves of prepared columns ``(rows, columns)``."""
        found: npt.NDArray[np.int32] = np.asarray(self.booster.predict(columns, pred_leaf=True))
        return found.reshape(len(columns), -1).T.astype(np.int64)


def _holds_text(column: pd.Series) -> bool:
    values = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column
    return bool(pd.api.types.is_string_dtype(values.dtype) or values.dtype == object)
