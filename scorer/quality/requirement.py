"""A requirement: what the champion of a model must reach, over which window, with how much evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from scorer.errors import SettingsError
from scorer.quality.metrics import Metric, Mode
from scorer.quality.parameters import Parameters
from scorer.quality.table import Kind, Scale

Window: TypeAlias = Literal["hour", "day", "week", "month"]

EACH = "each"
"""Written for a field's values: each that occurs is judged by itself."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a version reached when the bound was chosen: ``value`` on ``labels`` of ``data``, on ``date``.

    Where windows of the data were looked at, ``worst`` is the worst of them, and ``worst_window`` its name. ``margin``
    is how much larger than there the loss may be before the bound is crossed, as a share.
    """

    value: float
    version: str
    data: str
    date: str
    labels: int | None = None
    sha256: str | None = None
    worst: float | None = None
    worst_window: str | None = None
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class Segments:
    """The values of ``field`` of which each is judged by itself; ``values`` is empty for each that occurs."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One ``[[requirement]]``. Bounds are inclusive; fewer labels than ``least_labels`` decide nothing.

    ``season`` holds the months of the year, 1 to 12 in UTC, in which it holds; empty: all. Where it is not ``guarded``,
    its verdicts are shown, and nothing follows from them.
    """

    metric: Metric
    parameters: Parameters
    window: Window
    judged: Mode
    least_labels: int
    minimum: float | None = None
    maximum: float | None = None
    segments: tuple[Segments, ...] = ()
    season: tuple[int, ...] = ()
    guarded: bool = True
    baseline: Baseline | None = None

    @property
    def name(self) -> str:
        """The metric with its parameters."""
        return f"{self.metric.name}{' ' if str(self.parameters) else ''}{self.parameters}"

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        parts = [("at least", self.minimum), ("at most", self.maximum)]
        return " and ".join(f"{words} {bound:g}" for words, bound in parts if bound is not None)

    @property
    def subject(self) -> tuple[object, ...]:
        """What it is about, apart from how much is required: two requirements of one file must differ in it."""
        return (self.metric.name, self.parameters, self.window, self.judged, self.segments, self.season)

    def misfits(self, kind: Kind, classes: tuple[str, ...], scale: Scale) -> Iterator[str]:
        """Every reason why it cannot be asked of a model with such outputs."""
        given, metric = self.parameters, self.metric
        several, named = kind == "multiclass", ", ".join(map(repr, classes)) or "none"
        if kind not in metric.kinds:
            yield f"it is for {' or '.join(metric.kinds)} outputs; the model's are {kind}"
            return
        if metric.probabilities and scale != "probability":
            yield "it is for probabilities; the model's scores are margins"
        if given.klass is not None and given.klass not in classes:
            yield f"class {given.klass!r} is none of the model's; it has {named}"
        if several and "class" in (*metric.needs, *metric.takes) and given.klass is None:
            yield f"it needs a class, because the model has more than two: {named}"
        if several and given.threshold is not None:
            yield "a threshold decides between two classes; the model has more"
        if kind == "regression" and "threshold" in metric.takes and given.threshold is None:
            yield "for a score without classes it needs a threshold"
        if given.costs is not None and len(given.costs) != max(2, len(classes)):
            yield f"costs has {len(given.costs)} rows; the model has {max(2, len(classes))} classes"
        low, high = metric.range(given, kind)
        for bound in (self.minimum, self.maximum):
            if bound is not None and not low <= bound <= high:
                yield f"it lies between {low:g} and {high:g}; {bound:g} does not"


def check(
    requirements: Iterable[Requirement],
    name: str,
    kind: Kind,
    classes: tuple[str, ...],
    scale: Scale = "probability",
) -> None:
    """Raise ``SettingsError`` that lists all that the requirements of the file ``name`` cannot ask of such outputs."""
    found = [f"{one.name}: {why}" for one in requirements for why in one.misfits(kind, classes, scale)]
    if found:
        raise SettingsError(f"{name} does not fit the model:\n" + "\n".join(f"  {line}" for line in found))
