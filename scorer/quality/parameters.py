"""What a metric needs to know besides scores and labels."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeAlias

Costs: TypeAlias = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Each ``None`` where it is not given.

    ``threshold``: the second of two classes is predicted where its score is above; ``klass``: the class in question;
    ``clip``: the least probability that counts, between 0 and 0.5; ``bins``: how many; ``bound``: the most that one
    error counts; ``quantile``: the one estimated, between 0 and 1; ``costs``: a row for each true class, a column for
    each predicted one; ``group``: the field that names a row's list; ``at``: how many ranks count; ``within``: how many
    seconds a prediction may take, from its event on.
    """

    threshold: float | None = None
    klass: str | None = None
    clip: float | None = None
    bins: int | None = None
    bound: float | None = None
    quantile: float | None = None
    costs: Costs | None = None
    group: str | None = None
    at: int | None = None
    within: float | None = None

    def given(self) -> dict[str, float | int | str | Costs]:
        """Those that are given, by the names that they have in a file, in a fixed order."""
        values = {KEYS[one.name]: getattr(self, one.name) for one in fields(self)}
        return {key: value for key, value in values.items() if value is not None}

    def __str__(self) -> str:
        """As in ``(class late, threshold 0.4)``; empty where none is given."""
        told = ", ".join(f"{key} {_spelt(value)}" for key, value in self.given().items())
        return f"({told})" if told else ""


KEYS = {one.name: one.name for one in fields(Parameters)} | {"klass": "class"}
"""The name in a file of each parameter."""


def _spelt(value: float | str | Costs) -> str:
    if isinstance(value, tuple):
        return "; ".join(" ".join(f"{entry:g}" for entry in row) for row in value)
    return value if isinstance(value, str) else f"{value:g}"
