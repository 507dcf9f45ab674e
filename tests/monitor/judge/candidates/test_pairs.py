"""Pairs: held against pandas, in any batches, and what a candidate does not score counts against it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.judge.candidates.pairs import Comparison, Losses
from monitor.judge.candidates.policy import Policy
from monitor.judge.outputs import Outputs
from monitor.rows import Rows
from monitor.stats.continuous.gate import Gate
from monitor.stats.layout import Layout

OUTPUTS = Outputs("binary", ("no", "yes"))
LAYOUT = Layout.of((), "binary", ("no", "yes"), "probability")
POLICY = Policy(margins={"brier": 0.0, "accuracy": -0.05}, fields=("origin",))
LOSSES = Losses.made(POLICY, (), LAYOUT, OUTPUTS, ("carrier", "origin"))
HOUR = 3_600_000_000
VERSIONS = ("v0", "v1", "v2")


def names(kind: str) -> dict[int, str]:
    texts = {"version": VERSIONS, "topic": ("t.retry", "t.events")}
    return dict(enumerate(texts.get(kind, ("EWR", "JFK", "LGA"))))


def stream(seed: int = 1, n: int = 400, missing: float = 0.1) -> pd.DataFrame:
    """Outcomes of a champion v1, of a challenger v2 that misses some, and of a v0 that is nobody's business."""
    rng = np.random.default_rng(seed)
    events = pd.DataFrame(
        {
            "id_high": rng.integers(0, 2**63, n).astype("u8"),
            "id_low": np.arange(n).astype("u8"),
            "time": np.sort(rng.integers(0, 10 * HOUR, n)),
            "labelled": rng.random(n) < 0.8,
            "value": (rng.random(n) < 0.4).astype(float),
            "segment_0": 0,
            "source_topic": (rng.random(n) < 0.9).astype(int),
            "source_partition": rng.integers(0, 3, n),
            "source_offset": np.arange(n),
            "segment_1": rng.integers(-1, 3, n),
        }
    )
    parts = []
    for version, role in ((1, 0), (2, 2), (0, 2), (0, 1)):
        part = events.assign(version=version, role=role, score_0=rng.random(n), order=rng.random(n))
        part["predicted"] = (part["score_0"] > 0.5).astype(int)
        if version == 2:
            part.loc[rng.random(n) < missing / 2, "score_0"] = np.nan
            part = part[rng.random(n) >= missing]
        parts.append(part)
    return pd.concat(parts).sort_values(["time", "order"], kind="stable").reset_index(drop=True)


def rows(frame: pd.DataFrame) -> Rows:
    types = {"version": "i4", "role": "i1", "predicted": "i2", "segment_0": "i4", "segment_1": "i4"}
    return {name: frame[name].to_numpy(types.get(name)) for name in frame.columns if name != "order"}


def fed(frame: pd.DataFrame, begin: int = 0, cuts: tuple[int, ...] = ()) -> Comparison:
    found = Comparison("v2", "v1", 1, {"t.events": {0: begin, 1: begin // 2}})
    hours = frame["time"] // HOUR
    bounds = [0, *sorted(cuts), 10]
    for low, high in pairwise(bounds):
        found.feed(rows(frame[(hours >= low) & (hours < high)]), names, LOSSES)
        found = Comparison.of_plain(json.loads(json.dumps(found.plain())))
    return found


def expected(frame: pd.DataFrame, begin: int = 0) -> pd.DataFrame:
    """The pairs, by pandas."""
    least = frame["source_partition"].map({0: begin, 1: begin // 2, 2: 0})
    behind = (frame["source_topic"] == 0) | (frame["source_offset"] >= least)
    live = frame[(frame["version"] == 1) & frame["labelled"] & behind]
    shadow = frame[(frame["version"] == 2) & (frame["role"] == 2)]
    both = live.merge(shadow[["id_low", "score_0", "predicted"]], on="id_low", how="left", suffixes=("", "_b"))
    scored = both["score_0_b"].notna()
    brier = (both["score_0"] - both["value"]) ** 2 - (both["score_0_b"] - both["value"]) ** 2
    wrong = (both["predicted"] != both["value"]).astype(float) - (both["predicted_b"] != both["value"]).astype(float)
    return both.assign(scored=scored, brier=brier.where(scored, -1.0), accuracy=wrong.where(scored, -1.0))


@pytest.mark.parametrize("begin", [0, 300])
def test_the_pairs_are_those_of_pandas(begin: int) -> None:
    frame = stream()
    found, wanted = fed(frame, begin), expected(frame, begin)
    assert (found.n, found.matched) == (len(wanted), int(wanted["scored"].sum()))
    assert 0 < found.matched < found.n
    assert found.since == wanted["time"].min()
    for name, margin in POLICY.margins.items():
        gate = Gate(1.0, margin)
        gate.update(wanted[name].to_numpy())
        assert found.gates[name].plain() == gate.plain()
        assert found.gates[name].mean == pytest.approx(wanted[name].mean(), abs=1e-12)
    assert set(found.worse) == {("origin", "EWR"), ("origin", "JFK"), ("origin", "LGA")}
    for (_, value), worse in found.worse.items():
        part = wanted[wanted["segment_1"] == ("EWR", "JFK", "LGA").index(value)]
        gate = Gate(1.0)
        gate.update(-part["brier"].to_numpy())
        assert worse.plain() == gate.plain()


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 10), max_size=5), seed=st.integers(0, 3))
def test_any_batches_and_restarts_give_the_same_bits(cuts: list[int], seed: int) -> None:
    frame = stream(seed, 200)
    assert fed(frame, 50, tuple(cuts)).plain() == fed(frame, 50).plain()


def test_in_the_watch_period_no_margin_counts() -> None:
    frame = stream()
    found = Comparison("v2", "v1", 1, {}, watch=True)
    found.feed(rows(frame), names, LOSSES)
    assert {name: gate.floor for name, gate in found.gates.items()} == {"brier": 0.0, "accuracy": 0.0}
    assert Comparison.of_plain(json.loads(json.dumps(found.plain()))).watch


def test_who_leaves_out_what_is_hard_gains_nothing() -> None:
    frame = stream(missing=0.0)
    whole = fed(frame)
    worst = expected(frame).sort_values("brier").head(40)["id_low"]
    left_out = fed(frame[~((frame["version"] == 2) & frame["id_low"].isin(worst))])
    assert left_out.n == whole.n
    assert left_out.matched == whole.matched - 40
    assert left_out.gates["brier"].mean < whole.gates["brier"].mean


def test_a_candidate_that_scores_nothing_has_lost_every_pair() -> None:
    frame = stream()
    found = fed(frame[frame["version"] != 2])
    assert (found.matched, found.gates["brier"].mean) == (0, -1.0)


def test_nothing_is_paired_without_the_champion() -> None:
    frame = stream()
    nobody = Comparison("v2", "v9", 1, {})
    assert not nobody.feed(rows(frame), names, LOSSES)
    assert (nobody.n, nobody.gates) == (0, {})


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ({"margins": {"auc": 0.0}}, "no mean over rows"),
        ({"margins": {"log_loss": 0.0}}, "between 0 and inf"),
        ({"margins": {"brier": 1.0}}, "is not between"),
        ({"margins": {"brier": 0.0}, "fields": ("zone",)}, "no segment field"),
    ],
)
def test_what_cannot_be_compared_is_said_at_once(policy: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Losses.made(Policy(**policy), (), LAYOUT, OUTPUTS, ("carrier", "origin"))
