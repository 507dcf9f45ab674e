"""All metrics of all sorts of outputs, through state and judge, against scikit-learn, and in any order of arrival."""

from __future__ import annotations

import numpy as np
import pytest

from tests.monitor.judge.kinds import said, world
from tests.monitor.judge.world import contents, run, shuffled

SORTS = ("binary", "multiclass", "regression", "ranking", "anomaly")
SEED = 3
FITTED = ("calibration_slope", "calibration_intercept", "calibration_error")


@pytest.mark.parametrize("sort", SORTS)
def test_every_metric_is_that_of_the_rows(sort: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    made = world(sort, 7)
    judge = run(tmp_path_factory.mktemp(sort) / "state", made.made, setting=made.setting, layout=made.layout).judge
    seen = set()
    for one, verdict in judge.verdicts.items():
        asked, rows = judge.wanted[one.requirement], made.rows
        rows = rows[(rows.time >= verdict.begin) & (rows.time < verdict.end)]
        rows = rows[(rows.role == ("champion", "trial", "challenger").index(one.role))]
        rows = rows[rows.version == int(one.version[1]) - 1]
        if one.segment is not None:
            rows = rows[rows[one.segment[0]] == one.segment[1]]
        assert verdict.predictions == len(rows), one
        rows = rows[rows.label.notna()]
        if verdict.metric == "invalid_share":
            assert verdict.value == 0.0
            continue
        assert verdict.n == len(rows), one
        paired = verdict.metric == "auc" and verdict.judged == "continuously"
        if verdict.value is None or verdict.error is None or verdict.metric in FITTED or paired:
            continue
        assert abs(verdict.value - said(asked, made.setting.outputs.kind, rows)) <= verdict.error + 1e-9, one
        seen.add(verdict.metric)
    undefined = {"gamma_deviance"} if sort == "anomaly" else set()
    expected = {one.metric.name for one in made.setting.requirements} - {*FITTED, "invalid_share"} - undefined
    assert seen == expected


@pytest.mark.parametrize("sort", SORTS)
def test_arrival_changes_nothing(sort: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp(sort)
    made, rng = world(sort, SEED, 200, 30), np.random.default_rng(SEED)
    implicit = 0.0 if sort in ("binary", "ranking") else None
    whole = run(path / "whole", made.made, setting=made.setting, layout=made.layout, implicit=implicit)
    restart = [int(rng.integers(1, len(made.made.intervals)))]
    other = run(
        path / "other", made.made, shuffled(rng), restart=restart, setting=made.setting, layout=made.layout,
        implicit=implicit,
    )  # fmt: skip
    assert whole.found == other.found
    assert contents(path / "whole") == contents(path / "other")
    assert whole.judge.cells.buckets.kept == other.judge.cells.buckets.kept
