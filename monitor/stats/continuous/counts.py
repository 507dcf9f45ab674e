"""Evidence and bounds for a share, from counts alone: mergeable, whatever the order.

A Beta mixture of likelihood ratios (Robbins 1970; Howard et al. 2021). Against "every chance of success, given the
past, is at least p": the mean over all q below p of the ratio of the likelihoods of q and p::

    E = Beta(1+s, 1+f) I_p(1+s, 1+f) / (p · p^s (1-p)^f)

for s successes and f failures, with the regularised incomplete Beta function I. If the claim holds, E reaches
``1/alpha`` with probability at most ``alpha``, however often one looks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

_STEPS = 60


@dataclass(frozen=True, slots=True)
class Counts:
    """``successes`` and ``failures``. The evidence is given as a logarithm; a ``share`` lies between 0 and 1."""

    successes: int = 0
    failures: int = 0

    @property
    def n(self) -> int:
        """Both together."""
        return self.successes + self.failures

    def merge(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(self.successes + other.successes, self.failures + other.failures)

    def below(self, share: float) -> float:
        """The logarithm of the evidence against "the chance of success is at least ``share``"; ``-inf`` if tiny.

        Raises ``ValueError`` where ``share`` is not between 0 and 1.
        """
        return _evidence(self.successes, self.failures, share)

    def above(self, share: float) -> float:
        """The logarithm of the evidence against "the chance of success is at most ``share``"."""
        return _evidence(self.failures, self.successes, 1.0 - share)

    def interval(self, alpha: float) -> tuple[float, float]:
        """All shares against which the evidence is less than ``2 / alpha`` on either side.

        It covers a constant chance of success at all times at once with probability ``1 - alpha``.
        """
        enough = math.log(2.0 / alpha)
        high = _crossing(self.successes, self.failures, enough)
        return 1.0 - _crossing(self.failures, self.successes, enough), high

    def unequal(self) -> float:
        """The logarithm of the evidence against "the chance is 1/2, given the past": McNemar's test.

        ``2^n Beta(s + 1/2, f + 1/2) / Beta(1/2, 1/2)``, for the pairs of which one side alone was right. It grows
        whichever side is better; for one side use ``above(0.5)``.
        """
        ratio = special.betaln(self.successes + 0.5, self.failures + 0.5) - special.betaln(0.5, 0.5)
        return self.n * math.log(2.0) + float(ratio)


def _evidence(successes: int, failures: int, share: float) -> float:
    if not 0.0 < share < 1.0:
        raise ValueError(f"a share of {share} is not between 0 and 1: every chance keeps it, or none")
    part = float(special.betainc(1.0 + successes, 1.0 + failures, share))
    if part == 0.0:
        return -math.inf
    log_beta = float(special.betaln(1.0 + successes, 1.0 + failures))
    likelihood = successes * math.log(share) + failures * math.log1p(-share)
    return log_beta + math.log(part) - math.log(share) - likelihood


def _crossing(successes: int, failures: int, enough: float) -> float:
    """The least share above the observed one against which the evidence is ``enough``; 1 where there is none."""
    n = successes + failures
    low, high = successes / n if n else 1.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if not low < middle < high:
            break
        if _evidence(successes, failures, middle) >= enough:
            high = middle
        else:
            low = middle
    return high
