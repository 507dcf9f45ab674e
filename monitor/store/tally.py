"""Coverage and label delay by cohort, as whole numbers that changes are added to. Pure."""

from __future__ import annotations

import numpy as np

from monitor.rows import HOUR, Int64s, Rows, distinct, shadowed

_SECOND, _MINUTE, _DAY = 1_000_000, 60_000_000, 24 * HOUR

EDGES = (
    0, _SECOND, 10 * _SECOND, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR,
    *(days * _DAY for days in (1, 2, 3, 4, 5, 7, 10, 14, 21, 30, 45, 60, 90)),
)  # fmt: skip
"""Bin n of the label delay holds those of at least ``EDGES[n - 1]`` and less than ``EDGES[n]`` microseconds; bin 0
holds labels before their event, the last bin all that took longer."""


def coverage(changes: Rows) -> Rows:
    """``predictions`` and ``labelled`` to be added for each ``hour``, ``version`` and whether in the ``shadow``.

    Implicit labels are none.
    """
    sign = changes["sign"].astype(np.int64)
    told = sign * (changes["labelled"] & ~changes["implicit"])
    return _sums(
        {"hour": changes["time"] // HOUR, **_who(changes)},
        {"predictions": sign, "labelled": told},
    )


def delays(changes: Rows) -> Rows:
    """``labels`` to be added for each ``hour``, ``version``, whether in the ``shadow``, and ``bin`` of label time minus
    event time."""
    told = changes["labelled"] & ~changes["implicit"]
    time = changes["time"][told]
    bins = np.searchsorted(np.array(EDGES), changes["label_time"][told] - time, side="right")
    return _sums(
        {"hour": time // HOUR, **{name: column[told] for name, column in _who(changes).items()}, "bin": bins},
        {"labels": changes["sign"][told].astype(np.int64)},
    )


def _who(changes: Rows) -> dict[str, Int64s]:
    return {"version": changes["version"].astype(np.int64), "shadow": shadowed(changes).astype(np.int64)}


def _sums(keys: Rows, values: Rows) -> Rows:
    """Values summed by keys, without rows that are 0 throughout; ``hour`` counts from 1970, and becomes a time."""
    of_key = {name: distinct(column) for name, column in keys.items()}
    code = np.zeros(len(keys["hour"]), np.int64)
    for found, place in of_key.values():
        code = code * max(1, len(found)) + place
    codes, which = distinct(code)
    sums = {}
    for name, value in values.items():
        sums[name] = np.zeros(len(codes), np.int64)
        np.add.at(sums[name], which, value)
    some = np.any([total != 0 for total in sums.values()], axis=0)
    columns, rest = {}, codes[some]
    for name, (found, _) in reversed(of_key.items()):
        columns[name], rest = found[rest % max(1, len(found))], rest // max(1, len(found))
    columns["hour"] = columns["hour"] * HOUR
    return {**{name: columns[name] for name in keys}, **{name: total[some] for name, total in sums.items()}}
