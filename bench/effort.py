"""How much a benchmark does: all of it for figures, a little to see that it still works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Effort:
    """``rounds`` of everything; ``events`` in the stream; ``seconds`` of steady load, after ``warm`` seconds of it;
    ``least`` seconds of processor time in which a function is called again and again.

    The monitor's: so many ``pending`` predictions each, and simulated ``days`` of ``daily`` events; what is drawn goes
    into ``folder``. ``say`` is told of every single result.
    """

    rounds: int = 3
    events: int = 2_000_000
    seconds: float = 20.0
    warm: float = 5.0
    least: float = 0.3
    pending: tuple[int, ...] = (1_000_000, 10_000_000)
    days: int = 30
    daily: int = 200_000
    folder: Path = Path("build") / "bench"
    say: Callable[[str], None] = print
