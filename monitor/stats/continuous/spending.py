"""How one alpha is spent over a sequence of candidates that has no end.

Candidate number ``k`` gets ``6 alpha / (pi² k²)``. Together these are alpha, so the chance that any candidate that is
no better ever passes is at most alpha, however many are submitted, whatever they have in common, and whoever is
submitted because of what others showed.
"""

from __future__ import annotations

import math


def share_of(number: int, alpha: float) -> float:
    """What candidate ``number``, from 1, may spend of ``alpha``. Raises ``ValueError`` for a number below 1."""
    if number < 1:
        raise ValueError(f"candidates are numbered from 1; {number} is none")
    return 6.0 * alpha / (math.pi * number) ** 2


def spent(number: int, alpha: float) -> float:
    """What candidates 1 to ``number`` may spend together."""
    return math.fsum(share_of(one, alpha) for one in range(1, number + 1))
