"""Windows, segments and what is kept of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.judge.outputs import segment_kind
from monitor.judge.windows import BUCKETS_FOR, HOURS_FOR, VALUES, Cells, Group, Plan, bounds
from monitor.rows import DAY, Rows, take
from monitor.stats.buckets import HOUR
from scorer.quality.requirement import Segments, Window
from scorer.quality.windows import window_of
from tests.monitor.judge.world import FIELDS, OUTPUTS, REQUIREMENTS, START, VERSIONS, requirement, stream
from tests.monitor.judge.world import VALUES as TEXTS

WINDOWS: tuple[Window, ...] = ("hour", "day", "week", "month")


def names(kind: str) -> Mapping[int, str]:
    texts = {"version": VERSIONS, "topic": ("events",)} | {segment_kind(name): TEXTS[name] for name in FIELDS}
    return dict(enumerate(texts[kind]))


def cells() -> Cells:
    return Cells.empty(Plan.of(REQUIREMENTS, OUTPUTS, FIELDS), OUTPUTS)


def changes(seed: int, rows: int) -> Rows:
    """Predictions, most of them with labels, to be added."""
    rng = np.random.default_rng(seed)
    made = stream(seed, rows, 40).predictions
    n = len(made["time"])
    return {
        **made, "labelled": rng.random(n) < 0.8, "value": rng.integers(0, 2, n).astype(float),
        "implicit": np.zeros(n, bool), "sign": np.ones(n, np.int8),
    }  # fmt: skip


@given(st.integers(-(2**50), 2**50), st.sampled_from(WINDOWS))
def test_a_moment_lies_in_its_window(moment: int, window: Window) -> None:
    number = int(window_of(np.array([moment]), window)[0])
    begin, end = bounds(number, window)
    assert begin <= moment < end
    assert window_of(np.array([begin, end - 1, end]), window).tolist() == [number, number, number + 1]


def test_windows_begin_and_end_in_utc() -> None:
    leap = int(datetime(2012, 2, 29, 23, 59, tzinfo=UTC).timestamp()) * 1_000_000
    month, week = (int(window_of(np.array([leap]), window)[0]) for window in ("month", "week"))
    told = [[datetime.fromtimestamp(end / 1e6, UTC).date().isoformat() for end in bounds(*one)]
            for one in ((month, "month"), (week, "week"))]  # fmt: skip
    assert told == [["2012-02-01", "2012-03-01"], ["2012-02-27", "2012-03-05"]]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 4))
def test_any_batches_give_equal_buckets_and_taking_back_leaves_nothing(seed: int, parts: int) -> None:
    rows = changes(seed, 120)
    whole, other = cells(), cells()
    whole.add(rows, names)
    order = np.random.default_rng(seed).permutation(120)
    for part in np.array_split(order, parts + 1):
        other.add(take(rows, part), names)
    assert whole.buckets.kept == other.buckets.kept
    assert whole.of_group == other.of_group
    before = dict(whole.buckets.kept)
    corrected = {**rows, "value": 1.0 - rows["value"]}
    whole.add({**rows, "sign": -rows["sign"]}, names)
    assert (whole.buckets.kept, whole.of_group) == ({}, {})
    whole.add(corrected, names)
    whole.add({**corrected, "sign": -rows["sign"]}, names)
    whole.add(rows, names)
    assert whole.buckets.kept == before


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32))
def test_hours_of_long_ago_are_merged_into_days_without_loss(seed: int) -> None:
    rows = changes(seed, 200)
    plain, aged = cells(), cells()
    plain.add(rows, names)
    aged.add(take(rows, np.arange(100)), names)
    aged.age(START + DAY + HOURS_FOR * HOUR)
    assert any(key.hours == 24 for key in aged.buckets.kept if key.segment is None)
    aged.add(take(rows, np.arange(100, 200)), names)
    assert all(key.hours == (24 if key.hour < aged.merged else 1) for key in aged.buckets.kept if key.segment is None)
    asked = requirement("accuracy")
    for group in plain.of_group:
        for day in (START, START + DAY):
            assert aged.window(group, day, day + DAY, asked) == plain.window(group, day, day + DAY, asked)
    aged.age(START + 3 * DAY + (HOURS_FOR + BUCKETS_FOR) * HOUR)
    assert (aged.buckets.kept, aged.of_group) == ({}, {})


def test_a_season_holds_by_the_month() -> None:
    rows = changes(1, 100)
    rows["time"] = np.where(np.arange(100) < 60, START - HOUR, START + HOUR)  # the last hour of December, and January
    found = cells()
    found.add({**rows, "role": np.zeros(100, np.int8), "version": np.zeros(100, np.int32)}, names)
    week = bounds(int(window_of(np.array([START]), "week")[0]), "week")
    group = Group("v1", "champion", None)
    assert found.window(group, *week, requirement("accuracy")).predictions == 100
    assert found.window(group, *week, requirement("accuracy", season=(1,))).predictions == 40


def test_so_many_values_are_told_apart_and_the_rest_are_counted() -> None:
    plan = Plan.of([requirement("accuracy", segments=(Segments("origin", ("zz",)),))], OUTPUTS, ("origin",))
    values = {code: f"v{code:03}" for code in range(400)} | {400: "zz"}
    called = {"version": dict(enumerate(VERSIONS)), segment_kind("origin"): values}
    rows = changes(2, 401)
    rows["segment_0"] = np.random.default_rng(1).permutation(401).astype(np.int32)
    one, other = (Cells.empty(plan, OUTPUTS) for _ in range(2))
    one.add(rows, called.__getitem__)
    assert set(one.values["origin"]) == {"zz", *(f"v{code:03}" for code in range(VALUES))}
    assert one.beyond == {"origin": 400 - VALUES}
    one.add({**rows, "sign": -rows["sign"]}, called.__getitem__)
    assert one.buckets.kept == {}
    # Which values these are does not depend on the order of rows, or on how codes were given out.
    turned = {kind: {len(texts) - 1 - code: text for code, text in texts.items()} for kind, texts in called.items()}
    mirrored: dict[str, Any] = {**rows, "version": 1 - rows["version"], "segment_0": 400 - rows["segment_0"]}
    other.add(take(mirrored, np.arange(401)[::-1]), turned.__getitem__)
    assert other.values == one.values
    one.add(rows, called.__getitem__)
    assert other.buckets.kept == one.buckets.kept


def test_a_requirement_about_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="no segment field"):
        Plan.of([requirement("accuracy", segments=(Segments("tail", ()),))], OUTPUTS, FIELDS)
