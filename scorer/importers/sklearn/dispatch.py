"""Which function imports an object: picked by its exact class."""

from __future__ import annotations

from collections.abc import Iterable

from scorer.importers.parts import Columns, Draft, Estimate, Fitted
from scorer.importers.refusal import refused
from scorer.importers.sklearn.estimators import ESTIMATORS
from scorer.importers.sklearn.transformers import TRANSFORMERS


def transform(fitted: Fitted, columns: Columns, draft: Draft) -> Columns:
    """Import a transformer; see :mod:`scorer.importers.parts`. Raises ``NotImportable``."""
    importer = TRANSFORMERS.get(type(fitted))
    if importer is None:
        raise refused(
            fitted,
            f"no step of a version does what {_origin(fitted)} does",
            f"prepare with what can be imported: {_listed(TRANSFORMERS)}",
        )
    return importer(fitted, columns, draft)


def estimate(fitted: Fitted, columns: Columns, draft: Draft, method: str) -> Estimate:
    """Import an estimator; see :mod:`scorer.importers.parts`. Raises ``NotImportable``."""
    importer = ESTIMATORS.get(type(fitted))
    if importer is None:
        raise refused(
            fitted,
            f"no kernel calculates what {_origin(fitted)} does",
            f"train one that can be imported: {_listed(ESTIMATORS)}",
        )
    return importer(fitted, columns, draft, method)


def _origin(fitted: Fitted) -> str:
    return f"{type(fitted).__module__}.{type(fitted).__qualname__}"


def _listed(types: Iterable[type]) -> str:
    return ", ".join(sorted(one.__name__ for one in types))
