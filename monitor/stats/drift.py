"""Drift as effect sizes: how far what comes lies from the profile of the training data, or from the period before.

Drift explains; it does not alarm. No size of sample turns a small shift into a large one here, and with fewer than
``least`` values nothing is said: ``Undefined`` is raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from scorer.batch import Floats, Int64s
from scorer.model.evidence import CategoryProfile, NumberProfile
from scorer.quality.undefined import Undefined

LEAST = 500
"""Of fewer values, chance alone gives a PSI over ten bins of some 0.02 and more."""


def number_bins(entry: NumberProfile, probabilities: Sequence[float], n: int) -> tuple[Floats, Floats]:
    """The edges ``(b - 1,)`` between bins of a numeric input, and what each of the ``b + 1`` bins held in training.

    Bin i holds the values above edge i - 1, up to and with edge i; the last bin is for what is missing. Bins lie
    between the quantiles, and equal quantiles are one edge. ``n`` is the profile's. Raises ``Undefined`` where the
    profile knows no value.
    """
    if not entry.quantiles:
        raise Undefined("the training data had no value of it")
    pairs = list(zip(entry.quantiles, probabilities, strict=True))
    last = dict(pairs)  # of equal quantiles, the last share is the one that does not exceed the edge
    edges = np.unique([edge for edge, share in pairs if 0.0 < share < 1.0])
    if not len(edges):
        raise Undefined("the profile has no quantiles between the ends")
    shares = np.diff(np.array([0.0, *(last[edge] for edge in edges.tolist()), 1.0]))
    return edges, np.append(shares * (n - entry.missing), float(entry.missing))


def count_numbers(values: Floats, edges: Floats) -> Int64s:
    """How many of ``values`` ``(n,)`` lie in each of the bins of :func:`number_bins`; NaN is missing."""
    missing = np.isnan(values)
    places = np.searchsorted(edges, values[~missing], side="left")
    return np.append(np.bincount(places, minlength=len(edges) + 1), missing.sum())


def category_counts(entry: CategoryProfile, seen: Mapping[str | None, int]) -> tuple[Floats, Int64s]:
    """What each category held in training, and holds in ``seen``, where ``None`` is missing.

    Bins are the categories of the profile, all others together, and what is missing.
    """
    known = [name for name, _ in entry.counts]
    trained = [count for _, count in entry.counts] + [entry.other, entry.missing]
    counted = [seen.get(name, 0) for name in known]
    missing = seen.get(None, 0)
    return np.array(trained, np.float64), np.array(
        [*counted, sum(seen.values()) - sum(counted) - missing, missing], np.int64
    )


def psi(expected: Floats, seen: Int64s, least: int = LEAST) -> float:
    """The population stability index ``Σ (q - p) ln(q / p)`` over bins; 0 or more, usually small below 0.1.

    ``expected`` and ``seen`` are counts ``(b,)``. Half a row is added to each bin that either has, so that an empty one
    does not make it infinite. Kullback's divergence both ways; Yurdakul (2018) on its spread.
    """
    _enough(expected, seen, least)
    used = (expected + seen) > 0
    p, q = (_shares(counts[used] + 0.5) for counts in (expected, seen.astype(np.float64)))
    return float(((q - p) * np.log(q / p)).sum())


def jensen_shannon(expected: Floats, seen: Int64s, least: int = LEAST) -> float:
    """The Jensen-Shannon distance with logarithms to base 2: the root of the divergence; from 0 to 1. Lin (1991)."""
    _enough(expected, seen, least)
    p, q = _shares(expected), _shares(seen.astype(np.float64))
    middle = (p + q) / 2.0
    parts = [float((one[one > 0] * np.log2(one[one > 0] / middle[one > 0])).sum()) for one in (p, q)]
    return float(np.sqrt(max(0.0, sum(parts) / 2.0)))


def wasserstein(
    quantiles: Sequence[float], probabilities: Sequence[float], values: Floats, least: int = LEAST
) -> float:
    """The distance by which values moved on average, as a share of the distance of the profile's deciles; 0 or more.

    ``∫ |Q(u) - Q'(u)| du / (Q(0.9) - Q(0.1))`` over the ``probabilities`` from the first to the last, by the
    trapezoidal rule, with the quantiles Q of the profile and Q' of ``values`` ``(n,)``, in which NaN is missing. Raises
    ``Undefined`` where the deciles are equal.
    """
    present = values[~np.isnan(values)]
    if len(present) < least:
        raise Undefined(f"{len(present):,} values say nothing of drift; it needs {least:,}")
    if not quantiles:
        raise Undefined("the training data had no value of it")
    shares, trained = np.array(probabilities), np.array(quantiles)
    width = float(np.interp(0.9, shares, trained) - np.interp(0.1, shares, trained))
    if not width > 0.0:
        raise Undefined("the deciles of the training data are equal")
    found = np.quantile(present, shares, method="inverted_cdf")
    apart = np.abs(found - trained)
    return float((np.diff(shares) * (apart[1:] + apart[:-1]) / 2.0).sum() / width)


def _shares(counts: Floats) -> Floats:
    return np.asarray(counts / counts.sum())


def _enough(expected: Floats, seen: Int64s, least: int) -> None:
    for counts in (expected, seen):
        if counts.sum() < max(1, least):
            raise Undefined(f"{int(counts.sum()):,} values say nothing of drift; it needs {least:,}")
