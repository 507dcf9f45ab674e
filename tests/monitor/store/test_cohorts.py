"""When cohorts close and days are forgotten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.rows import DAY, HOUR
from monitor.store.cohorts import BEGINNING, Source, Timing, closed_before, kept_from, together, watermark

TIMING = Timing(matures_after=2 * HOUR, retention=3 * DAY, idle_after=10, ahead=5, recorded_for=0)
SOURCES = st.lists(st.builds(Source, st.just(0), st.integers(0, 200), st.integers(0, 200)), max_size=5)


def test_it_is_the_least_of_the_active_partitions() -> None:
    assert watermark([Source(9, 70, 95), Source(9, 50, 95), Source(9, 20, 89)], 100, 10) == 50
    assert watermark([Source(9, 70, 95), Source(9, 20, 90)], 100, 10) == 20, "idle only when longer than idle_after"


def test_a_partition_that_brought_nothing_yet_holds_back_until_it_is_idle() -> None:
    assert watermark([Source(0, BEGINNING, 95), Source(9, 50, 95)], 100, 10) == BEGINNING
    assert watermark([Source(0, BEGINNING, 89), Source(9, 50, 95)], 100, 10) == 50


def test_an_idle_stream_expires_by_ticks() -> None:
    assert watermark([Source(9, 70, 80), Source(9, 20, 80)], 100, 10) == 90


def test_where_no_partition_is_known_nothing_has_been_read() -> None:
    assert watermark([], 100, 10) == BEGINNING


def test_it_never_lies_in_the_future() -> None:
    assert watermark([Source(9, 104, 100)], 100, 10) == 100


@given(SOURCES, st.integers(0, 300), st.integers(0, 100))
def test_it_does_not_depend_on_the_order_of_partitions_nor_run_ahead(
    sources: list[Source], tick: int, idle: int
) -> None:
    found = watermark(sources, tick, idle)
    assert found == watermark(reversed(sources), tick, idle) <= tick
    assert all(found <= source.time for source in sources if tick - source.alive <= idle)


@given(st.integers(-(10**15), 10**16))
def test_an_hour_closes_as_soon_as_its_end_is_mature_and_never_before(reached: int) -> None:
    closed = closed_before(reached, TIMING)
    assert closed % HOUR == 0
    assert closed + TIMING.matures_after <= reached < closed + HOUR + TIMING.matures_after


@given(st.integers(-(10**15), 10**16))
def test_a_day_is_kept_until_its_end_is_past_retention(reached: int) -> None:
    first = kept_from(reached, TIMING)
    assert first * DAY + TIMING.retention <= reached < (first + 1) * DAY + TIMING.retention
    assert first * DAY + DAY <= closed_before(reached, TIMING) + DAY, "a day that is dropped has closed"


@pytest.mark.parametrize(
    "wrong", [(-1, DAY, 0, 0, 0), (0, DAY, -1, 0, 0), (0, DAY, 0, -1, 0), (0, DAY, 0, 0, -1), (1, DAY, 0, 0, 0)]
)
def test_times_that_make_no_sense(wrong: tuple[int, int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="times"):
        Timing(*wrong)


@given(st.lists(st.integers(1, 50), max_size=20), st.integers(1, 60))
def test_hours_are_fetched_together_up_to_so_many_rows(sizes: list[int], rows: int) -> None:
    groups = together(list(enumerate(sizes)), rows)
    assert [hour for group in groups for hour in group] == list(range(len(sizes)))
    for group in groups:
        assert len(group) == 1 or sum(sizes[hour] for hour in group) <= rows
