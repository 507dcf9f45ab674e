"""Cases worth adding to the regression suite, and the command that adds each. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from monitor.stats.layout import Layout

SHOWN = 20
WHY = "The model was sure of it and wrong."
"""Only a suggestion: whoever adds the case writes why its outcome is understood."""


@dataclass(frozen=True, slots=True)
class Error:
    """A confident error: what was scored, what came true, and where its event is."""

    version: str
    loss: float
    score: float
    label: float
    time: int
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """An error, its label in words, and the command."""

    error: Error
    truth: str
    command: str


def candidates(errors: Iterable[Error], model: str, layout: Layout, shown: int = SHOWN) -> list[Candidate]:
    """The largest errors, one for each event, with ``scorer models add-case`` as a shell takes it."""
    seen: dict[tuple[str, int, int], Error] = {}
    for one in sorted(errors, key=lambda error: (-error.loss, error.topic, error.partition, error.offset)):
        seen.setdefault((one.topic, one.partition, one.offset), one)
    return [Candidate(one, _truth(one.label, layout), _command(one, model)) for one in list(seen.values())[:shown]]


def _truth(label: float, layout: Layout) -> str:
    place = int(label)
    return layout.classes[place] if layout.classes and 0 <= place < len(layout.classes) else f"{label:g}"


def _command(one: Error, model: str) -> str:
    event = f"{one.topic}/{one.partition}/{one.offset}"
    words = ["scorer", "models", "add-case", f"coefficients/{model}/{one.version}", "--event", event, "--why", WHY]
    return shlex.join(words)
