"""Estimators of scikit-learn, one family a file, and the closed list of their importers.

The list goes by the exact class: a subclass may answer otherwise, and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from sklearn.pipeline import Pipeline

from scorer.importers.parts import EstimatorImporter
from scorer.importers.sklearn import pipeline

ESTIMATORS: Mapping[type, EstimatorImporter] = {Pipeline: pipeline.estimate}
"""All estimators that can be imported, each with the function that does it."""
