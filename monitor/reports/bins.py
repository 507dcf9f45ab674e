"""Histograms of scores for people: fewer bins, and the numbers at their edges. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitor.stats.histogram import BIN_BITS, DETAIL, bins
from scorer.batch import Floats, Int64s
from scorer.quality.table import Scale

_SHIFT = 52 - DETAIL
_CENTRE = 1 << (BIN_BITS - 1)
_LAST = int(bins(np.ones(1), "probability")[0])
_LARGEST = 1e300
SHOWN = 32
"""Bins of a distribution for people."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Edges ``(b + 1,)`` of bins, and where the first and the last hold all that lies beyond as well."""

    edges: tuple[float, ...]
    open_ended: bool


def lower(bin_of: Int64s, scale: Scale) -> Floats:
    """The least score ``(n,)`` of each bin; above 0.5 of a probability, what all scores of the bin exceed."""
    if scale == "probability":
        upper = bin_of > int(bins(np.array([0.5]), "probability")[0])
        near = np.where(upper, _LAST - bin_of + 1, bin_of)  # the far end of the distance to 1
        distance = np.minimum((near << np.int64(_SHIFT)).view(np.float64), 0.5)
        return np.asarray(np.where(upper, 1.0 - distance, distance))
    ordered = (bin_of - _CENTRE) << np.int64(_SHIFT)
    bits = np.where(ordered >= 0, ordered, -ordered)
    return np.asarray(np.where(ordered >= 0, bits.view(np.float64), -(bits.view(np.float64))))


def middle(bin_of: Int64s, scale: Scale) -> Floats:
    """A score ``(n,)`` inside each bin, halfway between its ends, and never beyond ``±_LARGEST``."""
    ends = (np.clip(lower(one, scale), -_LARGEST, _LARGEST) for one in (bin_of, bin_of + 1))
    return np.asarray(sum(ends) / 2.0)


def axis(bin_of: Int64s, mass: Int64s, scale: Scale) -> Axis:
    """Bins for these scores: 32 of a probability; of other scores, 32 between the 1st and the 99th percentile."""
    if scale == "probability":
        return Axis(tuple((np.arange(SHOWN + 1) / SHOWN).tolist()), open_ended=False)
    if not mass.sum():
        return Axis((0.0, 1.0), open_ended=True)
    values, share = middle(bin_of, scale), np.cumsum(mass) / mass.sum()
    low = float(values[np.searchsorted(share, 0.01)])
    high = float(values[min(int(np.searchsorted(share, 0.99)), len(values) - 1)])
    if not high > low:
        low, high = low - 0.5, high + 0.5
    return Axis(tuple(np.linspace(low, high, SHOWN + 1).tolist()), open_ended=True)


def counts(bin_of: Int64s, mass: Int64s, scale: Scale, edges: Sequence[float]) -> Int64s:
    """How much of ``mass`` ``(n,)`` lies between the edges; what is beyond them is counted at the ends.

    Of probabilities the 32 bins are exact: their edges are edges of the narrow bins, too.
    """
    place = np.searchsorted(np.array(edges), middle(bin_of, scale), side="right") - 1
    found = np.zeros(len(edges) - 1, np.int64)
    np.add.at(found, np.clip(place, 0, len(found) - 1), mass)
    return found
