"""The profile of training data, held against pandas."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scorer.errors import VersionRefused
from scorer.model import build, golden, profile
from scorer.model.build import Proof
from scorer.model.evidence import CategoryProfile, NumberProfile
from scorer.model.table import from_rows, values_of
from scorer.model.version import VersionBytes, load
from tests.model import samples

DESIGN = samples.everything("logistic@1")
INPUTS = tuple(DESIGN.inputs)
RAW = samples.rows(INPUTS, 500, 21)
SCORES = golden.score(golden.admit(samples.store(DESIGN)), from_rows(INPUTS, RAW)).scores
PROFILE = profile.profile(INPUTS, values_of(INPUTS, RAW), SCORES)


def stored(found: Any = PROFILE) -> VersionBytes:
    model = golden.admit(samples.store(DESIGN))
    rows = RAW[:60]
    scores = golden.score(model, from_rows(INPUTS, rows))
    kept = [row for row, missing in zip(rows, scores.missing, strict=True) if missing < 0]
    return build.version(
        replace(DESIGN, profile=found), Proof(kept, scores.scores[:, scores.missing < 0], atol=0.0, rtol=0.0)
    )


def test_numbers_and_categories_are_those_of_pandas() -> None:
    assert PROFILE.n == 500
    for place, entry in enumerate(INPUTS):
        column = pd.Series([row[place] for row in RAW], dtype=object)
        if entry.missing_sentinel is not None:
            column = column.where(column != entry.missing_sentinel, None)
        found = PROFILE.inputs[entry.name]
        assert found.missing == column.isna().sum()
        if isinstance(found, CategoryProfile):
            counts = column.value_counts()
            assert dict(found.counts) == counts.to_dict()
            assert [count for _, count in found.counts] == sorted(counts, reverse=True)
            assert found.other == 0
        else:
            present = np.sort(column.dropna().astype(float).to_numpy())
            expected = [present[max(0, int(np.ceil(p * len(present))) - 1)] for p in PROFILE.probabilities]
            np.testing.assert_allclose(found.quantiles, expected)
    present = np.sort(SCORES[0][~np.isnan(SCORES[0])])
    assert PROFILE.scores[0][0] == present[0]
    assert PROFILE.scores[0][-1] == present[-1]


def test_a_profile_is_part_of_the_version() -> None:
    assert load(stored()).manifest.profile == PROFILE
    assert load(stored(None)).manifest.profile is None
    assert load(stored()).digest != load(stored(None)).digest


def test_an_input_without_values_has_no_quantiles() -> None:
    gaps = np.array([np.nan, np.nan])
    assert profile.quantiles(gaps, ~np.isnan(gaps)) == ()


def test_rare_categories_are_counted_together() -> None:
    words: list[bytes | None] = [*(str(number).encode() for number in range(1200)), b"7", None]
    found = profile._categories(words)
    assert found.counts[0] == ("7", 2)
    assert (len(found.counts), found.other, found.missing) == (1000, 200, 1)


NUMBER, WORD = PROFILE.inputs["plain"], PROFILE.inputs["carrier"]


@pytest.mark.parametrize(
    "wrong",
    [
        replace(PROFILE, n=499),
        replace(PROFILE, n=-1),
        replace(PROFILE, probabilities=(0.5, 0.1)),
        replace(PROFILE, probabilities=(0.0, 1.5)),
        replace(PROFILE, scores=()),
        replace(PROFILE, scores=((1.0,),)),
        replace(PROFILE, scores=(tuple(reversed(PROFILE.scores[0])),)),
        replace(PROFILE, inputs={"plain": NUMBER}),
        replace(PROFILE, inputs={**PROFILE.inputs, "plain": WORD}),
        replace(PROFILE, inputs={**PROFILE.inputs, "plain": NumberProfile(-1, ())}),
        replace(PROFILE, inputs={**PROFILE.inputs, "plain": NumberProfile(501, ())}),
        replace(PROFILE, inputs={**PROFILE.inputs, "plain": NumberProfile(0, (float("nan"),) * 15)}),
        replace(PROFILE, inputs={**PROFILE.inputs, "carrier": CategoryProfile(0, (("a", 250), ("a", 250)), 0)}),
        replace(PROFILE, inputs={**PROFILE.inputs, "carrier": CategoryProfile(0, (("a", 250),), 0)}),
    ],
)
def test_a_profile_that_does_not_add_up_is_refused(wrong: Any) -> None:
    with pytest.raises(VersionRefused) as caught:
        stored(wrong)
    assert caught.value.reason == "manifest"
