"""Coefficient tables as files: what is in them, and what must be said besides."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from scorer.batch import Floats
from scorer.errors import NotImportable, SettingsError

ESTIMATES = ("estimate", "coef", "coefficient", "coefficients", "value", "x", "0")
"""What columns of estimates are called, in small letters and without points."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a table does not say.

    ``family`` and ``link``; ``classes`` in the order of the scores: of two, the estimates speak for the second;
    ``references`` names the level of a category that has no term; ``complete`` the categories of which every level has
    one; ``unseen`` is ``"refuse"``, as R and statsmodels do, or ``"zero"``: no level's estimate is added; ``fills``
    replace missing values, which else refuse the row, as in R and statsmodels. ``estimate`` names the column of
    estimates. ``program`` is what fitted them, and its release.
    """

    family: str
    link: str | None = None
    classes: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    complete: frozenset[str] = frozenset()
    unseen: str = "refuse"
    fills: Mapping[str, str] = field(default_factory=dict)
    estimate: str | None = None
    program: tuple[str, str] = ("a coefficient table", "1")


@dataclass(frozen=True, slots=True)
class Estimates:
    """A table as it was read: ``values`` ``(columns, terms)``, and the names of both."""

    terms: tuple[str, ...]
    columns: tuple[str, ...]
    values: Floats


def read(path: Path, treatment: Treatment) -> Estimates:
    """Read a table. Raises ``NotImportable`` where it is none, or an estimate is no number."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *lines = [[cell.strip() for cell in line] for line in csv.reader(file, strict=True) if any(line)]
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError, ValueError) as error:
        raise NotImportable(
            path.name, f"it is no CSV in UTF-8 with a header: {error}", "write: term,estimate"
        ) from None
    chosen = _chosen(header, treatment, path.name)
    names = [line[0] for line in lines]
    doubled = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if doubled or not names:
        why = f"term {doubled[0]!r} occurs twice" if doubled else "it has no terms"
        raise NotImportable(path.name, why, "give a line to each term")
    values = [[_number(line[place] if place < len(line) else "", line[0]) for line in lines] for place in chosen]
    return Estimates(tuple(names), tuple(header[place] for place in chosen), np.array(values, np.float64))


def _chosen(header: Sequence[str], treatment: Treatment, name: str) -> list[int]:
    """The places of the columns of estimates."""
    if treatment.family == "multinomial":
        found = [place for place, column in enumerate(header) if place and column in treatment.classes]
        if len(treatment.classes) - len(found) > 1 or not found:
            why = (
                f"its columns are {', '.join(header[1:])}, but the classes {', '.join(treatment.classes) or 'not said'}"
            )
            raise NotImportable(name, why, "name a column after each class; only the base class may have none")
        return found
    if treatment.estimate is not None:
        if treatment.estimate not in header[1:]:
            raise SettingsError(
                f"{name} has no column {treatment.estimate!r} behind the terms: {', '.join(header[1:])}"
            )
        return [header.index(treatment.estimate)]
    if len(header) == 2:
        return [1]
    found = [place for place, column in enumerate(header) if place and column.lower().strip(".") in ESTIMATES]
    if len(found) != 1:
        raise SettingsError(
            f"{name}: which column has the estimates? Say --estimate with one of {', '.join(header[1:])}"
        )
    return found


def _number(cell: str, term: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or "_" in cell:  # which Python alone reads as a number
        nearest = "delete the line if the program drops such a term, as predict() of R does"
        raise NotImportable(f"term {term!r}", f"its estimate is {cell!r}, which is no number", nearest)
    return number


def by_score(table: Estimates, treatment: Treatment) -> Floats:
    """The estimates of each score ``(scores, terms)``: of the base class 0; reversed where they are of the first."""
    if treatment.family == "multinomial":
        rows = dict(zip(table.columns, table.values, strict=True))
        return np.array([rows.get(name, np.zeros(len(table.terms))) for name in treatment.classes])
    return -table.values if len(treatment.classes) == 2 and table.columns[0] == treatment.classes[0] else table.values
