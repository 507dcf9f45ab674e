"""How the scores of the same rows move from one version to another."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from scorer.batch import Floats
from scorer.model.model import Model
from scorer.model.table import Results

SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
"""The shares of rows whose quantile of the difference is shown."""


def movement(a: Model, before: Results, b: Model, after: Results, most: int) -> dict[str, Any]:
    """The differences of scores, second minus first, where both have finite ones; and the ``most`` largest by row.

    ``quantiles`` has one entry per score of a row: the smallest difference that at least so large a share of rows does
    not exceed. Raises ``ValueError`` where the scores of the two do not mean the same.
    """
    if (a.kind, a.classes, a.scale) != (b.kind, b.classes, b.scale):
        raise ValueError("the scores of the two versions mean different things, so their difference means nothing")
    finite = [np.isfinite(results.scores).all(axis=0) for results in (before, after)]
    rows = np.flatnonzero(finite[0] & finite[1])
    difference = after.scores[:, rows] - before.scores[:, rows]
    names = list(a.classes) if a.kind == "multiclass" else ["score"]
    found: dict[str, Any] = {
        "rows": before.scores.shape[1],
        "compared": len(rows),
        "only_first": int(np.count_nonzero(finite[0] & ~finite[1])),
        "only_second": int(np.count_nonzero(finite[1] & ~finite[0])),
        "unchanged": int(np.count_nonzero((difference == 0).all(axis=0))),
        "quantiles": {name: _quantiles(run) for name, run in zip(names, difference, strict=True)} if len(rows) else {},
    }
    classes = [
        [model.classes[place] for place in model.classify(results.scores[:, rows]).tolist()] if model.classes else []
        for model, results in ((a, before), (b, after))
    ]
    if a.classes:
        moves = Counter(pair for pair in zip(*classes, strict=True) if pair[0] != pair[1])
        found["changed_classes"] = moves.total() / len(rows) if len(rows) else None
        found["classes"] = [{"from": old, "to": new, "rows": count} for (old, new), count in sorted(moves.items())]
    size = np.abs(difference).max(axis=0) if len(rows) else np.zeros(0)
    found["movers"] = [
        {
            "row": int(rows[place]) + 1,
            "from": before.scores[:, rows[place]].tolist(),
            "to": after.scores[:, rows[place]].tolist(),
            "change": float(difference[np.abs(difference[:, place]).argmax(), place]),
            "classes": [run[place] for run in classes if run],
        }
        for place in np.argsort(-size, kind="stable")[:most].tolist()
        if size[place] > 0
    ]
    return found


def _quantiles(difference: Floats) -> dict[str, float]:
    values = np.quantile(difference, SHARES, method="inverted_cdf").tolist()
    return {f"{share:g}": value for share, value in zip(SHARES, values, strict=True)}
