"""What the boosting libraries answer: the classes of a model, what its scores mean, its scores in our shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scorer.batch import Floats
from scorer.importers.parts import METHODS, Fitted
from scorer.importers.refusal import require
from scorer.model.outputs import MARGIN, Outputs


def methods(*, classifies: bool) -> Sequence[str]:
    """The answers of a model, the one that a version gives first; see :class:`scorer.importers.parts.Source`."""
    return METHODS if classifies else ("predict",)


def classes(fitted: Fitted, margins: int) -> tuple[str, ...]:
    """The classes in the order of the margins; a booster knows no names, so its classes are called 0, 1 and so on."""
    known = getattr(fitted, "classes_", None)
    if known is None:
        return tuple(str(k) for k in range(max(margins, 2)))
    return tuple(str(name) for name in np.asarray(known).tolist())


def outputs(fitted: Fitted, method: str, named: tuple[str, ...], margins: int, objective: str) -> Outputs:
    """What the scores mean that ``method`` gives of the classes ``named``.

    Raises ``NotImportable`` for two margins of two classes, which training with ``objective`` makes one.
    """
    if method == "predict":
        return Outputs("regression")
    kind = "binary" if len(named) == 2 else "multiclass"
    if method == "predict_proba":
        return Outputs(kind, named)
    require(
        kind != "binary" or margins == 1,
        fitted,
        "it has two margins for two classes",
        f"take probabilities, or train with the objective {objective}",
    )
    return Outputs(kind, named, MARGIN)


def scores(found: npt.ArrayLike, rows: int, method: str, *, classifies: bool) -> Floats:
    """What a booster gave for ``rows``, float64 ``(outputs, rows)`` as ``Source.answer`` has it.

    ``"predict"`` of a classifier is the index of the class; of two probabilities the second counts.
    """
    given: Floats = np.asarray(found, np.float64).reshape(rows, -1).T
    if method == "predict" and classifies:
        return np.asarray(given > 0.5 if len(given) == 1 else given.argmax(axis=0)[None], np.float64)
    return given[1:] if method == "predict_proba" and len(given) == 2 else given
