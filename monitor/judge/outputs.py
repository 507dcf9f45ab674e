"""What a model says of an event, as columns of the monitor's state, and from there as a table that is judged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from monitor.rows import Rows
from monitor.stats.layout import Layout
from scorer.quality.requirement import Requirement
from scorer.quality.table import Kind, Scale, Table

CHAMPION, TRIAL, CHALLENGER = range(3)
ROLES: Final = ("champion", "trial", "challenger")
"""By the number in the column ``role``."""

KEPT: Final = "outputs"
"""Under this name a state keeps its outputs (``Step.keep``)."""

VERSION: Final = "version"
"""The kind of the codes in the column ``version``."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of every version that a state holds, as its champion's manifest has them.

    ``kind`` is "regression", "binary" or "multiclass", ``classes`` are the names of its classes, ``scale`` says whether
    scores of classes are probabilities or margins.
    """

    kind: Kind
    classes: tuple[str, ...]
    scale: Scale = "probability"

    @property
    def scores(self) -> int:
        """How many scores a prediction has: one, or one for each of more than two classes."""
        return len(self.classes) if self.kind == "multiclass" else 1

    def to_json(self) -> bytes:
        """As UTF-8 JSON: what the state keeps under ``KEPT``, so that its readers know it."""
        return json.dumps({"kind": self.kind, "classes": self.classes, "scale": self.scale}).encode()

    @staticmethod
    def of_json(data: bytes) -> Outputs:
        """What :meth:`to_json` gave."""
        values = json.loads(data)
        return Outputs(values["kind"], tuple(values["classes"]), values["scale"])

    def layout(self, requirements: Iterable[Requirement]) -> Layout:
        """What is counted and summed so that these requirements can be judged."""
        return Layout.of(requirements, self.kind, self.classes, self.scale)


def carried(outputs: Outputs, segments: Sequence[str], lists: Sequence[str] = ()) -> dict[str, str]:
    """The columns that predictions carry in the state, with their dtypes; ``segments`` and ``lists`` name fields.

    - ``role``: a number of ``ROLES``; ``predicted``: the index of the class as the prediction says it, -1 for none;
    - ``score_0`` …: the scores in the order of the classes; ``scored``: when it was scored, microseconds since 1970;
    - ``segment_0`` …: the code of the value of each field, of the kind ``segment_kind(field)``; -1 for none;
    - ``list_0`` …: a hash of the value of each field that names lists, which are too many for codes; 0 for none.
    """
    scores = {score_column(number): "f8" for number in range(outputs.scores)}
    values = {segment_column(number): "i4" for number in range(len(segments))}
    listed = {list_column(number): "i8" for number in range(len(lists))}
    return {"role": "i1", "predicted": "i2", **scores, "scored": "i8", **values, **listed}


def list_fields(requirements: Iterable[Requirement]) -> tuple[str, ...]:
    """The fields that name lists, in the order of their columns."""
    return tuple(sorted({one.parameters.group for one in requirements if one.parameters.group is not None}))


def score_column(number: int) -> str:
    """The column of a score."""
    return f"score_{number}"


def segment_column(number: int) -> str:
    """The column of the values of a segment field."""
    return f"segment_{number}"


def list_column(number: int) -> str:
    """The column of the hashes of a field that names lists."""
    return f"list_{number}"


def segment_kind(field: str) -> str:
    """The kind of the codes of a segment field's values."""
    return f"segment:{field}"


def table(rows: Rows, outputs: Outputs) -> Table:
    """Outcomes (or changes) as a table: labels are NaN where there are none.

    A prediction without a class, of a model that has classes, has no valid score: its scores are NaN here. Raises
    ``ValueError`` for a label that is none of the classes.
    """
    scores = np.empty((outputs.scores, len(rows["time"])))
    for number in range(outputs.scores):
        scores[number] = rows[score_column(number)]
    predicted = rows["predicted"].astype(np.int64)
    if outputs.kind != "regression":
        classless = (predicted < 0) | (predicted >= len(outputs.classes))
        scores[:, classless] = np.nan
        predicted[classless] = 0
    labels = np.where(rows["labelled"], rows["value"], np.nan)
    return Table(
        outputs.kind, outputs.classes, scores, labels, predicted, time=rows["time"], scale=outputs.scale
    )  # fmt: skip
