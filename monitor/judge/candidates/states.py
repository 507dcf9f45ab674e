"""The states of a candidate and the ways between them: one table, from which the documentation is made, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

State = Literal[
    "submitted", "regression-tested", "back-tested", "shadowed", "on trial", "promoted", "rejected", "withdrawn",
    "rolled back",
]  # fmt: skip

By = Literal["evidence", "person", "pointer"]
"""Who moves a candidate: the checks of its step, a person, or what became of a pointer in Redis."""


@dataclass(frozen=True, slots=True)
class Way:
    """From one state to another: by whom, and when, in words."""

    before: State
    after: State
    by: By
    when: str


STEPS: Final[dict[State, str]] = {
    "submitted": "Its regression test runs: cases and labelled sample.",
    "regression-tested": "It is back-tested beside the champion over the corpus.",
    "back-tested": "It is scored in the shadow, and compared with the champion pair by pair.",
    "shadowed": "It has passed the gate; its trial is to begin.",
    "on trial": "It scores a share of the live events.",
    "promoted": "It is the champion. In the watch period the old one challenges it in the shadow.",
    "rejected": "It has failed a step, or a person has rejected it.",
    "withdrawn": "A person has taken it back, or has made it the champion without us.",
    "rolled back": "It was the champion, and the one before is again.",
}
"""What each state means, in the order of a life."""

OPEN: Final[tuple[State, ...]] = ("submitted", "regression-tested", "back-tested", "shadowed", "on trial")
"""The states of a candidate that may still be promoted, in their order."""

LIVE: Final[tuple[State, ...]] = ("shadowed", "on trial")
"""States that are reached by evidence against one certain champion."""

WAYS: Final[tuple[Way, ...]] = (
    Way("submitted", "regression-tested", "evidence", "its regression test has passed"),
    Way("regression-tested", "back-tested", "evidence", "no check of the back-test has failed"),
    Way("back-tested", "shadowed", "evidence", "the gate is open and every requirement is kept"),
    Way("shadowed", "on trial", "pointer", "the trial has begun in Redis"),
    Way("shadowed", "promoted", "pointer", "the policy has no trial, and it was made the champion"),
    Way("on trial", "promoted", "pointer", "trial and regression test have passed, and it was made the champion"),
    Way("shadowed", "back-tested", "pointer", "the champion is another one now: it is compared anew"),
    Way("on trial", "back-tested", "pointer", "the champion is another one now, or the trial was removed by hand"),
    *(Way(one, "rejected", "evidence", "a check of this step has failed") for one in OPEN),
    *(Way(one, "rejected", "person", "monitor candidate reject") for one in OPEN),
    *(Way(one, "withdrawn", "person", "monitor candidate withdraw") for one in OPEN),
    *(Way(one, "withdrawn", "pointer", "somebody has made it the champion by hand") for one in OPEN),
    Way("promoted", "rolled back", "pointer", "the old champion was put back: by evidence in the watch period, or by a "
        "person"),
)  # fmt: skip
"""Every way there is. What is not here does not happen."""


def ways(before: State, after: State) -> list[Way]:
    """Those between two states."""
    return [one for one in WAYS if (one.before, one.after) == (before, after)]


def markdown() -> str:
    """States and ways as two tables."""
    states = [f"| {name} | {text} |" for name, text in STEPS.items()]
    rows = [f"| {one.before} | {one.after} | {one.by} | {one.when} |" for one in WAYS]
    return "\n".join(
        ["| state | |", "|---|---|", *states, "", "| from | to | by | when |", "|---|---|---|---|", *rows, ""]
    )
