"""The inverse of the standard normal distribution, between the bounds that quantiles@1 needs.

``inverse_normal(p)`` is the ``z`` with ``P(N(0, 1) <= z) = p``, for ``1e-7 <= p <= 1 - 1e-7``; what is outside becomes
LOWEST or HIGHEST. Rational approximations, relative error below 1e-15: one in ``(p - 1/2) ** 2`` between ``exp(-2)``
and ``1 - exp(-2)``, one in ``1 / sqrt(-2 log p)`` in the tails.

Source: S. L. Moshier, Cephes Mathematical Library, ndtri; it is what scipy.special.ndtri calculates.
"""

from __future__ import annotations

import math

import numpy as np

from scorer.batch import Floats
from scorer.compiled import helper

LOWEST, HIGHEST = -5.199337582605575, 5.19933758270342
"""The quantiles of p = 1e-7 and 1 - 1e-7, each less one unit in the last place of 1."""

_EDGE = 0.13533528323661269189
_ROOT = 2.50662827463100050242
_TOP = (
    -5.99633501014107895267e1, 9.80010754185999661536e1, -5.66762857469070293439e1, 1.39312609387279679503e1,
    -1.23916583867381258016e0,
)  # fmt: skip
_BOTTOM = (
    1.0, 1.95448858338141759834e0, 4.67627912898881538453e0, 8.63602421390890590575e1, -2.25462687854119370527e2,
    2.00260212380060660359e2, -8.20372256168333339912e1, 1.59056225126211695515e1, -1.18331621121330003142e0,
)  # fmt: skip
_TAIL_TOP = (
    4.05544892305962419923e0, 3.15251094599893866154e1, 5.71628192246421288162e1, 4.40805073893200834700e1,
    1.46849561928858024014e1, 2.18663306850790267539e0, -1.40256079171354495875e-1, -3.50424626827848203418e-2,
    -8.57456785154685413611e-4,
)  # fmt: skip
_TAIL_BOTTOM = (
    1.0, 1.57799883256466749731e1, 4.53907635128879210584e1, 4.13172038254672030440e1, 1.50425385692907503408e1,
    2.50464946208309415979e0, -1.42182922854787788574e-1, -3.80806407691578277194e-2, -9.33259480895457427372e-4,
)  # fmt: skip


@helper
def _polynomial(x: float, coefs: tuple[float, ...]) -> float:
    total = 0.0
    for coef in coefs:
        total = total * x + coef
    return total


@helper
def inverse_normal(p: float) -> float:
    """The quantile of ``p``; see the module."""
    low = p <= 1.0 - _EDGE
    q = p if low else 1.0 - p
    if q > _EDGE:
        y = q - 0.5
        square = y * y
        x = y + y * (square * _polynomial(square, _TOP) / _polynomial(square, _BOTTOM))
        return float(x * _ROOT)
    root = math.sqrt(-2.0 * math.log(q))
    z = 1.0 / root
    x = root - math.log(root) / root - z * _polynomial(z, _TAIL_TOP) / _polynomial(z, _TAIL_BOTTOM)
    x = -x if low else x
    return float(LOWEST if x < LOWEST else HIGHEST if x > HIGHEST else x)


def inverse_normal_reference(p: Floats) -> Floats:
    """The same in plain numpy."""
    low = p <= 1.0 - _EDGE
    q = np.where(low, p, 1.0 - p)
    y = q - 0.5
    square = y * y
    middle = (y + y * (square * _horner(square, _TOP) / _horner(square, _BOTTOM))) * _ROOT
    root = np.sqrt(-2.0 * np.log(q))
    z = 1.0 / root
    tail = root - np.log(root) / root - z * _horner(z, _TAIL_TOP) / _horner(z, _TAIL_BOTTOM)
    found = np.where(q > _EDGE, middle, np.clip(np.where(low, -tail, tail), LOWEST, HIGHEST))
    return np.where(p == 0, LOWEST, np.where(p == 1, HIGHEST, found))


def _horner(x: Floats, coefs: tuple[float, ...]) -> Floats:
    total = np.zeros(len(x))
    for coef in coefs:
        total = total * x + coef
    return total
