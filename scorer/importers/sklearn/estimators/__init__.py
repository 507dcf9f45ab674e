"""Estimators of scikit-learn, one family a file, and the closed list of their importers.

The list goes by the exact class: a subclass may answer otherwise, and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from sklearn.pipeline import Pipeline

from scorer.importers.parts import EstimatorImporter
from scorer.importers.sklearn import pipeline
from scorer.importers.sklearn.estimators.calibrated import CALIBRATED
from scorer.importers.sklearn.estimators.ensembles import ENSEMBLES
from scorer.importers.sklearn.estimators.histogram import HISTOGRAM
from scorer.importers.sklearn.estimators.linear import LINEAR
from scorer.importers.sklearn.estimators.trees import TREES
from scorer.importers.sklearn.estimators.wrappers import WRAPPERS

ESTIMATORS: Mapping[type, EstimatorImporter] = {
    Pipeline: pipeline.estimate,
    **LINEAR,
    **TREES,
    **HISTOGRAM,
    **CALIBRATED,
    **ENSEMBLES,
    **WRAPPERS,
}
"""All estimators that can be imported, each with the function that does it."""
