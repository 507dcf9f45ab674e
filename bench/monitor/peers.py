"""What the same metrics of the same rows cost in river, row by row, and in evidently, all rows again at each look.

Accuracy, precision, recall, log loss and AUC of two classes. Ours are folded into a bucket, with signs, and read from
it. River's AUC is of counts at ten thresholds, which is why it is not compared; all other values must be equal.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench import pure
from bench.effort import Effort
from bench.errors import BenchError
from bench.monitor.rows import OUTPUTS, late, scores
from monitor.stats.buckets import Buckets, Key
from monitor.stats.figures import figure
from scorer.quality.metrics import METRICS, ONCE
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement
from scorer.quality.table import Table

CLIP = 1e-6
NAMES = ("accuracy", "precision", "recall", "log_loss", "auc")

Figures = dict[str, float]


@dataclass(frozen=True)
class Peer:
    """Microseconds of processor time a row, and how many times ours that is."""

    name: str
    rows: int
    micros: float
    ratio: float


def compare(effort: Effort, rows: int) -> list[Peer]:
    """All three in turns; raises ``BenchError`` where they do not come to the same values."""
    events = np.arange(rows)
    table = Table(
        "binary", OUTPUTS.classes, np.clip(scores(events), CLIP, 1.0 - CLIP)[None], late(events).astype(np.float64),
        (scores(events) > 0.5).astype(np.int64),
    )  # fmt: skip
    calls: dict[str, Callable[[], Figures]] = {
        "the monitor's buckets": lambda: ours(table), "river": _river(table), "evidently": _evidently(table)
    }  # fmt: skip
    wanted = ours(table)
    for name, call in calls.items():
        check(name, call(), wanted)
    rounds = pure.in_turns(list(calls.values()), rows, effort)
    found = []
    for place, name in enumerate(calls):
        micros = sorted(one[place] for one in rounds)[len(rounds) // 2]
        ratio = sorted(one[place] / one[0] for one in rounds)[len(rounds) // 2]
        found.append(Peer(name, rows, micros, ratio))
    return found


def ours(table: Table) -> Figures:
    """By one bucket."""
    asked = [
        Requirement(METRICS[name], Parameters(clip=CLIP if name == "log_loss" else None), "day", ONCE, 1)
        for name in NAMES
    ]
    layout = OUTPUTS.layout(asked)
    buckets, key = Buckets(layout), Key(0, "v1", "champion")
    buckets.add([key], np.zeros((1, len(table)), np.int64), table)
    return {one.metric.name: figure(buckets.kept[key], layout, one).value for one in asked}


def check(name: str, found: Figures, wanted: Figures) -> None:
    """Raise ``BenchError`` where a value is another than ours."""
    for metric, value in found.items():
        if not math.isclose(value, wanted[metric], rel_tol=1e-9, abs_tol=0.01 if metric == "auc" else 0.0):
            raise BenchError(f"{name} says that {metric} is {value}, and we {wanted[metric]}: the figures mean nothing")


def _river(table: Table) -> Callable[[], Figures]:
    from river import metrics  # noqa: PLC0415  # it and pandas take seconds to import

    makers: dict[str, Callable[[], Any]] = {
        "accuracy": metrics.Accuracy, "precision": metrics.Precision, "recall": metrics.Recall,
        "log_loss": metrics.LogLoss, "auc": metrics.ROCAUC,
    }  # fmt: skip
    rows = list(
        zip((table.labels == 1.0).tolist(), (table.predicted == 1).tolist(), table.scores[0].tolist(), strict=True)
    )

    def call() -> Figures:
        made = {name: make() for name, make in makers.items()}
        decided, scored = [made[name] for name in NAMES[:3]], [made[name] for name in NAMES[3:]]
        for truth, predicted, score in rows:
            chances = {True: score, False: 1.0 - score}
            for one in decided:
                one.update(truth, predicted)
            for one in scored:
                one.update(truth, chances)
        return {name: float(one.get()) for name, one in made.items()}

    return call


def _evidently(table: Table) -> Callable[[], Figures]:
    import pandas.core.dtypes.common as pandas_types  # noqa: PLC0415

    # evidently 0.7.23 imports this name, which pandas 3 has no more, for tests of types; none is used here.
    if not hasattr(pandas_types, "infer_dtype_from_object"):
        pandas_types.infer_dtype_from_object = None  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently import BinaryClassification, DataDefinition, Dataset, Report  # noqa: PLC0415
        from evidently.metrics import Accuracy, LogLoss, Precision, Recall, RocAuc  # noqa: PLC0415

    frame = pd.DataFrame({"target": table.labels.astype(int), "prediction": table.predicted, "score": table.scores[0]})
    about = BinaryClassification(
        target="target", prediction_labels="prediction", prediction_probas="score", pos_label=1
    )

    def call() -> Figures:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it was written for pandas 2, and says so at each look
            return look()

    def look() -> Figures:
        data = Dataset.from_pandas(frame, data_definition=DataDefinition(classification=[about]))
        report = Report([Accuracy(), Precision(), Recall(), LogLoss(), RocAuc()]).run(data, None)
        return dict(zip(NAMES, (float(one["value"]) for one in report.dict()["metrics"]), strict=True))

    return call
