"""Predictions without a valid score, from the topic to the verdict: they count, and are judged as such."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from monitor.judge.judging import Judge, Setting
from monitor.judge.verdicts import Verdict, identity
from monitor.rows import DAY, HOUR, LABELS, PREDICTIONS
from monitor.store.cohorts import closed_before
from scorer.quality.metrics import CONTINUOUSLY, METRICS, ONCE
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement, Segments
from tests.monitor.intake.scene import OUTPUTS, SEGMENTS, TIMING, Scene
from tests.monitor.intake.support import START, label, prediction, read

ALPHA = 0.05
ROWS = 400
SHARE = Requirement(METRICS["invalid_share"], Parameters(), "day", ONCE, 1, maximum=0.1)
ASKED = (
    SHARE,
    Requirement(
        METRICS["invalid_share"], Parameters(), "day", ONCE, 1, maximum=0.1, segments=(Segments("carrier", ()),)
    ),
    Requirement(METRICS["accuracy"], Parameters(), "day", CONTINUOUSLY, 1, minimum=0.1),
    Requirement(METRICS["brier"], Parameters(), "day", ONCE, 1, maximum=0.9),
)


def judged(scene: Scene, judge: Judge) -> list[Verdict]:
    """A tick two days later, at which all that was read is closed."""
    with scene.state.step() as step:
        scene.time += 2 * DAY
        ticked = step.tick(scene.time, [(PREDICTIONS, 0), (LABELS, 0)])
        closed = closed_before(step.clock.reached, TIMING)
        return judge.tick(ticked, step.cohorts(ticked.closed), closed, scene.time, step.names, step.alike)


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    score = np.where(rng.random(ROWS) < 0.15, rng.choice([np.nan, np.inf, -np.inf], ROWS), rng.random(ROWS))
    day = START // DAY * DAY
    return pd.DataFrame(
        {
            "event_id": [f"e{k}" for k in range(ROWS)],
            "score": score,
            "class": np.where(score > 0.5, "yes", "no"),
            "event_time": day + rng.integers(0, 20 * HOUR, ROWS),
            "version": rng.choice(["v1", "v2"], ROWS),
            "carrier": rng.choice(["AA", "UA"], ROWS),
            "label": rng.choice([0.0, 1.0, np.nan], ROWS),
        }
    )


def test_a_share_of_predictions_has_no_finite_score(tmp_path: Path) -> None:
    scene, made = Scene(tmp_path), rows()
    scene.tick(DAY)
    judge = Judge.new(Setting(ASKED, OUTPUTS, SEGMENTS, ALPHA, 1_000.0))
    records: list[Any] = made.to_dict("records")
    names = ("event_id", "score", "class", "event_time", "version")
    payloads = [
        prediction(source_offset=k, carried={"carrier": row["carrier"]}, **{name: row[name] for name in names})
        for k, row in enumerate(records)
    ]
    told: list[Any] = made[made.label.notna()].to_dict("records")
    labels = [label(one["event_id"], one["label"], one["event_time"] + HOUR) for one in told]
    scene.take({PREDICTIONS: read([*payloads, *payloads[:50]]), LABELS: read(labels)})
    verdicts = judged(scene, judge)
    assert scene.counts() == {(PREDICTIONS, "passed_over"): 50}, "nothing is refused"
    assert {one.metric for one in verdicts} == {"invalid_share", "accuracy", "brier"}
    assert not any(one.provisional for one in verdicts)
    for one in verdicts:
        part = made[made.version == one.version]
        part = part if one.segment is None else part[part.carrier == one.segment[1]]
        assert one.predictions == len(part)
        finite = part[np.isfinite(part.score)]
        known = finite[finite.label.notna()]
        if one.metric == "invalid_share":
            invalid = len(part) - len(finite)
            assert (one.n, one.value) == (len(part), invalid / len(part))
            interval = binomtest(invalid, len(part)).proportion_ci(1 - ALPHA, "exact")
            if one.segment is None:
                assert (one.low, one.high) == pytest.approx((interval.low, interval.high), abs=0.02)
        else:
            right = (
                ((known.score > 0.5) == known.label) if one.metric == "accuracy" else (known.score - known.label) ** 2
            )
            assert one.n == len(known)
            assert one.value == pytest.approx(right.mean(), abs=1e-12)
    assert {one.verdict for one in verdicts if one.requirement == identity(SHARE)} <= {"FAIL", "INSUFFICIENT"}
    scene.state.close()
