"""Rows of a made-up model, as a frame and as the buckets that a report is made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from monitor.judge.verdicts import Segment
from monitor.reports.cases import Error
from monitor.reports.document import covered
from monitor.reports.drifting import Input
from monitor.reports.material import Material
from monitor.reports.periods import PARTS, Span, at
from monitor.stats.buckets import HOUR, Bucket, Buckets, Key
from monitor.stats.layout import Layout
from monitor.stats.shares import Counted
from monitor.stats.trained import Trained
from scorer.quality import requirements
from scorer.quality.requirement import Requirement
from scorer.quality.table import Table

DAY = 24 * HOUR
JUNE = 15_857 * DAY  # 2013-06-01
CLASSES = ("on time", "late")
REQUIREMENTS = """
[[requirement]]
metric = "accuracy"
minimum = 0.7
window = "month"
judged = "continuously"
least_labels = 500

[[requirement]]
metric = "brier"
maximum = 0.2
window = "day"
judged = "continuously"
least_labels = 100

[[requirement]]
metric = "auc"
minimum = 0.6
window = "week"
judged = "continuously"
least_labels = 100

[[requirement]]
metric = "precision"
class = "late"
minimum = 0.4
window = "month"
judged = "once per closed window"
least_labels = 100
segments = { origin = "each" }

[[requirement]]
metric = "calibration_error"
bins = 10
maximum = 0.2
window = "month"
judged = "once per closed window"
least_labels = 100
guarded = false
"""


def required(text: str = REQUIREMENTS) -> tuple[Requirement, ...]:
    """The requirements of such a file."""
    return tuple(requirements.parse(text, "requirements.toml"))


def frame(seed: int = 0, n: int = 20_000, begin: int = JUNE, days: int = 30) -> pd.DataFrame:
    """Predictions: ``time``, ``score``, ``predicted``, ``label`` (NaN where there is none), ``version``, ``role``,
    ``origin``. Scores are calibrated but in origin <b>EWR</b>; labels lack where scores are high more often."""
    rng = np.random.default_rng(seed)
    score = rng.beta(1.5, 3.0, n)
    origin = rng.choice(["JFK", "LGA", "<b>EWR</b>"], n, p=[0.5, 0.3, 0.2])
    truth = rng.random(n) < np.where(origin == "<b>EWR</b>", np.clip(score * 1.7, 0.0, 1.0), score)
    told = rng.random(n) < 0.97 - 0.1 * score
    return pd.DataFrame(
        {
            "time": np.sort(begin + rng.integers(0, days * DAY, n)),
            "score": score,
            "predicted": (score > 0.5).astype(int),
            "label": np.where(told, truth.astype(float), np.nan),
            "version": np.where(rng.random(n) < 0.1, "2013-q2", "2013-q1-boosted"),
            "role": "champion",
            "origin": origin,
        }
    ).assign(role=lambda rows: np.where(rows["version"] == "2013-q2", "trial", "champion"))


def table(rows: pd.DataFrame, layout: Layout) -> Table:
    """The same as a table."""
    return Table(
        layout.kind, layout.classes, rows["score"].to_numpy()[None], rows["label"].to_numpy(),
        rows["predicted"].to_numpy(), time=rows["time"].to_numpy(), scale=layout.scale,
    )  # fmt: skip


def hours(rows: pd.DataFrame, layout: Layout) -> dict[tuple[int, str, str], Bucket]:
    """Buckets by hour, version and role."""
    keys = [rows["time"] // HOUR, rows["version"], rows["role"]]
    found: dict[tuple[int, str, str], Bucket] = {}
    for (_, version, role), part in rows.groupby(keys):
        found[int(part["time"].iloc[0]) // HOUR * HOUR, str(version), str(role)] = bucket(part, layout)
    return found


def bucket(rows: pd.DataFrame, layout: Layout) -> Bucket:
    """All of them in one."""
    made = Buckets(layout)
    made.add([Key(0, "", "champion")], np.zeros((1, len(rows)), np.int64), table(rows, layout))
    return made.kept.get(Key(0, "", "champion"), Bucket.empty(layout))


def by_origin(rows: pd.DataFrame, layout: Layout) -> dict[Segment, Bucket]:
    """The champion's rows by origin."""
    live = rows[rows["role"] == "champion"]
    return {("origin", str(value)): bucket(part, layout) for value, part in live.groupby("origin")}


def material(
    rows: pd.DataFrame,
    span: Span | None = None,
    wanted: Sequence[Requirement] | None = None,
    layout: Layout | None = None,
    closed_before: int = JUNE + 40 * DAY,
) -> Material:
    """A report's material, of rows that may lie before and after the period as well."""
    wanted = required() if wanted is None else wanted
    layout = layout or Layout.of(wanted, "binary", CLASSES, "probability")
    span = span or at(JUNE, "month")
    inside = rows[(rows["time"] >= span.begin) & (rows["time"] < span.end)]
    before = rows[(rows["time"] >= span.before.begin) & (rows["time"] < span.begin)]
    return Material(
        model="flights",
        span=span,
        parts=list(span.parts(PARTS[span.window])),
        tick=JUNE + 45 * DAY,
        closed_before=closed_before,
        champion="2013-q1-boosted",
        challengers=(),
        layout=layout,
        requirements=wanted,
        alpha=0.05,
        hours=hours(inside, layout),
        before=hours(before, layout),
        since=hours(rows[rows["time"] >= span.end], layout),
        segments=by_origin(inside, layout) if "origin" in rows else {},
        beyond={},
        verdicts=(),
        covered=covered(hours(inside, layout)),
        delays={6: 100, 9: 1000, 12: 400, 24: 3},
        inputs=[
            Input(
                "temp", np.array([100.0, 100.0, 100.0, 5.0]), np.array([100, 300, 900, 20]), np.array([90, 95, 99, 1])
            ),
            Input("<i>wind</i>", None, np.array([1000, 1000, 0]), np.array([10, 0, 0])),
        ],
        letters={"refused_value": 12, "decode_failed": 3},
        counted=Counted(),
        errors=[
            Error("2013-q1-boosted", 3.2, 0.96, 0.0, JUNE + 5, "flights.events", 3, 17),
            Error("it's <script>", 4.6, 0.01, 1.0, JUNE + 6, "flights.events", 1, 19),
        ],
        trained=Trained("2013-q1-boosted", 1000, (0.0, 0.5, 1.0), ((0.0, 0.3, 1.0),), {}),
    )
