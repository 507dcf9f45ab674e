"""Figures of verdicts are those that pandas and scikit-learn find in the raw rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as oracle

from monitor.judge.outputs import ROLES
from monitor.judge.verdicts import Subject, Verdict
from monitor.rows import DAY
from tests.monitor.judge.world import FIELDS, START, VALUES, VERSIONS, Run, Stream, run, stream

MEASURES: dict[str, Callable[[pd.DataFrame], float]] = {
    "accuracy": lambda rows: oracle.accuracy_score(rows.label, rows.predicted),
    "precision": lambda rows: oracle.precision_score(rows.label, rows.predicted),
    "recall": lambda rows: oracle.recall_score(rows.label, rows.predicted),
    "auc": lambda rows: oracle.roc_auc_score(rows.label, rows.score),
    "brier": lambda rows: oracle.brier_score_loss(rows.label, rows.score),
    "log_loss": lambda rows: oracle.log_loss(rows.label, rows.score.clip(1e-3, 1 - 1e-3)),
}


@pytest.fixture(scope="module")
def judged_stream(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stream, Run]:
    made = stream(5, 5000, 16 * 24)
    return made, run(tmp_path_factory.mktemp("figures") / "state", made)


def frame(made: Stream) -> pd.DataFrame:
    """Predictions with the label that counts in the end."""
    predictions = pd.DataFrame(made.predictions)
    labels = (
        pd.DataFrame(made.labels).sort_values(["revision", "time", "position"]).drop_duplicates("id_low", keep="last")
    )
    rows = predictions.merge(labels[["id_low", "value", "retracted"]], on="id_low", how="left")
    rows["label"] = rows["value"].where(~rows["retracted"].fillna(value=False).astype(bool))
    rows["score"] = rows["score_0"]
    rows["valid"] = (rows.score <= 1.0) & (rows.predicted >= 0)
    rows["role"] = rows["role"].map(dict(enumerate(ROLES)))
    rows["version"] = rows["version"].map(dict(enumerate(VERSIONS)))
    for place, name in enumerate(FIELDS):
        rows[name] = rows[f"segment_{place}"].map(dict(enumerate(VALUES[name])))
    moment = pd.to_datetime(rows["time"], unit="us")
    rows["month_of_year"] = moment.dt.month
    for window, period in (("hour", "h"), ("day", "D"), ("week", "W-SUN"), ("month", "M")):
        rows[window] = (moment.dt.to_period(period).dt.start_time.astype("datetime64[us]")).astype("int64")
    return rows


def subjects(rows: pd.DataFrame, found: dict[Subject, Verdict]) -> dict[Subject, pd.DataFrame]:
    """Rows of each verdict."""
    parts = {}
    for one, verdict in found.items():
        which = (rows[verdict.window] == verdict.begin) & (rows.role == one.role) & (rows.version == one.version)
        if one.segment:
            which &= rows[one.segment[0]] == one.segment[1]
        if verdict.requirement.endswith("/1,3"):
            which &= rows.month_of_year.isin([1, 3])
        parts[one] = rows[which]
    return parts


def test_every_figure_is_that_of_the_rows(judged_stream: tuple[Stream, Run]) -> None:
    made, result = judged_stream
    rows = frame(made)
    found = result.judge.verdicts
    old = START + (16 + 2 - 10) * DAY  # hours are kept for ten days
    seen = set()
    for one, part in subjects(rows, found).items():
        verdict = found[one]
        if verdict.window == "hour" and verdict.begin < old:
            continue
        usable = part[part.valid & part.label.notna()]
        assert verdict.predictions == len(part)
        if verdict.metric == "invalid_share":
            assert verdict.n == len(part)
            assert verdict.value == pytest.approx((~part.valid).mean(), abs=1e-15)
            continue
        assert verdict.n == len(usable), one
        if verdict.value is None:
            assert usable.label.nunique() < 2 or not (usable.predicted > 0).any(), one
            continue
        if verdict.metric == "auc" and verdict.judged == "continuously":
            assert verdict.low <= verdict.value <= verdict.high, "it is of pairs of neighbours, not of all rows"
            continue
        assert verdict.error is not None
        assert abs(verdict.value - MEASURES[verdict.metric](usable)) <= verdict.error + 1e-9, one
        seen.add((verdict.metric, verdict.segment is None, verdict.role, verdict.version))
    assert len(seen) > 25


def test_there_is_a_verdict_wherever_there_are_rows(judged_stream: tuple[Stream, Run]) -> None:
    made, result = judged_stream
    rows = frame(made)
    asked = "accuracy//day/continuously"
    expected = {
        (asked, day // DAY, role, version, None)
        for day, role, version in rows[["day", "role", "version"]].drop_duplicates().itertuples(index=False)
    }
    assert {one for one in result.judge.verdicts if one.requirement == asked} == expected
    asked = "auc//month/continuously/origin=*"
    told = {one.segment for one in result.judge.verdicts if one.requirement == asked}
    assert told == {("origin", value) for value in VALUES["origin"]}
    asked = 'precision//day/once/carrier=*;origin=["JFK"]'
    told = {one.segment for one in result.judge.verdicts if one.requirement == asked}
    assert told == {("origin", "JFK"), *(("carrier", value) for value in VALUES["carrier"])}


def test_a_version_is_judged_by_its_own_predictions(judged_stream: tuple[Stream, Run]) -> None:
    _, result = judged_stream
    versions = {(one.role, one.version) for one in result.judge.verdicts}
    assert versions == {("champion", "v1"), ("champion", "v2"), ("trial", "v1"), ("trial", "v2"), ("challenger", "v2")}


def test_what_has_closed_is_final_but_for_its_figures(judged_stream: tuple[Stream, Run]) -> None:
    _, result = judged_stream
    before: dict[Subject, Verdict] = {}
    revised = 0
    for verdict in [one for some in result.found for one in some]:
        old = before.get(verdict.subject)
        before[verdict.subject] = verdict
        if old is None:
            continue
        assert verdict.time > old.time
        if not old.provisional:
            assert not verdict.provisional
            assert verdict.revision == old.revision + 1
            assert (verdict.verdict, verdict.low, verdict.high) == (old.verdict, old.low, old.high)
            assert (verdict.n, verdict.value, verdict.predictions) != (old.n, old.value, old.predictions)
            revised += 1
    assert revised > 100
    assert {one.verdict for one in before.values()} == {"PASS", "FAIL", "INSUFFICIENT"}
    assert all(one.provisional or one.end <= result.judge.closed_before for one in before.values())
    assert all(math.isfinite(one.low) for one in before.values() if one.verdict != "INSUFFICIENT")


def test_verdicts_come_in_one_order_and_only_when_they_change(judged_stream: tuple[Stream, Run]) -> None:
    _, result = judged_stream
    for some in result.found:
        known = [(one.requirement, one.number, one.role, one.version, one.segment or ()) for one in some]
        assert known == sorted(known)
        assert len(set(known)) == len(known)
    assert np.mean([len(some) for some in result.found]) > 5
