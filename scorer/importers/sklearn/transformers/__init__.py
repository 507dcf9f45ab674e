"""Transformers of scikit-learn, one family a file, and the closed list of their importers.

The list goes by the exact class: a subclass may do something else, and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from sklearn.pipeline import Pipeline

from scorer.importers.parts import TransformerImporter
from scorer.importers.sklearn import pipeline

TRANSFORMERS: Mapping[type, TransformerImporter] = {Pipeline: pipeline.transform}
"""All transformers that can be imported, each with the function that does it."""
