"""Transformers of scikit-learn, one family a file, and the closed list of their importers.

The list goes by the exact class: a subclass may do something else, and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from sklearn import feature_selection, preprocessing
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline

from scorer.importers.parts import TransformerImporter
from scorer.importers.sklearn import pipeline
from scorer.importers.sklearn.dates import DateParts
from scorer.importers.sklearn.transformers import (
    columns,
    dates,
    distributions,
    encoders,
    functions,
    imputers,
    polynomials,
    scalers,
)

COMPOSED: Mapping[type, TransformerImporter] = {
    Pipeline: pipeline.transform,
    ColumnTransformer: columns.column_transformer,
    FeatureUnion: columns.feature_union,
}
"""Transformers that hand their input to others as it is."""

UNCHECKED: Mapping[type, TransformerImporter] = {
    preprocessing.FunctionTransformer: functions.function,
    DateParts: dates.date_parts,
    SimpleImputer: imputers.simple,
    MissingIndicator: imputers.indicator,
    feature_selection.VarianceThreshold: columns.selected,
    feature_selection.SelectKBest: columns.selected,
    feature_selection.SelectPercentile: columns.selected,
    feature_selection.SelectFpr: columns.selected,
    feature_selection.SelectFdr: columns.selected,
    feature_selection.SelectFwe: columns.selected,
    feature_selection.GenericUnivariateSelect: columns.selected,
    feature_selection.SelectFromModel: columns.selected,
    feature_selection.SequentialFeatureSelector: columns.selected,
    feature_selection.RFE: columns.selected,
    feature_selection.RFECV: columns.selected,
}
"""Transformers that ask whether their input is finite not at all, or in ways of their own."""

CHECKED: Mapping[type, TransformerImporter] = {
    preprocessing.StandardScaler: scalers.standard,
    preprocessing.RobustScaler: scalers.robust,
    preprocessing.MaxAbsScaler: scalers.max_abs,
    preprocessing.MinMaxScaler: scalers.min_max,
    preprocessing.Normalizer: scalers.normalizer,
    preprocessing.QuantileTransformer: distributions.quantile,
    preprocessing.PowerTransformer: distributions.power,
    preprocessing.KBinsDiscretizer: distributions.bins,
    preprocessing.Binarizer: distributions.binarizer,
    preprocessing.PolynomialFeatures: polynomials.polynomial,
    preprocessing.OneHotEncoder: encoders.one_hot,
    preprocessing.OrdinalEncoder: encoders.ordinal,
    preprocessing.TargetEncoder: encoders.target,
}
"""Transformers that raise for infinities, and for NaN unless their tags allow it."""

TRANSFORMERS: Mapping[type, TransformerImporter] = {**COMPOSED, **UNCHECKED, **CHECKED}
"""All transformers that can be imported, each with the function that does it."""
