"""Streams of models with all sorts of outputs, and what scikit-learn says of their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn import metrics as oracle

from monitor.judge.judging import Setting
from monitor.judge.outputs import Outputs, carried
from monitor.rows import HOUR, Layout, Rows
from scorer.quality.metrics import CONTINUOUSLY, METRICS
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement, Segments
from scorer.quality.table import Kind
from tests.monitor.judge.world import FIELDS, VALUES, Interval, Stream, stream
from tests.monitor.stats.support import CLASSES, wanted

LISTS = ("query",)


@dataclass(frozen=True)
class World:
    """A stream, what is asked of it, and the ``truth``: rows with ``label`` and ``score`` or ``score_0`` …"""

    made: Stream
    setting: Setting
    layout: Layout
    rows: pd.DataFrame


def world(sort: str, seed: int, rows: int = 500, hours: int = 60) -> World:
    """``sort`` is binary, multiclass, regression, ranking or anomaly."""
    kind: Kind = "regression" if sort in ("ranking", "anomaly") else sort  # type: ignore[assignment]
    rng, base = np.random.default_rng(seed), stream(seed, rows, hours)
    scores = _scores(rng, kind, rows)
    labels = _labels(rng, sort, scores, rows)
    query = rng.integers(0, 4, rows)  # 0: in no list
    intervals = [
        Interval(_predicted(one.predictions, kind, scores, query), _labelled(one.labels, labels), one.tick)
        for one in base.intervals
    ]
    outputs = Outputs(kind, CLASSES[kind])
    layout = Layout(carried(outputs, FIELDS, LISTS))
    made = Stream(intervals)
    setting = Setting(_requirements(sort, kind), outputs, FIELDS, 0.05, 200.0)
    return World(made, setting, layout, _frame(made))


def _requirements(sort: str, kind: Kind) -> tuple[Requirement, ...]:
    found = [] if sort == "ranking" else wanted(kind, classed=sort == "anomaly")
    if sort == "ranking":
        for at in (None, 2):
            asked = Requirement(METRICS["ndcg"], Parameters(group="query", at=at), "day", "once per closed window", 1)
            found += [asked, replace(asked, segments=(Segments("origin", ()),))]
    bounded = [
        replace(one, minimum=0.6) if one.metric.better == "larger" else replace(one, maximum=0.4) for one in found
    ]
    named = {one.subject: one for one in bounded}
    continuous = [
        replace(one, judged=CONTINUOUSLY)
        for one in named.values()
        if one.metric.continuous is not None and (one.metric.name != "mae" or one.parameters.bound is not None)
    ]
    return (*named.values(), *continuous)


def _scores(rng: np.random.Generator, kind: Kind, rows: int) -> np.ndarray:
    if kind == "multiclass":
        return np.ascontiguousarray(rng.dirichlet(np.ones(3), rows).T)
    if kind == "binary":
        return rng.beta(0.7, 1.1, (1, rows)).round(3)
    return np.exp(rng.normal(0.0, 1.0, (1, rows))).round(1) + 0.05


def _labels(rng: np.random.Generator, sort: str, scores: np.ndarray, rows: int) -> np.ndarray:
    """A label for each row, and another for its correction."""
    if sort == "multiclass":
        return rng.integers(0, 3, (2, rows)).astype(float)
    if sort == "ranking":
        return rng.integers(0, 4, (2, rows)).astype(float)
    if sort == "regression":
        return scores * np.exp(rng.normal(0.0, 0.3, (2, rows)))
    likely = scores[0] if sort == "binary" else scores[0] / (1.0 + scores[0])
    return np.asarray(rng.random((2, rows)) < likely, np.float64)


def _predicted(rows: Rows, kind: Kind, scores: np.ndarray, query: np.ndarray) -> Rows:
    which = rows["id_low"].astype(np.int64)
    given = {name: column for name, column in rows.items() if name != "score_0"}
    predicted = scores[:, which].argmax(axis=0) if kind == "multiclass" else (scores[0, which] > 0.5).astype(np.int64)
    given["predicted"] = np.full(len(which), -1) if kind == "regression" else predicted
    for number, column in enumerate(scores):
        given[f"score_{number}"] = column[which]
    return {**given, "list_0": query[which]}


def _labelled(rows: Rows, labels: np.ndarray) -> Rows:
    return {**rows, "value": labels[rows["revision"], rows["id_low"].astype(np.int64)]}


def _frame(made: Stream) -> pd.DataFrame:
    predictions = pd.concat([pd.DataFrame(one.predictions) for one in made.intervals])
    told = pd.concat([pd.DataFrame(one.labels) for one in made.intervals])
    last = told.sort_values(["revision", "time", "position"]).drop_duplicates("id_low", keep="last")
    rows = predictions.merge(last[["id_low", "value", "retracted"]], on="id_low", how="left")
    rows["label"] = rows["value"].where(~rows["retracted"].fillna(value=False).astype(bool))
    for place, name in enumerate(FIELDS):
        rows[name] = rows[f"segment_{place}"].map(dict(enumerate(VALUES[name])))
    rows["hour"] = rows["time"] // HOUR
    return rows


def ndcg(rows: pd.DataFrame, at: int | None) -> float:
    """The mean over the lists of scikit-learn's; a list of one is right or says nothing."""
    found = []
    for _, one in rows[rows.list_0 != 0].groupby(["hour", "list_0"]):
        if one.label.any():
            one_alone = len(one) == 1
            found.append(1.0 if one_alone else oracle.ndcg_score([one.label], [one.score_0], k=at))
    return float(np.mean(found))


def said(asked: Requirement, kind: Kind, rows: pd.DataFrame) -> float:
    """The metric by scikit-learn, pandas or the formula; NaN where they give none."""
    given, label, score = asked.parameters, rows.label, rows.score_0
    if asked.metric.name == "ndcg":
        return ndcg(rows, given.at)
    if kind == "regression" and asked.metric.name in _OF_ESTIMATES:
        return float(_OF_ESTIMATES[asked.metric.name](label, score, given))
    wanted_class = 1 if given.klass is None else CLASSES[kind].index(given.klass)
    truth = label == wanted_class
    scores = rows[[f"score_{number}" for number in range(3)]].to_numpy() if kind == "multiclass" else None
    likely = score if scores is None else rows[f"score_{wanted_class}"]
    decided = rows.predicted if given.threshold is None else (score > given.threshold).astype(int)
    if asked.metric.name in _OF_DECISIONS:
        return float(_OF_DECISIONS[asked.metric.name](label, decided, truth, decided == wanted_class, given))
    ordered = likely if wanted_class or kind == "multiclass" else 1.0 - likely
    if asked.metric.name in ("auc", "average_precision"):
        ordering = oracle.roc_auc_score if asked.metric.name == "auc" else oracle.average_precision_score
        return float(ordering(truth, ordered))
    true = label.astype(int)
    if asked.metric.name == "brier":
        return float(
            ((score - label) ** 2).mean() if scores is None else ((scores - np.eye(3)[true]) ** 2).sum(1).mean()
        )
    if asked.metric.name == "log_loss":
        came = np.where(label == 1.0, score, 1.0 - score) if scores is None else scores[np.arange(len(true)), true]
        return float(-np.log(np.clip(came, given.clip, 1.0 - (given.clip or 0.0))).mean())
    raise KeyError(asked.metric.name)


_OF_ESTIMATES: Mapping[str, Callable[[pd.Series, pd.Series, Parameters], float]] = {
    "mae": lambda label, score, given: (score - label).abs().clip(upper=given.bound).mean(),
    "rmse": lambda label, score, _: oracle.root_mean_squared_error(label, score),
    "bias": lambda label, score, _: (score - label).mean(),
    "r2": lambda label, score, _: oracle.r2_score(label, score),
    "quantile_loss": lambda label, score, given: oracle.mean_pinball_loss(label, score, alpha=given.quantile),
    "poisson_deviance": lambda label, score, _: oracle.mean_poisson_deviance(label, score),
    "gamma_deviance": lambda label, score, _: oracle.mean_gamma_deviance(label, score),
}
_OF_DECISIONS: Mapping[str, Callable[..., float]] = {
    "accuracy": lambda label, decided, *_: oracle.accuracy_score(label, decided),
    "balanced_accuracy": lambda label, decided, *_: oracle.recall_score(
        label, decided, labels=np.unique(label), average="macro"
    ),
    "precision": lambda _l, _d, truth, positive, _g: oracle.precision_score(truth, positive),
    "recall": lambda _l, _d, truth, positive, _g: oracle.recall_score(truth, positive),
    "f1": lambda _l, _d, truth, positive, _g: oracle.f1_score(truth, positive),
    "false_positive_rate": lambda _l, _d, truth, positive, _g: positive[~truth].mean(),
    "cost": lambda label, decided, _t, _p, given: np.array(given.costs)[label.astype(int), decided].mean(),
}
