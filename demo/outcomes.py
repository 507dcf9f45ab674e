"""The monitor's figures of each month, held against pandas and scikit-learn on the raw data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, brier_score_loss, roc_auc_score

EXACT = {
    "accuracy": lambda known: accuracy_score(known["late"], known["predicted"]),
    "brier": lambda known: brier_score_loss(known["late"], known["score"]),
}
BINNED = {"auc": lambda known: roc_auc_score(known["late"], known["score"])}
"""What scikit-learn says of labelled predictions; binned figures come with a bound of their error."""

POSITIVE = "late"
"""The class whose probability the score is."""


def joined(predictions: pd.DataFrame, flown: pd.DataFrame) -> pd.DataFrame:
    """The first prediction of every flight with its label (NaN: it never had one) and its month in UTC."""
    first = predictions.drop_duplicates("event_id")
    table = first.merge(flown[["event_id", "late", "scheduled"]], on="event_id", validate="one_to_one")
    table["month"] = table["scheduled"].dt.tz_convert("UTC").dt.strftime("%Y-%m")
    table["predicted"] = (table["class"] == POSITIVE).astype("float64")
    return table


def coverage(table: pd.DataFrame) -> dict[str, Any]:
    """How many predictions have their label, of all and by month."""
    known = table["late"].notna()
    by_month = known.groupby(table["month"])
    return {
        "predictions": len(table),
        "labelled": int(known.sum()),
        "never_labelled": int((~known).sum()),
        "months": {str(month): round(float(share), 6) for month, share in by_month.mean().items()},
    }


def by_month(verdicts: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The verdicts on whole months of the champion, in the order of month, version and metric."""
    wanted = (
        "begin", "metric", "version", "verdict", "value", "error", "low", "high", "n", "predictions", "provisional",
        "revision", "minimum", "maximum",
    )  # fmt: skip
    found: dict[str, list[dict[str, Any]]] = {}
    judged = [one for one in verdicts if one["kind"] == "verdict"]
    for one in sorted(judged, key=lambda one: (one["begin"], one["version"], one["metric"], str(one["minimum"]))):
        if one["window"] == "month" and one["role"] == "champion" and one["segment_field"] is None:
            found.setdefault(month_of(one), []).append({name: one[name] for name in wanted})
    return found


def difference(table: pd.DataFrame, months: Mapping[str, list[dict[str, Any]]], closed_before: int) -> dict[str, Any]:
    """How far the monitor's month figures are from those of pandas and scikit-learn.

    Of the last month, the figures are of the events before ``closed_before`` (microseconds since 1970): later labels
    were not to be waited for any more.

    ``missing`` are months and versions of which it said nothing. ``counts``: the largest difference of a number of
    labels or predictions; ``exact``: of accuracy and Brier score; ``binned``: of the AUC, and ``beyond_bound`` how far
    that exceeds the bound that was published with it.
    """
    counts, exact, binned, beyond, compared = 0, 0.0, 0.0, 0.0, 0
    missing: list[str] = []
    closed = table[table["scheduled"] < pd.Timestamp(closed_before, unit="us", tz="UTC")]
    for (month, version), rows in closed.groupby(["month", "version"]):
        known = rows[rows["late"].notna()]
        said = [one for one in months.get(str(month), []) if one["version"] == version]
        if not said:
            missing.append(f"{month} {version}")
        for one in said:
            if one["value"] is None or (one["provisional"] and one["metric"] in BINNED):
                continue  # what is judged once, when its window has closed, is not judged yet
            compared += 1
            counts = max(counts, abs(one["n"] - len(known)), abs(one["predictions"] - len(rows)))
            if one["metric"] in EXACT:
                exact = max(exact, abs(one["value"] - EXACT[one["metric"]](known)))
            elif one["metric"] in BINNED:
                apart = abs(one["value"] - BINNED[one["metric"]](known))
                binned, beyond = max(binned, apart), max(beyond, apart - one["error"])
    return {
        "missing": missing,
        "compared": compared,
        "counts": counts,
        "exact": exact,
        "binned": binned,
        "beyond_bound": beyond,
    }


def month_of(verdict: Mapping[str, Any]) -> str:
    """The month of a verdict's window, such as 2013-06."""
    return str(np.datetime64(int(verdict["begin"]), "us").astype("datetime64[M]"))
