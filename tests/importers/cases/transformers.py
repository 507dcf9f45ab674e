"""Transformers of scikit-learn on raw frames: each with the options that change what it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import feature_selection as select
from sklearn import preprocessing as pre
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import Lasso, LinearRegression
from sklearn.pipeline import make_pipeline, make_union

from scorer.importers import Difference
from scorer.importers.proof import Meter
from scorer.importers.sklearn.dates import DateParts
from scorer.model.preparation.date import PARTS
from scorer.model.preparation.function import FUNCTIONS
from tests.importers.cases.case import Case, options
from tests.importers.prepared import FULL, NUMBERS, TEXTS, assert_alike, frame, twin

GROUP = "transformers"

NEAR = 1e-13
"""How near columns come that take functions of the C library, which numpy has of its own; relative and absolute."""

EXACTLY = ("abs", "square", "negative", "sign", "floor", "ceil", "rint")
"""The functions that have one result only."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A transformer, the columns that it is fitted on, and how near the version's columns must be."""

    transformer: Any
    names: Sequence[str]
    near: float = 0.0
    how: str | None = None

    @property
    def case(self) -> Case:
        """The same as a case."""
        how = options(self.transformer) if self.how is None else self.how
        return Case(GROUP, type(self.transformer).__name__, how, self.differences)

    def fitted(self, seed: int = 0) -> tuple[Any, pd.DataFrame]:
        """The fitted transformer, and the rows that it was fitted on."""
        rows = frame(seed)
        y = rows["plain"] + rows["whole"] * 0.1
        return clone(self.transformer).fit(rows[self.names], y), rows[self.names]

    def differences(self) -> Sequence[Difference]:
        """Of the rows that it was fitted on; all of them are taken by the version, too."""
        made = twin(*self.fitted())
        rows = frame(0)[self.names]
        meter = Meter("columns", self.near, self.near)
        got = assert_alike(made, rows, self.near, self.near)
        meter.add(got.scores, made.expected(rows), range(len(rows)))
        return [meter.difference()]


def _functions() -> list[Prepared]:
    return [
        Prepared(pre.FunctionTransformer(function), NUMBERS)
        if name in EXACTLY
        else Prepared(pre.FunctionTransformer(function), ["positive", "gaps"], NEAR)
        for name, function in FUNCTIONS.items()
    ]


def _selections() -> list[Prepared]:
    score = select.f_regression
    return [
        Prepared(one, FULL)
        for one in (
            select.SelectKBest(score, k=2), select.SelectPercentile(score, percentile=70), select.SelectFpr(score),
            select.SelectFdr(score), select.SelectFwe(score), select.GenericUnivariateSelect(score, param=60),
            select.SelectFromModel(Lasso(alpha=0.5)), select.RFE(LinearRegression(), n_features_to_select=2),
            select.RFECV(LinearRegression(), cv=3), select.SequentialFeatureSelector(LinearRegression(), cv=3),
        )
    ]  # fmt: skip


EXACT = [
    Prepared(SimpleImputer(), NUMBERS),
    Prepared(SimpleImputer(strategy="median", add_indicator=True), NUMBERS),
    Prepared(SimpleImputer(strategy="most_frequent"), NUMBERS),
    Prepared(SimpleImputer(strategy="most_frequent"), ["gaps", "whole"]),
    Prepared(SimpleImputer(strategy="constant", fill_value=-7.5, add_indicator=True), ["gaps", "plain"]),
    Prepared(SimpleImputer(missing_values=-1, add_indicator=True), ["whole", "plain"]),
    Prepared(SimpleImputer(missing_values=0, strategy="constant", fill_value=3), ["whole"]),
    Prepared(MissingIndicator(), NUMBERS),
    Prepared(MissingIndicator(features="all"), [*NUMBERS, "text"]),
    Prepared(MissingIndicator(error_on_new=False), ["gaps", "none", "plain"]),
    Prepared(pre.StandardScaler(), NUMBERS),
    Prepared(pre.StandardScaler(with_mean=False), [*NUMBERS, "flag"]),
    Prepared(pre.StandardScaler(with_std=False), NUMBERS),
    Prepared(pre.StandardScaler(with_mean=False, with_std=False), NUMBERS),
    Prepared(pre.MinMaxScaler(), NUMBERS),
    Prepared(pre.MinMaxScaler((-2, 0.5), clip=True), NUMBERS),
    Prepared(pre.RobustScaler(quantile_range=(10, 80), unit_variance=True), NUMBERS),
    Prepared(pre.RobustScaler(with_centering=False), NUMBERS),
    Prepared(pre.RobustScaler(with_scaling=False), NUMBERS),
    Prepared(pre.MaxAbsScaler(), NUMBERS),
    Prepared(pre.MaxAbsScaler(clip=True), NUMBERS),
    Prepared(pre.Normalizer("max"), FULL),
    Prepared(pre.QuantileTransformer(n_quantiles=40), NUMBERS),
    Prepared(pre.QuantileTransformer(n_quantiles=400, subsample=None), NUMBERS),
    Prepared(pre.KBinsDiscretizer(5, encode="ordinal", quantile_method="averaged_inverted_cdf"), FULL),
    Prepared(pre.KBinsDiscretizer(4, encode="onehot", strategy="uniform"), FULL),
    Prepared(pre.KBinsDiscretizer(3, encode="onehot-dense", strategy="kmeans"), FULL),
    Prepared(pre.Binarizer(threshold=0.25), FULL),
    Prepared(pre.PolynomialFeatures(3), FULL),
    Prepared(pre.PolynomialFeatures((2, 4), interaction_only=True, include_bias=False), [*FULL, "flag"]),
    Prepared(pre.OneHotEncoder(), [*TEXTS, "whole", "flag"]),
    Prepared(pre.OneHotEncoder(drop="first", handle_unknown="ignore"), [*TEXTS, "gaps"]),
    Prepared(pre.OneHotEncoder(drop="if_binary"), [*TEXTS, "flag"]),
    Prepared(pre.OneHotEncoder(drop=[np.nan, "JFK"]), ["text", "category"]),
    Prepared(pre.OneHotEncoder(min_frequency=0.15, handle_unknown="infrequent_if_exist"), [*TEXTS, "whole"]),
    Prepared(pre.OneHotEncoder(max_categories=3, handle_unknown="warn", drop="first"), [*TEXTS, "whole"]),
    Prepared(pre.OneHotEncoder(max_categories=2, handle_unknown="ignore"), TEXTS),
    Prepared(pre.OrdinalEncoder(), [*TEXTS, "whole", "flag"]),
    Prepared(pre.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2), TEXTS),
    Prepared(
        pre.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=3),
        [*TEXTS, "whole"],
    ),
    Prepared(pre.OrdinalEncoder(min_frequency=30, encoded_missing_value=99), ["text", "whole", "gaps"]),
    Prepared(pre.TargetEncoder(target_type="continuous"), [*TEXTS, "whole"]),
    Prepared(pre.FunctionTransformer(), NUMBERS),
    Prepared(pre.FunctionTransformer(np.clip, kw_args={"a_min": -0.5, "a_max": 12}), NUMBERS),
    Prepared(pre.FunctionTransformer(np.clip, kw_args={"min": 0, "max": None}), NUMBERS),
    Prepared(DateParts(list(PARTS)), ["moment"]),
    Prepared(select.VarianceThreshold(0.5), NUMBERS),
    Prepared(make_union(pre.StandardScaler(), pre.MinMaxScaler()), NUMBERS, how="two scalers"),
    Prepared(
        ColumnTransformer([("a", pre.StandardScaler(), ["plain"]), ("b", "drop", ["gaps"])], remainder="passthrough"),
        NUMBERS,
        how="one column scaled, one dropped, the others as they are",
    ),
    *_selections(),
]

ABOUT = [
    Prepared(pre.Normalizer("l1"), FULL, NEAR),
    Prepared(pre.Normalizer("l2"), FULL, NEAR),
    Prepared(pre.QuantileTransformer(n_quantiles=50, output_distribution="normal"), NUMBERS, NEAR),
    Prepared(pre.PowerTransformer(), NUMBERS, NEAR),
    Prepared(pre.PowerTransformer(standardize=False), NUMBERS, NEAR),
    Prepared(pre.PowerTransformer("box-cox"), ["positive"], NEAR),
    Prepared(pre.PowerTransformer("box-cox", standardize=False), ["positive"], NEAR),
    Prepared(DateParts(list(PARTS), cyclic=True), ["moment"], NEAR),
    Prepared(
        make_pipeline(pre.FunctionTransformer(np.reciprocal), pre.StandardScaler()), ["positive"], NEAR, "two steps"
    ),
]

PREPARED = [*EXACT, *ABOUT, *_functions()]
"""All of them; the tests try odd numbers and gaps on each, too."""

CASES = tuple(one.case for one in PREPARED)
"""The same as cases."""
