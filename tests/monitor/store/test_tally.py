"""Coverage and delays of changes are the sums that pandas finds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.rows import HOUR, Int64s, Rows, distinct
from monitor.store.tally import EDGES, coverage, delays


def changes(seed: int, n: int, far: bool) -> Rows:
    rng = np.random.default_rng(seed)
    time = rng.integers(-3 * HOUR, 20 * HOUR, n)
    return {
        "sign": rng.choice([-1, 1], n).astype(np.int8),
        "labelled": rng.random(n) < 0.6,
        "implicit": rng.random(n) < 0.2,
        "time": time + 10**15 * (rng.random(n) < 0.05) if far else time,
        "version": rng.integers(0, 3, n).astype(np.int32),
        "role": rng.integers(0, 3, n).astype(np.int8),
        "label_time": rng.integers(-4 * HOUR, 90 * 24 * HOUR, n),
    }


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 300), st.booleans())
def test_sums_are_those_of_pandas(seed: int, n: int, far: bool) -> None:
    rows = changes(seed, n, far)
    frame = pd.DataFrame(rows).assign(hour=rows["time"] // HOUR * HOUR, sign=rows["sign"].astype(np.int64))
    told = frame["labelled"] & ~frame["implicit"]
    bins = np.searchsorted(EDGES, frame["label_time"] - frame["time"], side="right")
    frame = frame.assign(
        shadow=(frame["role"] == 2).astype(np.int64),
        predictions=frame["sign"],
        labelled=frame["sign"] * told,
        bin=bins,
        labels=frame["sign"],
    )
    for found, of, values in (
        (coverage(rows), frame, ["predictions", "labelled"]), (delays(rows), frame[told], ["labels"]),
    ):  # fmt: skip
        keys = [name for name in found if name not in values]
        sums = of.groupby(keys)[values].sum()
        expected = sums[(sums != 0).any(axis=1)].reset_index()
        assert np.stack(list(found.values()), axis=1).tolist() == expected[[*keys, *values]].to_numpy().tolist()


@pytest.mark.parametrize("numbers", [[], [7], [3, -2, 3, 5], [2**62, -(2**62), 5, 5], list(range(50, 0, -7))])
def test_what_is_distinct_is_what_numpy_says(numbers: list[int]) -> None:
    given_numbers: Int64s = np.array(numbers, np.int64)
    found, place = distinct(given_numbers)
    expected, which = np.unique(given_numbers, return_inverse=True)
    assert (found.tolist(), place.tolist()) == (expected.tolist(), which.tolist())
