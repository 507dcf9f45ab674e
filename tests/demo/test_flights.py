"""The flights against what is known of them, and their records against the schemas."""

from __future__ import annotations

import io
import shutil
from datetime import datetime
from pathlib import Path

import fastavro
import numpy as np
import pandas as pd
import pytest

from demo import flights, records
from demo.flights import FIELDS, WEATHER
from demo.records import Day, Record


def test_known_figures(flown: pd.DataFrame) -> None:
    later = flights.replayed(flown)
    assert len(flown) == 336_776
    assert len(later) == 255_987
    assert int(flown["late"].isna().sum()) == 9_430
    assert int(later["late"].isna().sum()) == 6_552
    assert len(flights.training(flown)) == 336_776 - 255_987 - (9_430 - 6_552)
    share = flown.groupby("month")["late"].mean().round(2)
    assert share[[6, 7, 9, 12]].tolist() == [0.31, 0.31, 0.13, 0.33]
    assert share[:3].tolist() == [0.23, 0.23, 0.23]


def test_event_ids_are_unique_only_with_origin_and_departure(flown: pd.DataFrame) -> None:
    assert flown["event_id"].is_unique
    shorter = flown["event_id"].str.rsplit("-", n=2).str[0]
    assert int(shorter.duplicated().sum()) == 24
    assert "2013-01-01-UA-1545-EWR-0515" in set(flown["event_id"][:3])


def test_one_flight_by_hand(flown: pd.DataFrame) -> None:
    """The first flight of the year: due at 5:15 in New York, left 2 minutes late, 227 in the air."""
    first = flown.set_index("event_id").loc["2013-01-01-UA-1545-EWR-0515"]
    assert first["scheduled"] == pd.Timestamp("2013-01-01T10:15Z")
    assert first["label_time"] == pd.Timestamp("2013-01-01T14:04Z")
    assert first["late"] == 0.0
    assert (first["dest"], first["distance"], first["weekday"]) == ("IAH", 1400, 1)
    assert (first["plane_year"], first["seats"], first["manufacturer"]) == (1999, 149, "BOEING")
    assert (first["temp"], first["pressure"]) == (39.02, 1011.9)
    assert np.isnan(first["wind_gust"])


def test_labels_come_after_their_events_and_only_where_there_is_one(flown: pd.DataFrame) -> None:
    labelled = flown["late"].notna()
    assert (flown["label_time"].notna() == labelled).all()
    waited = flown["label_time"][labelled] - flown["scheduled"][labelled]
    assert waited.min() > pd.Timedelta(0)
    assert waited.max() < pd.Timedelta(days=2)


def test_weather_is_joined_by_origin_and_hour(flown: pd.DataFrame) -> None:
    """1,556 flights have no observation for their hour; each other one has that of its own airport."""
    assert int(flown[list(WEATHER)].isna().all(axis=1).sum()) == 1_556
    hour = flown[flown["scheduled"].dt.floor("h") == pd.Timestamp("2013-06-03T12:00Z")]
    assert hour.groupby("origin")["temp"].nunique(dropna=False).max() == 1
    assert hour["temp"].nunique() > 1


def test_ids_that_are_not_unique_are_refused(tmp_path: Path) -> None:
    source = flights._package_data()
    for name in ("weather.csv", "planes.csv"):
        shutil.copy(source / name, tmp_path)
    head = pd.read_csv(source / "flights.csv.zip", nrows=5)
    pd.concat([head, head.tail(1)]).to_csv(tmp_path / "flights.csv.zip", index=False)
    with pytest.raises(ValueError, match="1 event ids are not unique, for example 2013-01-01-DL-461-LGA-0600"):
        flights.load(tmp_path)


@pytest.fixture(scope="module")
def week(flown: pd.DataFrame) -> pd.DataFrame:
    """Seven days from April on, the first of the replay."""
    later = flights.replayed(flown)
    return later[later["date"].isin(later["date"].unique()[:7])]


def test_records_hold_what_the_frame_holds(week: pd.DataFrame) -> None:
    parsed = fastavro.parse_schema(dict(records.schema(records.EVENT_SCHEMA)))
    assert [field["name"] for field in records.schema(records.EVENT_SCHEMA)["fields"]] == list(FIELDS)
    found = []
    for day in records.days(week):
        for record in day.records:
            if not record.label:
                assert record.value is not None
                assert record.value[:5] == b"\0\0\0\0\1"
                found.append(fastavro.schemaless_reader(io.BytesIO(record.value[5:]), parsed, None))
    got = pd.DataFrame(found).set_index("event_id").loc[week["event_id"]].reset_index()
    for name in FIELDS:
        left, right = got[name], week[name].reset_index(drop=True)
        assert (left.isna() == right.isna()).all(), name
        there = left.notna()
        assert (left[there] == right[there]).all(), name


def test_days_come_in_order_with_all_labels(week: pd.DataFrame) -> None:
    made = list(records.days(week))
    assert [day.date for day in made] == [f"2013-04-0{number}" for number in range(1, 9)]
    assert [day.events for day in made[:7]] == week.groupby("date").size().tolist()
    assert made[7].events == 0, "the last day has only labels, of flights that landed after midnight"
    parsed = {
        True: fastavro.parse_schema(dict(records.schema(records.SCHEMAS / "label.avsc"))),
        False: fastavro.parse_schema(dict(records.schema(records.EVENT_SCHEMA))),
    }
    labels, times = {}, []
    for day in made:
        for record in day.records:
            assert record.value is not None
            found = fastavro.schemaless_reader(io.BytesIO(record.value[5:]), parsed[record.label], None)
            assert isinstance(found, dict)
            assert found["event_id"] == record.key.decode()
            time = found["label_time" if record.label else "scheduled"]
            assert isinstance(time, datetime)
            times.append(time)
            if record.label:
                labels[found["event_id"]] = (found["label"], time)
    assert times == sorted(times), "events and labels in the order of their times"
    wanted = week[week["late"].notna()].set_index("event_id")
    assert labels == dict(zip(wanted.index, zip(wanted["late"], wanted["label_time"], strict=True), strict=True))


def test_malformed_records_are_all_different_and_none_is_the_good_one(week: pd.DataFrame) -> None:
    first = _first_event(next(records.days(week)))
    assert first.value is not None
    wrong = records.malformed(first.value)
    assert len(set(wrong.values())) == len(wrong) == 7
    assert first.value not in wrong.values()


def _first_event(day: Day) -> Record:
    return next(record for record in day.records if not record.label)
