"""The table that is judged: what was predicted, what was true, when, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from scorer.batch import Bools, Floats, Int64s
from scorer.errors import SchemaError

Kind: TypeAlias = Literal["regression", "binary", "multiclass"]
Scale: TypeAlias = Literal["probability", "margin"]
Words: TypeAlias = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """``n`` predictions with their labels, in any order.

    ``scores`` float64 ``(outputs, n)``, one output or one for each of more than two classes; a row with a score that is
    not finite is invalid. ``labels`` float64 ``(n,)``: the true value, or the index of the true class in ``classes``;
    NaN where there is none (see :func:`label_numbers`). ``predicted`` int64 ``(n,)``: the index of the predicted class,
    -1 in a regression. ``time`` int64 ``(n,)``: event times in microseconds since 1970, UTC, where they are known.
    ``fields``: columns by name, of strings and ``None``, by which rows are told apart (segments, groups). ``weights``
    float64 ``(n,)``, not negative: how much a row counts. ``scale``: whether the scores of classes are probabilities,
    or margins, of which more speaks for the class.
    """

    kind: Kind
    classes: tuple[str, ...]
    scores: Floats
    labels: Floats
    predicted: Int64s
    time: Int64s | None = None
    fields: Mapping[str, Words] = field(default_factory=dict)
    weights: Floats | None = None
    scale: Scale = "probability"

    def __post_init__(self) -> None:
        """Raise ``ValueError`` where the parts do not fit together."""
        outputs, rows = self.scores.shape
        if outputs != (len(self.classes) if self.kind == "multiclass" else 1):
            raise ValueError(f"a {self.kind} table with {len(self.classes)} classes cannot have {outputs} scores")
        columns = [self.labels, self.predicted, self.time, self.weights, *self.fields.values()]
        if any(column is not None and column.shape != (rows,) for column in columns):
            raise ValueError(f"every column must have {rows} rows, as the scores have")
        if self.classes and not np.isin(self.labels[~np.isnan(self.labels)], np.arange(len(self.classes))).all():
            raise ValueError(f"every label must be NaN or an index of one of {len(self.classes)} classes")

    def __len__(self) -> int:
        return int(self.scores.shape[1])

    @property
    def valid(self) -> Bools:
        """Which rows have scores that are all finite."""
        return np.asarray(np.isfinite(self.scores).all(axis=0))

    @property
    def labelled(self) -> Bools:
        """Which rows have a label."""
        return ~np.isnan(self.labels)

    @property
    def months(self) -> Int64s | None:
        """The month of the year of each row's event, 1 to 12, in UTC."""
        if self.time is None:
            return None
        return self.time.view("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12 + 1

    def take(self, rows: Bools) -> Table:
        """The rows where ``rows`` ``(n,)`` is true."""
        return Table(
            self.kind,
            self.classes,
            self.scores[:, rows],
            self.labels[rows],
            self.predicted[rows],
            None if self.time is None else self.time[rows],
            {name: column[rows] for name, column in self.fields.items()},
            None if self.weights is None else self.weights[rows],
            self.scale,
        )


def label_numbers(labels: Words, kind: Kind, classes: tuple[str, ...]) -> Floats:
    """Labels as people keep them, as a table holds them: ``None`` and NaN are no label.

    In a regression they are numbers. Of classes they are the names; or, where the names are not numbers themselves,
    true and false or the numbers 0, 1, … of the classes in the version's order. Raises ``SchemaError`` that names the
    first label that is none of these.
    """
    if kind == "regression":
        return np.array([_number(label) for label in labels], np.float64)
    numbered = not any(_is_number(name) for name in classes)
    known: dict[object, float] = {name: float(place) for place, name in enumerate(classes)}
    known |= {place if numbered else float(name): float(place) for place, name in enumerate(classes)
              if numbered or _is_number(name)}  # fmt: skip
    return np.array([_class(label, known, classes) for label in labels], np.float64)


def _absent(label: object) -> bool:
    return label is None or (isinstance(label, float | np.generic) and bool(label != label))  # noqa: PLR0124  # NaN, NaT


def _number(label: object) -> float:
    if _absent(label):
        return np.nan
    if isinstance(label, bool | int | float | np.number | np.bool_) and np.isfinite(label):
        return float(label)
    raise SchemaError(f"label {label!r} of a regression is not a finite number")


def _class(label: object, known: Mapping[object, float], classes: tuple[str, ...]) -> float:
    if _absent(label):
        return np.nan
    found = known.get(label) if isinstance(label, str | int | float | np.generic) else None
    if found is None:
        raise SchemaError(
            f"label {label!r} is none of the classes {', '.join(map(repr, classes))}; write a class's name or, where "
            "the names are not numbers, its place counted from 0"
        )
    return found


def _is_number(name: str) -> bool:
    try:
        return bool(np.isfinite(float(name)))
    except ValueError:
        return False
