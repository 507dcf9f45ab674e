"""The tables of docs/importing.md: what can be imported and how near it comes, what is refused and why.

``python -m tests.importers.table`` trains and imports each case of ``tests/importers/cases``, as the parity tests do,
and writes what was measured between the marks of the page. It writes nothing if one of them is beyond its tolerance.
"""

from __future__ import annotations

import platform
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from textwrap import shorten

import lightgbm
import numpy as np
import sklearn
import xgboost
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from scorer.errors import NotImportable
from scorer.importers import Difference
from scorer.importers.proof import NEAR
from tests.importers.cases.case import Case
from tests.importers.cases.everything import CASES, REFUSALS
from tests.importers.cases.refusal import Refusal

PAGE = Path(__file__).parents[2] / "docs" / "importing.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
NOT = "Refused:"
HEAD = ("what", "tried with", "rows", "leaves", "largest difference", "relative", "allowed")
REFUSED = ("what", "why it is refused", "what works")
LONG = 200
"""Letters of a reason or a way, of which some name all that can be imported."""
LIBRARIES = {"scikit-learn": sklearn, "xgboost": xgboost, "lightgbm": lightgbm, "numpy": np}

SCORES = (*NEAR.values(), *(f"{one} of odd rows" for one in NEAR.values()), "columns")
"""The differences that are of numbers; the others are of leaves, classes and refusals, which must be the same."""


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of some cases of one thing."""

    what: str
    tried: str
    differences: Sequence[Difference]

    def cells(self) -> Iterator[str]:
        """The row of the table."""
        numbers = [one for one in self.differences if one.what in SCORES]
        leaves = sum(one.rows for one in self.differences if one.what.startswith("leaves"))
        yield from (self.what, self.tried, f"{sum(one.rows for one in numbers):,}")
        yield f"{leaves:,}, the same" if leaves else ""
        yield f"{max(one.absolute for one in numbers):.2g}"
        yield f"{max(one.relative for one in numbers):.2g}"
        atol, rtol = max(one.atol for one in numbers), max(one.rtol for one in numbers)
        yield f"{atol:.0e} + {rtol:.0e} of it" if atol or rtol else "none"


def tried(cases: Iterable[Case]) -> str:
    """With which options: each once."""
    return "; ".join(dict.fromkeys(case.how or "defaults" for case in cases))


def rows(cases: Iterable[Case]) -> Iterator[tuple[str, list[Case]]]:
    """The rows of a table: cases of the same thing."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        found.setdefault(case.what, []).append(case)
    yield from found.items()


def measured(what: str, cases: Sequence[Case]) -> Row:
    """Train, import and compare the cases of one row. Raises ``VersionRefused`` where one is too far away."""
    differences: list[Difference] = []
    for case in cases:
        differences += case.differences()
    return Row(what, tried(cases), differences)


def line(cells: Iterable[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cell.replace('|', '&#124;').replace('<', '&lt;') for cell in cells)} |"


def tables() -> Iterator[str]:
    """All that stands between the marks."""
    releases = ", ".join(f"{name} {library.__version__}" for name, library in LIBRARIES.items())
    yield f"Measured with {releases} on {platform.machine()}."
    for group, cases in groupby(CASES, attrgetter("group")):
        yield f"\n### {group[0].upper()}{group[1:]}\n"
        yield line(HEAD)
        yield line("---" for _ in HEAD)
        for what, some in rows(cases):
            yield line(measured(what, some).cells())
            sys.stderr.write(f"{what}\n")


def refused(refusal: Refusal) -> str:
    """The line of what cannot be imported, in the words of its error."""
    try:
        refusal.attempt()
    except NotImportable as error:
        return line(shorten(text, LONG, placeholder=" …") for text in (error.what, error.why, error.nearest))
    raise AssertionError(f"{refusal.why}: it was imported")


def refusals() -> Iterator[str]:
    """The tables of what cannot be imported."""
    for group, some in groupby(REFUSALS, attrgetter("group")):
        yield f"\n### {NOT} {group}\n"
        yield line(REFUSED)
        yield line("---" for _ in REFUSED)
        yield from dict.fromkeys(map(refused, some))


def parts(page: str) -> tuple[str, str, str]:
    """What stands before the marks, between them, and after them."""
    found = re.fullmatch(f"(.*{re.escape(BEGIN)}\n)(.*)(\n{re.escape(END)}.*)", page, re.DOTALL)
    if found is None:
        raise ValueError(f"{PAGE.name} has no marks {BEGIN} and {END}")
    return found[1], found[2], found[3]


def main() -> None:
    """Write the tables into the page."""
    before, _, after = parts(PAGE.read_text("utf-8"))
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # of the libraries: the cases are small
        between = "\n".join([*tables(), *refusals()])
    PAGE.write_text(before + between + after, "utf-8")


if __name__ == "__main__":
    main()
