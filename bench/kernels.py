"""What scoring rows costs: the scorer's compiled program, beside the training library's predict and onnxruntime.

All three score the same rows with the same model on one thread: the scorer from columns, as in the stream; the library
from an array, or a frame where there is text; onnxruntime from arrays, in float32, which is all that the converters
write. They take turns for a few rounds; figures are medians of processor time. The versions are made by the importers,
so they have been held against the library; of onnxruntime nearly all rows must be near, for float32 sends some the
other way at a split.
"""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import onnxmltools
import onnxruntime
import pandas as pd
import skl2onnx
from onnxmltools.convert.common.data_types import FloatTensorType
from rich.table import Table
from skl2onnx.common.data_types import FloatTensorType as SklearnFloats
from skl2onnx.common.data_types import StringTensorType as SklearnStrings
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bench import job, pure
from bench.effort import Effort
from bench.errors import BenchError
from scorer.batch import Floats
from scorer.importers import import_model
from scorer.model import frame, golden
from scorer.model.model import Model
from scorer.model.table import Results

SIZES = (1, 64, 4_096)
CARRIERS = ("UA", "B6", "DL", "AA", "EV", "MQ", "WN", "US", "VX", "F9", "AS", "9E", "HA", "YV", "OO", "FL")
NEAR, SHARE = 1e-3, 0.98
"""Of onnxruntime so many rows must be as near as this."""

Score = Callable[[], Floats]


@dataclass(frozen=True)
class Contest:
    """One model: its version, and the library and onnxruntime on the first rows of a frame."""

    title: str
    rows: pd.DataFrame
    model: Model
    library: Callable[[pd.DataFrame], Score]
    onnx: bytes


def run(effort: Effort, sizes: Sequence[int] = SIZES, contests: Sequence[Callable[[], Contest]] = ()) -> Table:
    """Measure all models at all sizes; raises ``BenchError`` where not all three come to the same scores."""
    table = Table(
        "", "rows in a batch", "rows/s", "library", "onnxruntime", "times the library", "times onnxruntime",
        title=f"kernels: one thread, {effort.rounds} rounds",
    )  # fmt: skip
    with threadpool_limits(1):
        for make in contests or (trees, logistic, pipeline):
            contest = make()
            for size in sizes:
                rows = contest.rows.iloc[:size]
                calls = (ours(contest.model, rows), contest.library(rows), onnx(contest.onnx, rows))
                check(contest.title, *(call() for call in calls))
                rounds = pure.in_turns(calls, size, effort)
                mine, library, other = (statistics.median(side) for side in zip(*rounds, strict=True))
                ratios = [statistics.median(turn[k] / turn[0] for turn in rounds) for k in (1, 2)]
                said = f"{mine:.3f} µs a row, library {library:.3f}, onnxruntime {other:.3f}"
                effort.say(f"kernels: {contest.title}, {size:,}: {said}")
                rates = (f"{1e6 / spent:,.0f}" for spent in (mine, library, other))
                table.add_row(contest.title, f"{size:,}", *rates, *(f"{ratio:.1f}" for ratio in ratios))
    return table


def check(title: str, ours: Floats, library: Floats, other: Floats) -> None:
    """Raise ``BenchError`` unless all came to the same scores."""
    if not np.allclose(ours, library, rtol=1e-9, atol=1e-12):
        raise BenchError(f"{title}: the scorer and the library come to different scores: the figures mean nothing")
    near = np.abs(ours - other) < NEAR
    if near.mean() < SHARE:
        raise BenchError(f"{title}: onnxruntime comes to other scores in {(~near).mean():.0%} of the rows")


def ours(model: Model, rows: pd.DataFrame) -> Score:
    """A call of the scorer on columns that hold the rows."""
    table = frame.columns(model.inputs, rows)
    bound, every = model.bind(table.layout), table.rows
    results = Results(np.empty((1, len(rows))), np.empty(len(rows), np.uint8), np.empty(len(rows), np.int32))

    def score() -> Floats:
        bound.score(table.columns, every, *results)
        return np.asarray(results.scores[0])

    return score


def onnx(document: bytes, rows: pd.DataFrame) -> Score:
    """A call of onnxruntime on arrays that hold the rows."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # a converter writes down a shape that is only true of one row
    session = onnxruntime.InferenceSession(document, options, providers=["CPUExecutionProvider"])
    wanted = [output.name for output in session.get_outputs()][1:]
    given: dict[str, Any] = {}
    for entry in session.get_inputs():
        columns = rows[[entry.name]] if entry.name in rows.columns else rows
        given[entry.name] = columns.to_numpy(object if entry.type == "tensor(string)" else np.float32)
    return lambda: np.asarray(session.run(wanted, given)[0])[:, 1]


def trees() -> Contest:
    """200 trees of 31 leaves on 20 numbers."""
    rows = _numbers(5_000)
    params = {"objective": "binary", "num_leaves": job.LEAVES, "verbose": -1, "num_threads": 1, "seed": 0}
    booster = lightgbm.train(params, lightgbm.Dataset(rows, _truth(rows)), job.TREES)
    made = onnxmltools.convert_lightgbm(
        booster, initial_types=[("x", FloatTensorType([None, len(job.FEATURES)]))], zipmap=False
    )

    def library(some: pd.DataFrame) -> Score:
        x = some.to_numpy()
        return lambda: np.asarray(booster.predict(x, num_threads=1))

    title = f"{job.TREES} trees of {job.LEAVES} leaves, 20 numbers (LightGBM)"
    return Contest(title, rows, _version(booster, rows), library, made.SerializeToString())


def logistic() -> Contest:
    """A logistic regression on 20 numbers."""
    rows = _numbers(5_000)
    fitted = LogisticRegression().fit(rows.to_numpy(), _truth(rows))
    made = skl2onnx.to_onnx(fitted, initial_types=[("x", SklearnFloats([None, len(job.FEATURES)]))], options=_PLAIN)

    def library(some: pd.DataFrame) -> Score:
        x = some.to_numpy()
        return lambda: np.asarray(fitted.predict_proba(x)[:, 1])

    return Contest(
        "logistic, 20 numbers (scikit-learn)", rows, _version(fitted, rows), library, made.SerializeToString()
    )


def pipeline() -> Contest:
    """Two texts one-hot, ten numbers scaled, a logistic regression."""
    rows = _numbers(5_000).iloc[:, :10]
    random = np.random.default_rng(job.SEED)
    for name in ("carrier", "origin"):
        rows = rows.assign(**{name: random.choice(CARRIERS, len(rows)).astype(object)})
    texts, numbers = ["carrier", "origin"], list(job.FEATURES[:10])
    prepared = ColumnTransformer(
        [("text", OneHotEncoder(handle_unknown="ignore"), texts), ("numbers", StandardScaler(), numbers)]
    )
    truth = _truth(rows) ^ (rows["carrier"] == "UA").to_numpy()
    fitted = make_pipeline(prepared, LogisticRegression()).fit(rows, truth)
    types = [(name, SklearnFloats([None, 1])) for name in numbers]
    types += [(name, SklearnStrings([None, 1])) for name in texts]
    made = skl2onnx.to_onnx(fitted, initial_types=types, options={id(fitted): {"zipmap": False}})

    def library(some: pd.DataFrame) -> Score:
        return lambda: np.asarray(fitted.predict_proba(some)[:, 1])

    title = "2 texts one-hot, 10 numbers scaled, logistic (scikit-learn)"
    return Contest(title, rows, _version(fitted, rows), library, made.SerializeToString())


_PLAIN: Mapping[type, Mapping[str, bool]] = {LogisticRegression: {"zipmap": False}}


def _numbers(count: int) -> pd.DataFrame:
    values = np.random.default_rng(job.SEED).normal(size=(count, len(job.FEATURES)))
    return pd.DataFrame(values, columns=list(job.FEATURES))


def _truth(rows: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    random = np.random.default_rng(job.SEED + 1)
    x = rows[[name for name in rows.columns if name in job.FEATURES]].to_numpy()
    found = x @ random.normal(size=x.shape[1]) + np.sin(3 * x[:, 0]) + random.logistic(size=len(x)) > 0
    return np.asarray(found, np.bool_)


def _version(fitted: object, rows: pd.DataFrame) -> Model:
    names = tuple(rows.columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, for a frame where it was fitted on an array
        imported = import_model(fitted, model="bench", version="v1", rows=rows.iloc[:500], columns=names)
    return golden.admit(imported.stored)
