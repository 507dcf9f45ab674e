"""What happens in one chaos run, drawn from a seed: the same seed gives the same schedule."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

POINTS = ("begin", "produce", "flush", "send_offsets", "commit")
"""Where a worker kills itself: after the first four, and in the middle of the last."""


@dataclass(frozen=True, slots=True)
class Step:
    """``seconds`` after the step before: ``what``, with a ``detail`` where it needs one."""

    seconds: float
    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One run: so many workers, with this membership, and steps under a load of about ``rate`` events a second."""

    seed: int
    workers: int
    membership: str
    protocol: str
    rate: int
    steps: Sequence[Step]


def draw(seed: int) -> Schedule:
    """The schedule of a seed."""
    dice = random.Random(seed)  # noqa: S311  # a schedule, not a secret
    steps = [_step(dice) for _ in range(dice.randint(4, 7))]
    return Schedule(
        seed,
        workers=dice.choice((1, 2, 2, 3)),
        membership=dice.choice(("static", "static", "dynamic")),
        protocol=dice.choice(("classic", "classic", "consumer")),
        rate=dice.choice((200, 2_000, 8_000)),
        steps=steps,
    )


def _step(dice: random.Random) -> Step:
    what = dice.choices(
        ("kill", "kill worker", "kill tree", "second tree", "restart broker", "kill broker", "freeze broker",
         "freeze redis", "flush redis", "poison", "flip", "freeze worker"),
        weights=(30, 8, 4, 8, 3, 2, 3, 4, 3, 12, 12, 4),
    )[0]  # fmt: skip
    detail = ""
    if what == "kill":
        detail = f"{dice.choice(POINTS)} {dice.randint(1, 5)}"
    elif what == "poison":
        detail = str(dice.randint(1, 400))
    elif what == "flip":
        detail = dice.choice(("v1", "v2", "v2", "missing", "corrupt"))
    elif what in ("freeze broker", "freeze redis", "freeze worker", "second tree"):
        detail = f"{dice.uniform(0.3, 2.5):.2f}"
    return Step(round(dice.uniform(0.05, 1.2), 2), what, detail)
