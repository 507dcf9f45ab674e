"""Dead letters and slow predictions: judged once for each closed window, from whole numbers by the hour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitor.stats.buckets import HOUR
from monitor.stats.shares import Counted, judge_share, judge_shares
from scorer.quality.lateness import LATENCY_EDGES, edge_of
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement
from scorer.quality.requirements import parse
from tests.monitor.stats.support import requirement
from tests.quality.test_requirements import written

LETTERS = requirement("dead_letter_share", least=10, maximum=0.02)
SLOW = requirement("slow_share", Parameters(within=0.5), least=10, maximum=0.1)
START = int(np.datetime64("2013-06-29", "us").astype(np.int64))


def hours(*numbers: int) -> dict[int, int]:
    return {START + place * HOUR: n for place, n in enumerate(numbers)}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["hour", "day", "week", "month"]), st.sampled_from([(), (6,), (7, 8)]))
def test_windows_are_those_of_pandas(seed: int, window: str, season: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    times = pd.date_range("2013-06-29", periods=24 * 5, freq="h")
    frame = pd.DataFrame({"time": times, "letters": rng.integers(0, 3, 120), "n": rng.integers(0, 40, 120)})
    micros = (frame["time"].to_numpy("datetime64[us]")).astype(np.int64).tolist()
    counted = Counted(
        dict(zip(micros, frame["n"], strict=True)), dict(zip(micros, frame["letters"], strict=True)),
        {(hour, bin_of): 1 for hour in micros for bin_of in range(8, 11)},
    )  # fmt: skip
    end = pd.Timestamp("2013-07-03")
    asked = [replace(one, window=window, season=season) for one in (LETTERS, SLOW)]  # type: ignore[arg-type]
    found = judge_shares([*asked, requirement("auc")], counted, int(end.to_datetime64().astype("M8[us]").astype(int)),
                         0.05)  # fmt: skip
    period = frame["time"].dt.to_period({"hour": "h", "day": "D", "week": "W", "month": "M"}[window])
    kept = frame[(period.dt.end_time < end) & (frame["time"].dt.month.isin(season) if season else True)]
    by_window = kept.groupby(period)[["letters", "n"]].sum()
    expected = [(row.letters, row.letters + row.n) for row in by_window.itertuples() if row.letters + row.n]
    dead = [one.judged for one in found if one.requirement is asked[0]]
    assert [(round(one.figure.value * one.figure.n), one.figure.n) for one in dead if one.figure] == expected
    slow = [one.judged for one in found if one.requirement is asked[1]]
    assert [one.figure.value for one in slow if one.figure] == pytest.approx([2 / 3] * len(by_window)), (
        "bin 8 ends at 0.5 s"
    )
    assert len(found) == len(dead) + len(slow)


@pytest.mark.parametrize(
    ("hits", "n", "says"), [(0, 1000, "PASS"), (20, 1000, "INSUFFICIENT"), (60, 1000, "FAIL"), (9, 9, "INSUFFICIENT")]
)
def test_the_interval_decides(hits: int, n: int, says: str) -> None:
    found = judge_share(LETTERS, hits, n, 0.05)
    expected = stats.binomtest(hits, n).proportion_ci(0.95, "exact")
    assert found.verdict == says
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_an_hour_still_open_and_one_without_events_have_no_verdict() -> None:
    hourly = replace(LETTERS, window="hour")
    counted = Counted(hours(99, 0, 100, 5), hours(1, 0, 0, 5))
    found = judge_shares([hourly], counted, START + 3 * HOUR, 0.05)
    assert [(one.number - START // HOUR, one.judged.figure) for one in found] == [
        (0, judge_share(hourly, 1, 100, 0.05).figure), (2, judge_share(hourly, 0, 100, 0.05).figure),
    ]  # fmt: skip
    assert judge_shares([LETTERS], counted, START + 23 * HOUR, 0.05) == []
    assert len(judge_shares([LETTERS], counted, START + 24 * HOUR, 0.05)) == 1


def test_what_took_as_long_as_allowed_is_too_late() -> None:
    edges = np.array(LATENCY_EDGES)
    latency = np.array([499_999, 500_000, -7, 0, 700_000_000_000])
    bins = np.searchsorted(edges, latency, side="right").tolist()
    counted = Counted(latency={(START, bin_of): bins.count(bin_of) for bin_of in bins})
    [found] = judge_shares([SLOW], counted, START + 24 * HOUR, 0.05)
    assert found.judged.figure is not None
    assert (found.judged.figure.value, found.judged.figure.n) == (2 / 5, 5)


def test_only_edges_of_bins_are_asked_for() -> None:
    assert [edge_of(edge / 1e6) for edge in LATENCY_EDGES] == list(range(len(LATENCY_EDGES)))
    assert list(LATENCY_EDGES) == sorted(set(LATENCY_EDGES))
    assert [edge_of(seconds) for seconds in (0.4, 0.0, 1e300, 0.5000001)] == [None] * 4
    asked: list[Requirement] = list(parse(written("slow_share", within=5), "f"))
    assert edge_of(asked[0].parameters.within or 0.0) == LATENCY_EDGES.index(5_000_000)
    with pytest.raises(ValueError, match="not counted by that"):
        judge_shares([requirement("slow_share", Parameters(within=0.4))], Counted(latency={(START, 3): 1}), START, 0.05)
