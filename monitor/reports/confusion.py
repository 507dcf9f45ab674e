"""The confusion matrix, as it was predicted. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitor.stats.buckets import Bucket
from monitor.stats.figures import confusion_matrix
from monitor.stats.layout import Layout
from scorer.quality.parameters import Parameters
from scorer.quality.undefined import Undefined

CLASSES = 12
"""Of more, those with the fewest rows are shown together."""
OTHERS = "(all others)"


@dataclass(frozen=True, slots=True)
class Confusion:
    """``counts`` has a row for each true class and a column for each predicted one; or a reason why there is none."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    threshold: float | None = None
    reason: str = ""


def confusion(bucket: Bucket, layout: Layout) -> Confusion:
    """Of the classes as predicted; of a score without classes, by the first threshold of a requirement."""
    threshold = None
    classes = layout.classes
    if layout.kind == "regression":
        if not layout.thresholds:
            return Confusion((), (), reason="the model has no classes")
        threshold = layout.thresholds[0]
        classes = (f"0 (at most {threshold:g})", f"1 (above {threshold:g})")
    try:
        counts = confusion_matrix(bucket, layout, Parameters(threshold=threshold))
    except Undefined as why:
        return Confusion((), (), reason=str(why))
    if not counts.sum():
        return Confusion((), (), reason="there are no labels")
    if len(classes) > CLASSES:
        size = counts.sum(axis=0) + counts.sum(axis=1)
        kept = np.sort(np.argsort(-size, kind="stable")[: CLASSES - 1])
        place = np.full(len(classes), CLASSES - 1)
        place[kept] = np.arange(CLASSES - 1)
        together = np.zeros((CLASSES, CLASSES), np.int64)
        np.add.at(together, (place[:, None], place[None, :]), counts)
        counts, classes = together, (*(classes[one] for one in kept.tolist()), OTHERS)
    return Confusion(tuple(classes), tuple(tuple(row) for row in counts.tolist()), threshold)
