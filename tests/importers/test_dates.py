"""Parts of dates: the transformer for notebooks against pandas, and the step against the transformer."""

from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from scorer.importers.sklearn import dates
from scorer.importers.sklearn.dates import DateParts
from scorer.model.preparation.date import FIRST, LENGTH, PARTS
from tests.importers.prepared import assert_alike, assert_alike_one_by_one, twin

HARD = [
    "1970-01-01", "1969-12-31 23:59:59.999999", "2000-02-29 12:00", "1900-02-28 23:59", "1900-03-01", "2100-02-28",
    "2100-03-01", "2024-12-31 23:59:59.999999", "2023-12-31", "1684-07-30", "2255-06-04", "2013-06-15 07:08:09",
]  # fmt: skip


def moments(seed: int, count: int = 3000) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    at = pd.to_datetime(rng.integers(-(2**53) + 10**12, 2**53 - 10**12, count), unit="us")
    return pd.DataFrame({"at": pd.Series([*pd.to_datetime(HARD, format="ISO8601").as_unit("us"), *at])})


def of_pandas(at: pd.Series, part: str) -> pd.Series:
    return getattr(at.dt, "day_of_week" if part == "weekday" else part).astype(float)  # type: ignore[no-any-return]


def test_parts_are_those_of_pandas() -> None:
    rows = moments(0)
    got = DateParts(list(PARTS)).fit_transform(rows)
    for k, part in enumerate(PARTS):
        np.testing.assert_array_equal(got[:, k], of_pandas(rows["at"], part))


def test_the_step_makes_the_same_of_days_of_400_years_and_of_ends_of_months() -> None:
    days = pd.date_range("1850-01-01", "2255-01-01", freq="D").to_series().astype("datetime64[us]")
    ends = days.dt.is_month_start
    days[ends] = days[ends] - pd.Timedelta(1, "us")
    rows = pd.DataFrame({"at": pd.concat([days, moments(1)["at"]], ignore_index=True)})
    assert_alike(twin(DateParts(list(PARTS)).fit(rows), rows), rows)
    assert_alike(twin(DateParts(list(PARTS), cyclic=True).fit(rows), rows), rows, 1e-15, 1e-15)


def test_cycles_close() -> None:
    """The last hour, weekday, month … is as far from the first as the first from the second."""
    for part, place in PARTS.items():
        if not LENGTH[place]:
            continue
        made = DateParts([part], cyclic=True).fit(moments(2))
        assert made.ways() == [(part, "sin"), (part, "cos")]
        got = made.transform(moments(2))
        angle = 2 * np.pi * (of_pandas(moments(2)["at"], part) - FIRST[place]) / LENGTH[place]
        np.testing.assert_allclose(got, np.stack([np.sin(angle), np.cos(angle)], axis=1), atol=1e-15)
    assert DateParts(["year"], cyclic=True).fit(moments(2)).ways() == [("year", "")]


def test_zones_units_and_integers_are_the_same_moment() -> None:
    rows = moments(3)
    expected = DateParts().fit_transform(rows)
    zoned = rows["at"].dt.tz_localize("UTC").dt.tz_convert("America/New_York").to_frame()
    whole = rows["at"].astype(np.int64).to_frame()
    for same in (zoned, whole, whole.astype(float), rows.astype("datetime64[us]").astype(object), rows.to_numpy()):
        np.testing.assert_array_equal(DateParts().fit(same).transform(same), expected)


def test_missing_moments_are_missing_parts() -> None:
    rows = moments(4, 20)
    rows.loc[3, "at"] = pd.NaT
    made = DateParts(["hour", "month"], cyclic=True).fit(rows)
    got = made.transform(rows)
    assert np.isnan(got[3]).all()
    assert np.isfinite(np.delete(got, 3, axis=0)).all()
    assert_alike(twin(made, rows), rows, 1e-15, 1e-15)
    assert_alike_one_by_one(twin(made, rows.dropna()), rows, 1e-15, 1e-15)


def test_a_moment_too_far_away_is_refused_by_both() -> None:
    rows = pd.DataFrame({"at": np.array([0, 2**53, -(2**53), 2**53 + 2, -(2**53) - 2, 2**62])})
    made = DateParts(["hour"]).fit(rows)
    assert_alike_one_by_one(twin(made, rows), rows)
    with pytest.raises(ValueError, match="before 1684 or after 2255"):
        made.transform(rows)


def test_the_example_in_its_docstring() -> None:
    assert doctest.testmod(dates).failed == 0


def test_names_and_mistakes() -> None:
    rows = moments(5).assign(other=moments(6)["at"])
    made = DateParts(["year", "hour"], cyclic=True).fit(rows)
    names = ["at_year", "at_hour_sin", "at_hour_cos", "other_year", "other_hour_sin", "other_hour_cos"]
    assert made.get_feature_names_out().tolist() == names
    assert made.set_output(transform="pandas").transform(rows).columns.tolist() == names
    assert clone(made).get_params() == {"parts": ["year", "hour"], "cyclic": True}
    for parts in (["second"], []):
        with pytest.raises(ValueError, match="parts must be one or more of"):
            DateParts(parts).fit(rows)
    with pytest.raises(ValueError, match="it was fitted on 2"):
        made.transform(rows[["at"]])
    with pytest.raises(ValueError, match="must hold datetimes or microseconds"):
        DateParts().fit_transform(pd.DataFrame({"at": ["noon"]}))
