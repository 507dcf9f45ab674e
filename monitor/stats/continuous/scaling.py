"""Bounded values as shares of their range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Floats


@dataclass(frozen=True, slots=True)
class Scale:
    """The range that values are known to lie in, before any is seen. Raises ``ValueError`` where it is none."""

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        """Check that there is a range."""
        if not -np.inf < self.low < self.high < np.inf:
            raise ValueError(f"values bounded by {self.low} and {self.high} have no range")

    def shares(self, values: Floats) -> Floats:
        """``(x - low) / (high - low)`` of ``values`` ``(n,)``. Raises ``ValueError`` for one outside the range."""
        if not ((values >= self.low) & (values <= self.high)).all():
            raise ValueError(f"a value is not between {self.low} and {self.high}")
        return np.ascontiguousarray(np.minimum((values - self.low) / (self.high - self.low), 1.0))

    def share(self, value: float) -> float:
        """The same of one value, which may lie outside."""
        return (value - self.low) / (self.high - self.low)

    def interval(self, low: float, high: float) -> tuple[float, float]:
        """The values of two shares, cut to the range."""
        width = self.high - self.low
        return self.low + width * max(low, 0.0), self.low + width * min(high, 1.0)


WHOLE = Scale()
"""Shares as they are."""


def restored(state: Floats | None, size: int) -> Floats:
    """A copy of a saved state, or that of a beginning. Raises ``ValueError`` for one of another size."""
    if state is None:
        return np.zeros(size)
    if state.shape != (size,):
        raise ValueError(f"a state of {state.shape[0]} numbers where {size} are kept")
    return state.copy()
