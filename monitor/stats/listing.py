"""Lists, such as those of a query, folded into counts and sums: of each, how near its order comes to the best one.

A list is the rows of one event-time hour, version, role and segment that have one value of the field that a requirement
names. Its gain is known when all of it is, so it is counted when the cohort has closed; and where a label is corrected
later, it is taken back with the labels of before, and counted again with those of now.
"""

from __future__ import annotations

import numpy as np

from monitor.stats import exact
from monitor.stats.buckets import Bucket
from monitor.stats.histogram import Histogram
from monitor.stats.layout import Layout, list_sum
from scorer.batch import Floats, Int64s
from scorer.quality import ranking


def fold(
    layout: Layout,
    group: str,
    relevance: Floats,
    score: Floats,
    list_of: Int64s,
    cell_of: Int64s,
    sign: Int64s,
    cells: int,
) -> list[Bucket]:
    """A bucket for each cell, with nothing but what the lists named by ``group`` add to it.

    ``relevance`` and ``score`` float64 ``(n,)`` are finite, ``list_of`` int64 ``(n,)`` is the number of each row's
    list, from 0 on, all of which occur. ``cell_of`` and ``sign`` int64 ``(lists,)`` say to which cell a list belongs,
    and whether it is added (1) or taken back (-1). A list without anything relevant has no gain and counts for
    nothing; one with a negative relevance has none, and is counted as such.
    """
    counts = np.zeros((cells, layout.counts), np.int64)
    limbs = np.zeros((cells, len(layout.sums), exact.LIMBS), np.int64)
    negative = np.zeros(len(cell_of), np.bool_)
    negative[list_of[relevance < 0.0]] = True
    for number, (name, at) in enumerate(layout.lists):
        if name != group:
            continue
        gain = ranking.gains(np.maximum(relevance, 0.0), score, list_of, at)
        known = ~np.isnan(gain) & ~negative
        place, sums = layout.list_counts(number), layout.sums.index(list_sum(name, at))
        np.add.at(counts[:, place], cell_of[known], sign[known])
        np.add.at(counts[:, place + 1], cell_of[negative], sign[negative])
        found = np.stack([gain[known], gain[known] ** 2])
        limbs[:, sums : sums + 2] = exact.sums(found, cell_of[known][None], sign[known], cells)
    return [Bucket(counts[cell], limbs[cell], Histogram.empty(), Histogram.empty()) for cell in range(cells)]
