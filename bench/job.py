"""The job that the benchmarks do: events of 20 nullable numbers, a binary classifier, one prediction for each.

An event is 208 bytes in Avro (a text, a time, 20 doubles of which some are null), with Confluent's framing. The models
are fitted by scikit-learn: a logistic regression, for which a missing value counts as 0, and boosted trees.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import fastavro
import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from scorer.batch import Floats
from scorer.model import build
from scorer.model.build import Design, Part, Proof
from scorer.model.build_trees import ForestTree, forest
from scorer.model.inputs import Input
from scorer.model.version import VersionBytes

SEED = 20261123
FEATURES = tuple(f"f{k}" for k in range(20))
EVENT_ID = 1
CLASSES = ("no", "yes")
FRAME = 5
"""Bytes of Confluent's framing: a zero and the schema's id."""

TIME = {"type": "long", "logicalType": "timestamp-millis"}
POOL = 10_000
TREES, LEAVES = 200, 31
_ID = len("evt-000000000000")
_TRAINED = 5_000


def record(name: str, **fields: Any) -> dict[str, Any]:
    """An Avro schema of a record."""
    return {"type": "record", "name": name, "fields": [{"name": key, "type": kind} for key, kind in fields.items()]}


EVENT = record("Event", event_id="string", ts=TIME, **{name: ["null", "double"] for name in FEATURES})


def plain(schema: Any) -> Any:
    """Without logical types: fastavro makes them date objects, which costs it time that nobody asked for here."""
    if isinstance(schema, Mapping):
        return {key: plain(part) for key, part in schema.items() if key != "logicalType"}
    return [plain(part) for part in schema] if isinstance(schema, list) else schema


def events(count: int) -> list[dict[str, Any]]:
    """So many events as records; always the same."""
    numbers = np.random.default_rng(SEED).normal(size=(count, len(FEATURES)))
    return [
        {"event_id": f"evt-{i:012d}", "ts": 1_700_000_000_000 + i}
        | {name: None if x > 2.5 else x for name, x in zip(FEATURES, row, strict=True)}
        for i, row in enumerate(numbers.tolist())
    ]


def written(schema: Mapping[str, Any], records: Sequence[Mapping[str, Any]], number: int = EVENT_ID) -> list[bytes]:
    """Records as fastavro encodes them, with Confluent's framing."""
    parsed, payloads, header = fastavro.parse_schema(plain(schema)), [], b"\0" + number.to_bytes(4, "big")
    for one in records:
        out = io.BytesIO()
        out.write(header)
        fastavro.schemaless_writer(out, parsed, one)
        payloads.append(out.getvalue())
    return payloads


def read(schema: Mapping[str, Any], payloads: Sequence[bytes]) -> list[dict[str, Any]]:
    """Framed records as fastavro decodes them."""
    parsed, records = fastavro.parse_schema(plain(schema)), []
    for payload in payloads:
        source = io.BytesIO(payload)
        source.seek(FRAME)
        one: dict[str, Any] = fastavro.schemaless_reader(source, parsed, None)  # type: ignore[assignment]
        records.append(one)
    return records


def stream(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of so many events, each with an id of its own; the rest repeats after ``POOL``."""
    pool = written(EVENT, events(min(count, POOL)))
    before = FRAME + 1  # and the length of the id
    heads, tails = [value[:before] for value in pool], [value[before + _ID :] for value in pool]
    for number in range(count):
        name, place = b"evt-%012d" % number, number % POOL
        yield name, heads[place] + name + tails[place]


def number_of(event: bytes) -> int:
    """The number that an event, or a prediction that begins with its id, was given by ``stream``.

    Raises ``ValueError`` where it is none of them.
    """
    return int(event[FRAME + 5 : FRAME + 1 + _ID])


def row(event: Mapping[str, Any], missing: float = 0.0) -> list[float]:
    """The model's inputs, with ``missing`` for those that are null."""
    return [missing if event[name] is None else event[name] for name in FEATURES]


class Library(Protocol):
    """A model as the training library fits it."""

    def predict_proba(self, rows: Floats) -> Floats:
        """The probability of each class, ``(rows, classes)``."""


@dataclass(frozen=True)
class Model:
    """The same model twice: the library's, to be called with ``missing`` for nulls; and the parts of a version."""

    title: str
    library: Library
    missing: float
    steps: Sequence[Part]
    kernel: Part


def logistic() -> Model:
    """A logistic regression."""
    rows, truth = _training(0.0)
    fitted = LogisticRegression(solver="newton-cholesky").fit(rows, truth)
    filled = [f"{feature}.filled" for feature in FEATURES]
    steps = [build.impute(FEATURES, filled, np.zeros(len(FEATURES)))]
    return Model("logistic", fitted, 0.0, steps, build.logistic(filled, fitted.coef_, fitted.intercept_))


def trees(count: int = TREES) -> Model:
    """Boosted trees of 31 leaves."""
    rows, truth = _training(np.nan)
    fitted = HistGradientBoostingClassifier(
        max_iter=count, max_leaf_nodes=LEAVES, early_stopping=False, random_state=0
    ).fit(rows, truth)
    # The library has no public way to its trees.
    taken = [_tree(predictor.nodes) for iteration in fitted._predictors for predictor in iteration]
    kernel = forest(FEATURES, taken, fitted._baseline_prediction.ravel(), "sigmoid")
    return Model(f"{count} trees of {LEAVES} leaves", fitted, np.nan, (), kernel)


def version(model: str, name: str, fitted: Model) -> VersionBytes:
    """A model as a version, proven on some events."""
    some = events(32)
    rows = np.array([row(event, fitted.missing) for event in some])
    inputs = [Input(feature, "float64", nullable=True) for feature in FEATURES]
    trained_with = ("scikit-learn", sklearn.__version__)
    design = Design(model, name, 1, trained_with, inputs, fitted.steps, fitted.kernel, "binary", CLASSES)
    raw = [[event[feature] for feature in FEATURES] for event in some]
    return build.version(design, Proof(raw, fitted.library.predict_proba(rows)[:, 1:].T))


def prediction(
    event: Mapping[str, Any],
    score: float,
    now: int,
    source: tuple[str, int, int],
    model: str,
    digest: bytes = bytes(32),
) -> dict[str, Any]:
    """The record of a prediction at ``now``, microseconds since the epoch, for the event at these coordinates."""
    topic, partition, offset = source
    return {
        "event_id": event["event_id"],
        "source_topic": topic,
        "source_partition": partition,
        "source_offset": offset,
        "model": model,
        "version": "v1",
        "digest": digest,
        "role": "champion",
        "score": score,
        "class": CLASSES[score > 0.5],
        "scores": [],
        "event_time": event["ts"] * 1000,
        "scored_time": now,
        "flags": 0,
        "carried": {},
    }


def _training(missing: float) -> tuple[Floats, Floats]:
    random = np.random.default_rng(SEED)
    rows = np.array([row(event, missing) for event in events(_TRAINED)])
    truth = np.nan_to_num(rows) @ random.normal(size=len(FEATURES)) + random.logistic(size=len(rows)) > 0
    return rows, truth.astype(np.float64)


def _tree(nodes: np.ndarray) -> ForestTree:
    leaf = nodes["is_leaf"] == 1
    left, right = (np.where(leaf, -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
    split = nodes["num_threshold"], left, right, nodes["missing_go_to_left"], nodes["value"]
    return ForestTree(nodes["feature_idx"], *split)
