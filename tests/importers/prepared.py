"""A fitted transformer beside the version that was imported from it, on raw frames that try hard."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scorer.batch import Floats
from scorer.importers import rows as raw
from scorer.importers.parts import Columns, Draft
from scorer.importers.sklearn import dispatch
from scorer.model import build, build_scores, golden, reference
from scorer.model.build import Design, Proof
from scorer.model.frame import columns, values
from scorer.model.model import Model
from scorer.model.outputs import MARGIN
from scorer.model.table import Results
from scorer.model.version import load

ODD = (np.inf, -np.inf, 0.0, -0.0, 5e-324, -5e-324, 1e-36, -1e-36, 1e300, -1e300, 1.0, -1.0)


def frame(seed: int, count: int = 400) -> pd.DataFrame:
    """Numbers with and without gaps, positive ones, integers, truth values, text of three sorts, moments."""
    rng = np.random.default_rng(seed)
    words = ["AA", "B6", "", "Zürich", "DL"]
    made = pd.DataFrame(
        {
            "gaps": np.where(rng.random(count) < 0.2, np.nan, rng.normal(30, 9, count)),
            "plain": np.round(rng.normal(size=count), rng.integers(0, 4)),
            "positive": rng.gamma(2, 5, count) + 1e-3,
            "whole": rng.integers(-4, 5, count),
            "flag": rng.random(count) < 0.3,
            "text": rng.choice(words, count, p=[0.4, 0.3, 0.2, 0.07, 0.03]),
            "none": pd.Series(rng.choice(np.array([*words, None], object), count), dtype="object"),
            "category": pd.Categorical(rng.choice(["EWR", "JFK", "LGA"], count)),
            "moment": pd.to_datetime(rng.integers(-(10**9), 4 * 10**9, count), unit="s"),
        }
    )
    made["text"] = made["text"].where(rng.random(count) > 0.1)
    return made


NUMBERS = ["gaps", "plain", "positive", "whole"]
FULL = ["plain", "positive", "whole"]
TEXTS = ["text", "none", "category"]


@dataclass(frozen=True, slots=True, eq=False)
class Twin:
    """What was fitted, and the version that scores the columns which it makes."""

    fitted: Any
    model: Model
    count: int

    def expected(self, rows: pd.DataFrame) -> Floats:
        """The library's columns, ``(columns, rows)``."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self.fitted.transform(rows)
        dense = found.toarray() if hasattr(found, "toarray") else np.asarray(found)
        return dense.astype(np.float64).T

    def got(self, rows: pd.DataFrame) -> Results:
        """The version's columns, flags and refused rows; compiled code and numpy are held against each other."""
        found = golden.score(self.model, columns(self.model.inputs, rows))
        plain = reference.score(self.model, values(self.model.inputs, rows), len(rows))
        np.testing.assert_array_equal(found.flags, plain.flags)
        np.testing.assert_array_equal(found.missing, plain.missing)
        np.testing.assert_allclose(found.scores, plain.scores, rtol=1e-12, atol=1e-14)
        return Results(found.scores[: self.count], found.flags, found.missing)

    def takes(self, row: pd.DataFrame) -> bool:
        """Whether the library transforms a row, and does not raise."""
        try:
            self.expected(row)
        except (ValueError, TypeError):
            return False
        return True


def twin(fitted: Any, rows: pd.DataFrame) -> Twin:
    """Import a transformer that was fitted on ``rows``. An input is nullable where the library takes a gap in it."""
    inputs = raw.inputs(rows)
    draft = Draft({entry.name: entry.dtype for entry in inputs}, dispatch.transform, dispatch.estimate)
    made = dispatch.transform(fitted, tuple(rows.columns), draft)
    taken = set(chain.from_iterable(part.taken for part in draft.steps)) | set(made)
    half = Twin(fitted, None, 0)  # type: ignore[arg-type]  # only its library is asked
    first = rows.dropna().iloc[:1]
    nullable = [half.takes(raw.without(first, entry.name, rows[entry.name])) for entry in inputs]
    entries = [replace(entry, nullable=gap) for entry, gap in zip(inputs, nullable, strict=True) if entry.name in taken]
    return Twin(fitted, compiled(draft, made, entries), len(made))


def compiled(draft: Draft, made: Columns, entries: Sequence[Any]) -> Model:
    """A model whose scores are columns; some of them twice where there are fewer than three."""
    shown = (*made, *made, *made)[: max(3, len(made))]
    classes = [str(k) for k in range(len(shown))]
    kernel = build_scores.columns(shown)
    design = Design("m", "v", 0, ("x", "1"), entries, draft.steps, kernel, "multiclass", classes, scale=MARGIN)
    return Model(load(build.draft(design, Proof([[None] * len(entries)], np.zeros((len(shown), 1))))))


def assert_alike(twin: Twin, rows: pd.DataFrame, rtol: float = 0.0, atol: float = 0.0) -> Results:
    """The version makes the same columns of ``rows``, all of which the library takes; none of them is refused."""
    got = twin.got(rows)
    np.testing.assert_array_equal(got.missing, -1)
    np.testing.assert_allclose(got.scores, twin.expected(rows), rtol=rtol, atol=atol)
    return got


def assert_alike_one_by_one(twin: Twin, rows: pd.DataFrame, rtol: float = 0.0, atol: float = 0.0) -> None:
    """The version refuses exactly the rows for which the library raises, and makes the same columns of the others."""
    one_by_one = [rows.iloc[k : k + 1] for k in range(len(rows))]
    took = np.array([twin.takes(row) for row in one_by_one])
    expected = np.full((twin.count, len(rows)), np.nan)
    for k in np.flatnonzero(took):
        expected[:, k] = twin.expected(one_by_one[k])[:, 0]
    got = twin.got(rows)
    # What the library makes infinite, the step before the next check may refuse; what is not finite is no prediction.
    bounded = took & ~np.isinf(expected).any(axis=0)
    wrong = (bounded & (got.missing >= 0)) | (~took & (got.missing < 0) & np.isfinite(got.scores).all(axis=0))
    assert not wrong.any(), f"the library takes {took[wrong]}:\n{rows[wrong]}"
    np.testing.assert_allclose(got.scores[:, bounded], expected[:, bounded], rtol=rtol, atol=atol)


def with_numbers(base: pd.DataFrame, name: str, numbers: npt.ArrayLike) -> pd.DataFrame:
    """Rows of ``base`` with these numbers in a column."""
    found = np.asarray(numbers, np.float64)
    taken = base.iloc[np.arange(len(found)) % len(base)].reset_index(drop=True)
    return taken.assign(**{name: found})


def around(numbers: npt.ArrayLike) -> Floats:
    """Numbers, and the next ones to both sides."""
    found = np.asarray(numbers, np.float64).ravel()
    return np.concatenate([found, np.nextafter(found, -np.inf), np.nextafter(found, np.inf)])
