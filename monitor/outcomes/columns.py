"""How the outcomes of a model are written, and where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from monitor.judge.outputs import ROLES, Outputs, score_column, segment_column, segment_kind
from monitor.store.outcomes import Columns

_EPOCH = date(1970, 1, 1).toordinal()


def columns(outputs: Outputs, segments: Sequence[str]) -> Columns:
    """The columns of a model's outcomes: ``score``, or ``score_CLASS`` for each of several, and ``segment_FIELD``."""
    names = ["score"] if outputs.scores == 1 else [f"score_{name}" for name in outputs.classes]
    return Columns(
        ROLES,
        outputs.classes,
        {score_column(number): name for number, name in enumerate(names)},
        {segment_column(number): (segment_kind(name), f"segment_{name}") for number, name in enumerate(segments)},
    )


def directory(state_directory: Path) -> Path:
    """Where the files of a state lie."""
    return state_directory / "outcomes"


def file_of(directory: Path, day: int) -> Path:
    """The file of a day, counted from 1970."""
    return directory / f"{date.fromordinal(_EPOCH + day).isoformat()}.parquet"


def day_of(day: date) -> int:
    """The number of a day, counted from 1970."""
    return day.toordinal() - _EPOCH
