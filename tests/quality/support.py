"""Rows of all sorts for metrics: with ties and weights, of one class only, none at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from scorer.batch import Bools, Floats, Int64s
from scorer.quality.undefined import Undefined

few = settings(max_examples=60, deadline=None)


@dataclass(frozen=True)
class Sample:
    """Rows of two classes, and of several; scores are probabilities with many ties."""

    truth: Bools
    score: Floats
    labels: Int64s
    predicted: Int64s
    scores: Floats
    weights: Floats | None


@st.composite
def samples(draw: DrawFn, least: int = 0) -> Sample:
    """Small ones, which are often of one class only, or empty."""
    n = draw(st.integers(least, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    share, classes = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])), draw(st.integers(1, 4))
    score = rng.random(n).round(draw(st.integers(1, 12)))
    scores = rng.dirichlet(np.ones(classes), n).T
    weights = draw(st.sampled_from(["none", "counts", "real"]))
    return Sample(
        rng.random(n) < share,
        score,
        rng.integers(0, classes, n),
        rng.integers(0, classes, n),
        scores,
        {"none": None, "counts": rng.integers(0, 4, n).astype(float), "real": rng.random(n) + 0.1}[weights],
    )


def outcome(measure: Callable[[], float]) -> float | str:
    """The value, or why there is none."""
    try:
        return measure()
    except Undefined as why:
        return str(why)


def agree(found: float | str, defined: bool, expected: Callable[[], float]) -> None:
    """A number exactly where there is one, and the right one."""
    assert isinstance(found, float) == defined, found
    if defined:
        assert found == pytest.approx(expected(), rel=1e-9, abs=1e-12)


def weighty(sample: Sample) -> bool:
    return len(sample.truth) > 0 and (sample.weights is None or bool(sample.weights.sum() > 0))


def mass(rows: Bools, weights: Floats | None) -> float:
    return float(rows.sum() if weights is None else weights[rows].sum())
