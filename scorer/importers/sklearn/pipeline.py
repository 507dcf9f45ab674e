"""Pipelines: transformers one after the other, then perhaps an estimator."""

from __future__ import annotations

from sklearn.pipeline import Pipeline

from scorer.importers.parts import Columns, Draft, Estimate, Fitted


def transform(fitted: Pipeline, columns: Columns, draft: Draft) -> Columns:
    """A pipeline of transformers only."""
    return _transformed([step for _, step in fitted.steps], columns, draft)


def estimate(fitted: Pipeline, columns: Columns, draft: Draft, method: str) -> Estimate:
    """A pipeline whose last step is an estimator."""
    *steps, (_, last) = fitted.steps
    return draft.estimate(last, _transformed([step for _, step in steps], columns, draft), method)


def _transformed(steps: list[Fitted], columns: Columns, draft: Draft) -> Columns:
    for step in steps:
        if step is not None and step != "passthrough":
            columns = draft.transform(step, columns)
    return columns
