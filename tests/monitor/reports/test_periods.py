"""Which period a report is about, and when it is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from monitor.reports.periods import PARTS, PERIODS, Period, Span, at, due, latest, moment, parse
from scorer.errors import SettingsError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = 3_600_000_000


def micros(*date: int) -> int:
    return (datetime(*date, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)  # type: ignore[misc,arg-type]  # of ints


def bounds(period: Period, day: datetime) -> tuple[datetime, datetime]:
    """By the calendar of the standard library."""
    day = day.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        return day, day + timedelta(days=1)
    if period == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


@given(
    some.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31)),
    some.sampled_from(PERIODS),
)
def test_periods_are_those_of_the_calendar(moment_: datetime, period: Period) -> None:
    aware = moment_.replace(tzinfo=UTC)
    span = at((aware - EPOCH) // timedelta(microseconds=1), period)
    begin, end = bounds(period, aware)
    assert (span.begin, span.end) == tuple((one - EPOCH) // timedelta(microseconds=1) for one in (begin, end))
    assert span.before.end == span.begin
    assert span.key == begin.strftime("%Y-%m" if period == "month" else "%Y-%m-%d")
    parts = list(span.parts(PARTS[period]))
    assert parts[0].begin == span.begin
    assert parts[-1].end == span.end
    assert all(one.end == other.begin for one, other in pairwise(parts))


def test_edges_belong_to_what_begins() -> None:
    assert at(micros(2013, 6, 3), "week").name == "week of 2013-06-03"
    assert at(micros(2013, 6, 3) - 1, "week").name == "week of 2013-05-27"
    assert at(micros(2016, 2, 29, 23, 59), "month").end == micros(2016, 3, 1)
    assert len(list(at(micros(2016, 2, 1), "month").parts("day"))) == 29


def test_the_latest_period_is_the_last_that_is_closed() -> None:
    assert latest("day", micros(2013, 6, 3)) == at(micros(2013, 6, 2), "day")
    assert latest("day", micros(2013, 6, 3) - 1) == at(micros(2013, 6, 1), "day")
    assert latest("month", micros(2013, 6, 30, 23)).key == "2013-05"
    assert latest("month", micros(2013, 7, 1)).key == "2013-06"


def test_a_report_is_due_once_when_its_last_cohort_has_closed() -> None:
    last = at(micros(2013, 6, 1), "day")
    assert due("day", last, micros(2013, 6, 2, 23)) == []
    assert due("day", last, micros(2013, 6, 3)) == [at(micros(2013, 6, 2), "day")]
    assert due("day", at(micros(2013, 6, 2), "day"), micros(2013, 6, 3, 5)) == []


def test_after_a_pause_the_latest_are_made_up_for() -> None:
    last = at(micros(2013, 1, 1), "day")
    found = due("day", last, micros(2013, 6, 11))
    assert [one.key for one in found] == [f"2013-06-{day:02}" for day in range(8, 11)]
    assert due("day", last, micros(2013, 6, 11), most=1) == found[-1:]
    assert [one.key for one in due("week", None, micros(2013, 6, 11))] == ["2013-06-03"]
    assert due("month", at(micros(2014, 1, 1), "month"), micros(2013, 6, 11)) == []


@given(some.lists(some.integers(0, 90 * 24), min_size=1, max_size=30), some.sampled_from(PERIODS))
def test_however_often_one_asks_each_report_is_made_once(hours: list[int], period: Period) -> None:
    start = micros(2013, 6, 1)
    last: Span | None = latest(period, start)
    made = []
    for hour in sorted(hours):
        for one in due(period, last, start + hour * HOUR, most=100):
            made.append(one)
            last = one
    assert made == sorted(set(made))
    assert made == due(period, latest(period, start), start + max(hours) * HOUR, most=100)


def test_dates_are_read_and_others_refused() -> None:
    assert parse("week", "2013-06-05") == at(micros(2013, 6, 3), "week")
    assert parse("month", "2013-06") == at(micros(2013, 6, 1), "month")
    for text in ("now", "today", "2013-13-01", "2013-6-1", "", "NaT", "2013-02-30", "20130601", "2013-06-01T10"):
        with pytest.raises(SettingsError, match="2013-06-03"):
            parse("day", text)


def test_a_moment_in_words() -> None:
    assert moment(micros(2013, 6, 3, 7, 5) + 59_999_999) == "2013-06-03 07:05"
