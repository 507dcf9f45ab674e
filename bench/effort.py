"""How much a benchmark does: all of it for figures, a little to see that it still works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """``rounds`` of everything; ``events`` in the stream; ``seconds`` of steady load, after ``warm`` seconds of it;
    ``least`` seconds of processor time in which a function is called again and again.

    ``say`` is told of every single result.
    """

    rounds: int = 3
    events: int = 2_000_000
    seconds: float = 20.0
    warm: float = 5.0
    least: float = 0.3
    say: Callable[[str], None] = print
