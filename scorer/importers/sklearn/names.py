"""Which columns an object of scikit-learn was fitted on, where it does not say so itself."""

from __future__ import annotations

from collections.abc import Iterator

from scorer.importers.parts import Columns, Fitted

_FITTED_ON_THE_SAME = ("best_estimator_", "estimator_", "regressor_", "estimators_", "calibrated_classifiers_")
"""Attributes of wrappers and ensembles that hold what was fitted on the columns that they were given."""


def names_of(fitted: Fitted) -> Columns | None:
    """The names of the columns that an object was fitted on, ``None`` where these were arrays.

    A pipeline asks its first step only, a wrapper its first estimator, and ``"passthrough"`` knows no names: then they
    are those of what comes after or beside it. Else its columns would be taken in whatever order the rows have.
    """
    own = getattr(fitted, "feature_names_in_", None)
    if own is not None:
        return tuple(str(name) for name in own)
    return next((found for one in _inner(fitted) if (found := names_of(one)) is not None), None)


def _inner(fitted: Fitted) -> Iterator[Fitted]:
    """What is in an object and was fitted on the same columns."""
    if hasattr(fitted, "steps"):
        yield from [step for _, step in fitted.steps if not _does_nothing(step)][:1]
    elif hasattr(fitted, "transformer_list"):
        yield from (one for _, one in fitted.transformer_list if not isinstance(one, str))
    elif hasattr(fitted, "calibrators"):  # one of calibrated_classifiers_
        yield fitted.estimator
    else:
        for name in _FITTED_ON_THE_SAME:
            found = getattr(fitted, name, [])
            yield from found if isinstance(found, list) else [found]


def _does_nothing(step: Fitted) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")
