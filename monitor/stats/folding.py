"""Rows folded into counts, sums and histograms of cells, all at once: what ``buckets`` are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numba import types

from monitor.stats import exact, histogram
from monitor.stats.histogram import BIN_BITS, Histogram, Places
from monitor.stats.layout import (
    FIRST,
    INVALID,
    INVALID_PREDICTIONS,
    LARGE,
    NOT_GAMMA,
    NOT_POISSON,
    OUTCOMES,
    PREDICTIONS,
    UNCLASSED,
    Layout,
    confusion,
    deviance_defined,
)
from scorer.batch import Bools, Int64s
from scorer.compiled import entry
from scorer.quality.table import Table
from scorer.wire.arrays import INT64S, TABLE

Parts: TypeAlias = tuple[Int64s, Int64s, Histogram, Histogram]
"""Counts, limbs of sums, histograms of outcomes and of predictions."""

NONE = -1


@entry(types.void(TABLE, INT64S, TABLE, TABLE))
def _count(cells_of: Int64s, sign: Int64s, places: Int64s, counts: Int64s) -> None:
    """Add each row's sign at each of its ``places`` (p, n) of each of its cells."""
    for row in range(sign.shape[0]):
        for group in range(cells_of.shape[0]):
            cell = cells_of[group, row]
            if cell >= 0:
                for one in range(places.shape[0]):
                    if places[one, row] >= 0:
                        counts[cell, places[one, row]] += sign[row]


def fold(
    layout: Layout, table: Table, cells_of: Int64s, sign: Int64s, cells: int, binned: Sequence[bool]
) -> list[Parts]:
    """The parts of a bucket for each cell; see ``Buckets.add``, whose ``of_row`` are the ``cells_of``.

    Raises ``ValueError`` where the table is not such as the layout is for, or an outcome has no predicted class.
    """
    if (table.kind, table.classes, table.scale) != (layout.kind, layout.classes, layout.scale):
        raise ValueError(f"a table of {table.kind} {table.classes} outputs; the layout is for {layout.kind}")
    labelled = table.labelled
    none = (table.predicted < 0) | (table.predicted >= layout.size)
    if layout.kind != "regression" and (labelled & none).any():
        raise ValueError("an outcome was predicted to be of no class that there is")
    cells_of, sign = np.ascontiguousarray(cells_of), np.ascontiguousarray(sign)
    valid, large = layout.usable(table)
    usable, summed = labelled & valid, labelled & valid & ~large
    outcomes = np.flatnonzero(summed)
    used = _picked(table, outcomes)
    limbs = np.zeros((cells, len(layout.sums), exact.LIMBS), np.int64)  # rows add nothing to the sums over lists
    limbs[:, : len(layout.row_sums)] = exact.sums(layout.values(used), cells_of[:, outcomes], sign[outcomes], cells)

    places = [np.full(len(table), PREDICTIONS), np.where(valid, NONE, INVALID_PREDICTIONS)]
    places += [np.where(labelled, OUTCOMES, NONE), np.where(labelled & ~valid, INVALID, NONE)]
    places += [np.where(labelled & large, LARGE, NONE)]
    for name, place in (("poisson_deviance", NOT_POISSON), ("gamma_deviance", NOT_GAMMA)):
        if name in layout.deviances:
            bad = np.full(len(table), NONE)
            bad[outcomes] = np.where(deviance_defined(name, used.labels, used.scores[0]), NONE, place)
            places.append(bad)
    classed = usable
    if layout.kind == "regression":
        classed = usable & np.isin(table.labels, (0.0, 1.0))
        places.append(np.where(usable & ~classed, UNCLASSED, NONE))
    places += _decisions(layout, table, classed)
    counts = np.zeros((cells, layout.counts), np.int64)
    _count(cells_of, sign, np.stack(places), counts)
    histograms = _histograms(layout, table, cells_of[np.array(binned, np.bool_)], sign, cells, valid, classed)
    return [(counts[cell], limbs[cell], *histograms[cell]) for cell in range(cells)]


def _picked(table: Table, rows: Int64s) -> Table:
    return Table(
        table.kind, table.classes, np.ascontiguousarray(table.scores[:, rows]), table.labels[rows],
        table.predicted[rows], scale=table.scale,
    )  # fmt: skip


def _decisions(layout: Layout, table: Table, classed: Bools) -> list[Int64s]:
    """The entry of each confusion matrix that each row belongs to."""
    decided = [table.predicted] if layout.kind != "regression" else []
    decided += [(table.scores[0] > threshold).astype(np.int64) for threshold in layout.thresholds]
    labels = np.where(classed, table.labels, 0.0)
    return [
        np.where(classed, FIRST + number * layout.size**2 + confusion(labels, predicted, layout.size), NONE)
        for number, predicted in enumerate(decided)
    ]


def _histograms(
    layout: Layout, table: Table, cells_of: Int64s, sign: Int64s, cells: int, valid: Bools, classed: Bools
) -> list[tuple[Histogram, Histogram]]:
    """By truth, of outcomes that have a class; by decision, of all valid predictions."""
    wanted = range(len(layout.classes)) if layout.kind == "multiclass" else (1,)
    scale = "margin" if layout.kind == "regression" else layout.scale
    parts = []
    for output, klass in enumerate(wanted):
        score = np.where(valid, table.scores[output], 0.0)
        bin_of = histogram.bins(score, scale) + (output << BIN_BITS)
        kept = score if scale == "probability" else np.zeros(len(score))
        truth, positive = table.labels == klass, table.predicted == klass
        for group in cells_of:
            rows = valid & (group >= 0)
            columns = (group, bin_of, truth, positive, kept, sign, classed)
            parts.append([column[rows] for column in columns])
    if not parts:
        return [(Histogram.empty(), Histogram.empty())] * cells
    cell, bins, is_true, positive, scores, signs, judged = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    found = Places.of(cell, bins)
    by_truth = found.histograms(is_true, scores, signs, judged, cells)
    by_decision = found.histograms(positive, scores, signs, np.ones(len(cell), np.bool_), cells)
    return list(zip(by_truth, by_decision, strict=True))
