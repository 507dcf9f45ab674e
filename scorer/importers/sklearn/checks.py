"""The checks that scikit-learn makes of its input, as steps: what it raises ``ValueError`` for must not be scored."""

from __future__ import annotations

from sklearn.utils import get_tags

from scorer.importers.parts import Columns, Draft, Fitted
from scorer.model import build_steps
from scorer.model.build import Part
from scorer.model.preparation.function import PARTIAL

_FILLING = ("impute@1", "indicators@1", "is_missing@1")
"""Steps that make a number where there is none."""


def checked(fitted: Fitted, columns: Columns, draft: Draft) -> Columns:
    """The columns that ``fitted`` takes, with a step that refuses the rows that it would raise for.

    Those are rows with an infinite number and, where it does not take NaN, rows that a step before has left without
    one. Rows that miss a raw input need no step: the input is not nullable.
    """
    missing_too = not get_tags(fitted).input_tags.allow_nan
    wanted = [
        name
        for name in dict.fromkeys(columns)
        if not draft.is_category(name) and (draft.may_be_infinite(name) or (missing_too and may_lack(name, draft)))
    ]
    if not wanted:
        return columns
    made = draft.fresh_all(f"{name} finite" for name in wanted)
    draft.add(build_steps.require(wanted, made, missing_too=missing_too))
    instead = dict(zip(wanted, made, strict=True))
    return tuple(instead.get(name, name) for name in columns)


def may_lack(name: str, draft: Draft) -> bool:
    """Whether a step may leave rows without a value in a column, though they have all raw inputs."""
    made = next((step for step in draft.steps if name in step.made), None)
    if made is None or made.name in _FILLING or draft.is_category(name):
        return False
    return _makes_gaps(made) or any(may_lack(taken, draft) for taken in made.taken)


def _makes_gaps(step: Part) -> bool:
    if step.name == "require@1":
        return False
    undefined = step.name == "function@1" and step.params["name"] in PARTIAL
    return undefined or step.name == "missing_if@1" or (step.name == "encode@1" and step.params["unknown"] == "missing")
