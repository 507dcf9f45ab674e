"""Things that can be imported: each is tried by the parity tests, and measured for the table of docs/importing.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scorer.importers import Difference


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is imported, in one of the ways in which it may have been trained.

    ``group`` is a table of the page and ``what`` a row of it; ``how`` says which options are tried. ``differences``
    trains it, imports it, asserts that the version scores rows as the library does, and says how near it comes.
    """

    group: str
    what: str
    how: str
    differences: Callable[[], Sequence[Difference]]

    @property
    def name(self) -> str:
        """What the case is called in tests."""
        return f"{self.what}({self.how})"


def written(value: object) -> str:
    """An object as code would write it, in one line, the same in every process."""
    return re.sub(r"<(?:ufunc '|function )(\w+)[^>]*>", r"\1", " ".join(str(value).split()))


def options(fitted: object) -> str:
    """The options of an estimator or transformer that are not the default; how random it is does not matter."""
    inside = written(fitted).partition("(")[2].removesuffix(")")
    return re.sub(r"(?:, )?\brandom_state=\d+", "", inside).removeprefix(", ")
