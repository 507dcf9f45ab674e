"""What the importers of several families of estimators need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from scorer.batch import Floats
from scorer.importers.parts import Columns, Draft, Estimate, Fitted
from scorer.importers.refusal import refused, require
from scorer.model import build, build_scores, build_steps
from scorer.model.outputs import MARGIN, PROBABILITY, Outputs

REGRESSION = Outputs("regression")


def label(value: object) -> str:
    """The name of a class: text as it is, numbers and truth values as Python writes them."""
    return value if isinstance(value, str) else str(value)


def classes_of(fitted: Fitted) -> tuple[str, ...]:
    """The names of a classifier's classes, in its order."""
    found = getattr(fitted, "classes_", None)
    if isinstance(found, list):
        raise refused(fitted, "it predicts several targets", "train one model for each target")
    require(
        found is not None and len(found) >= 2,
        fitted,
        "it knows fewer than two classes",
        "train it on rows of two classes at least",
    )
    return tuple(label(value) for value in np.asarray(found).tolist())


def outputs_of(names: Sequence[str], scale: str = PROBABILITY, threshold: float | None = None) -> Outputs:
    """The outputs of a classifier with these classes."""
    return Outputs("binary" if len(names) == 2 else "multiclass", tuple(names), scale, threshold)


def numbers(fitted: Fitted, columns: Columns, draft: Draft) -> Columns:
    """``columns``, none of which may be text, with a refusal of what is missing or infinite."""
    return draft.finite(worded(fitted, columns, draft), missing_too=True)


def worded(fitted: Fitted, columns: Columns, draft: Draft) -> Columns:
    """``columns``, none of which may be text."""
    for name in columns:
        require(
            not draft.is_category(name),
            fitted,
            f"it takes column {name!r}, which is text, as numbers",
            "encode it in the pipeline (OneHotEncoder, OrdinalEncoder), or turn it into numbers before",
        )
    return columns


def dense(values: object) -> Floats:
    """Coefficients as float64; sparse ones are filled up."""
    toarray = getattr(values, "toarray", None)
    return np.asarray(values if toarray is None else toarray(), np.float64)


def as_they_are(taken: Columns, outputs: Outputs) -> Estimate:
    """Columns that are the scores already."""
    return Estimate(build_scores.columns(taken), outputs)


def constant(values: Iterable[float], columns: Columns, draft: Draft, stem: str) -> Columns:
    """A column for each of ``values``, the same in all rows.

    They are weighted sums with the weight 0: of what no row lacks, whether a column is missing.
    """
    listed = list(values)
    known = draft.add(build_steps.is_missing(columns[:1], draft.fresh_all([f"{columns[0]} is missing"])))
    part = build.linear(known, np.zeros((len(listed), 1)), listed)
    names = tuple(str(k) for k in range(len(listed)))
    outputs = REGRESSION if len(listed) == 1 else Outputs("multiclass", names, MARGIN)
    return draft.place(Estimate(part, outputs), stem)


def scaled(taken: Columns, draft: Draft, factor: npt.ArrayLike, offset: npt.ArrayLike, stem: str) -> Columns:
    """``in * factor + offset``, column by column."""
    made: list[str] = []
    factors, offsets = np.broadcast_to(factor, len(taken)), np.broadcast_to(offset, len(taken))
    for name, one, other in zip(taken, factors.tolist(), offsets.tolist(), strict=True):
        made += draft.place(Estimate(build.linear([name], [[one]], [other]), REGRESSION), stem)
    return tuple(made)


def chosen(estimate: Estimate, draft: Draft, stem: str) -> Columns:
    """One column: the index of the class that an estimator gives to a row."""
    taken = draft.place(estimate, stem)
    made = draft.fresh_all([f"{stem} chosen"])
    return draft.add(build_scores.choose(taken, made, _threshold(estimate)))


def votes(estimate: Estimate, draft: Draft, stem: str) -> Columns:
    """A column for each class, 1 for the class that an estimator gives to a row; of two classes the second only."""
    taken = draft.place(estimate, stem)
    made = draft.fresh_all([f"vote of {name}" for name in taken])
    return draft.add(build_scores.choose(taken, made, _threshold(estimate)))


def _threshold(estimate: Estimate) -> float | None:
    return estimate.outputs.bound if estimate.outputs.kind == "binary" else None
