"""A version and rows of all sorts, as frames, and as files in every format."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet as pq

from scorer.model import build
from scorer.model.build import Design
from scorer.model.inputs import Input
from scorer.registry.files import write_version
from tests.model import samples

INPUTS = (
    Input("distance", "float64"),
    Input("delay", "float64", nullable=True),
    Input("seats", "int64", nullable=True),
    Input("night", "int64"),
    Input("left", "int64", nullable=True),
    Input("carrier", "category"),
    Input("gate", "category", nullable=True),
)
CARRIERS, GATES = ["AA", "UA", 'Zürich, "X"'], ["007", "7", "07"]

Row = dict[str, Any]


def design() -> Design:
    """A logistic version that every input counts in."""
    numbers = ["delay", "seats", "left"]
    steps = [
        build.impute(numbers, [f"{name}.filled" for name in numbers], [3.5, 120.0, 1.5e15]),
        build.standardise(["left.filled"], ["left.scaled"], [1.5e15], [1e14]),
        build.one_hot("carrier", CARRIERS),
        build.one_hot("gate", GATES, missing_column=True),
    ]
    columns = ["distance", "delay.filled", "seats.filled", "night", "left.scaled", *steps[2].made, *steps[3].made]
    weights = np.random.default_rng(3).normal(size=len(columns)) / [900, 20, 90, *[1] * (len(columns) - 3)]
    return samples.design(INPUTS, steps, build.logistic(columns, [weights], [0.125]), "binary", ("no", "yes"))


def write(directory: Path, what: Design | None = None) -> Path:
    """The version's directory."""
    path = directory / "coefficients" / "sample" / "v1"
    write_version(path, samples.store(what or design()))
    return path


def rows(count: int, seed: int = 1) -> list[Row]:
    """Rows with gaps where these are allowed, and two columns that the model does not take."""
    rng = np.random.default_rng(seed)

    def some(value: object) -> Any:
        return None if rng.random() < 0.2 else value

    begin = datetime(2013, 1, 1, tzinfo=UTC)
    return [
        {
            "id": 2**60 + number,
            "distance": float(rng.normal(1000, 300)),
            "delay": some(float(rng.normal())),
            "seats": some(int(rng.integers(20, 400))),
            "night": bool(rng.random() < 0.5),
            "left": some(begin + timedelta(microseconds=int(rng.integers(10**14)))),
            "carrier": str(rng.choice([*CARRIERS, "XX"])),
            "gate": some(str(rng.choice(GATES))),
            "note": some('a,\n"b" ünd'),
        }
        for number in range(count)
    ]


def frame(data: Sequence[Row]) -> pd.DataFrame:
    """The rows as a person would have them in pandas."""
    kinds = {
        "distance": "float64",
        "delay": "float64",
        "seats": "Int64",
        "night": "bool",
        "carrier": "str",
        "gate": "str",
    }
    made = pd.DataFrame(data).astype(kinds)
    return made.assign(left=pd.to_datetime(made["left"], utc=True))


AVRO: Any = {
    "type": "record",
    "name": "Flight",
    "namespace": "sample",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "distance", "type": "double"},
        {"name": "delay", "type": ["null", "double"]},
        {"name": "seats", "type": ["null", "int"]},
        {"name": "night", "type": "boolean"},
        {"name": "left", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
        {"name": "carrier", "type": "string"},
        {"name": "gate", "type": ["null", {"type": "enum", "name": "Gate", "symbols": ["_007", "_7"]}, "string"]},
        {"name": "note", "type": ["null", "string"]},
    ],
}


def put(path: Path, data: Sequence[Row]) -> Path:
    """A file with these rows in the format of its ending."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as text:
            lines = csv.writer(text)
            lines.writerow(data[0])
            lines.writerows([_cell(value) for value in row.values()] for row in data)
    elif path.suffix == ".jsonl":
        with path.open("w", encoding="utf-8") as text:
            text.writelines(json.dumps(row, default=datetime.isoformat) + "\n" for row in data)
    elif path.suffix == ".avro":
        with path.open("wb") as file:
            fastavro.writer(file, AVRO, data, codec="deflate")
    else:
        kinds = {"seats": pa.int16(), "left": pa.timestamp("us", "UTC"), "gate": pa.string(), "note": pa.string()}
        table = pa.Table.from_pylist(list(data))
        schema = pa.schema(
            [pa.field(name, kinds.get(name, table.schema.field(name).type)) for name in table.column_names]
        )
        pq.write_table(pa.Table.from_pylist(list(data), schema), path)
    return path


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else value


def got(path: Path) -> list[Row]:
    """The rows of a file, as its format's own library reads them."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as text:
            return list(csv.DictReader(text, strict=True))
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    if path.suffix == ".avro":
        with path.open("rb") as file:
            return [dict(record) for record in fastavro.reader(file) if isinstance(record, dict)]
    found: list[Row] = pq.read_table(path).to_pylist()
    return found


def number(value: object) -> float:
    """A score as any format holds it."""
    return math.nan if value in (None, "") else float(str(value))
