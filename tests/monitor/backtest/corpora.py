"""A model of two versions, and corpora to hold them against."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pandas as pd

from monitor.cli.app import run
from scorer.registry.files import write_version
from tests.integration.deployment import version

SLOPES = {"v1": 2.0, "v2": -0.5, "v3": 2.1}

REQUIREMENTS = """
[[requirement]]
metric = "accuracy"
window = "month"
judged = "continuously"
minimum = 0.6
least_labels = 20

[[requirement]]
metric = "brier"
window = "month"
judged = "once per closed window"
maximum = 0.2
least_labels = 20

[[requirement]]
metric = "auc"
window = "month"
judged = "once per closed window"
minimum = 0.6
least_labels = 20
season = [2, 3]

[[requirement]]
metric = "accuracy"
window = "month"
judged = "once per closed window"
minimum = 0.55
least_labels = 5
segments = { place = ["a", "b"] }

[[requirement]]
metric = "invalid_share"
window = "month"
judged = "once per closed window"
maximum = 0.5
least_labels = 5

[[requirement]]
metric = "dead_letter_share"
window = "month"
judged = "once per closed window"
maximum = 0.5
least_labels = 5
"""


@dataclass(frozen=True)
class Model:
    """Its files, below one directory."""

    directory: Path

    @staticmethod
    def made(directory: Path) -> Model:
        """Write the versions and the requirements."""
        for name, slope in SLOPES.items():
            write_version(directory / "coefficients" / "m" / name, version("m", name, slope))
        (directory / "coefficients" / "m" / "requirements.toml").write_text(REQUIREMENTS)
        return Model(directory)

    def words(self, corpus: Path, *more: object, versions: str = "v1,v2") -> list[str]:
        """A back-test of this corpus."""
        return [
            "backtest", "--model", "m", "--versions", versions, "--corpus", str(corpus), "--time", "at",
            "--coefficients", str(self.directory / "coefficients"), "--state", str(self.directory / "state"),
            *map(str, more),
        ]  # fmt: skip

    def ask(self, capsys: Any, corpus: Path, *more: object, versions: str = "v1,v2") -> dict[str, Any]:
        """What it comes to."""
        capsys.readouterr()
        code = run(self.words(corpus, "--json", *more, versions=versions))
        said = capsys.readouterr()
        assert code == 0, said.err
        found = json.loads(said.out)
        assert isinstance(found, dict)
        return found


def rows(count: int, seed: int = 1) -> pd.DataFrame:
    """Rows of five months from December on; some without label, some without place, some without value."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=count)
    start = pd.Timestamp("2012-12-01", tz="UTC")
    return pd.DataFrame(
        {
            "at": start + pd.to_timedelta(np.sort(rng.integers(0, 150 * 24 * 60, count)), unit="min"),
            "x": np.where(rng.random(count) < 0.05, np.nan, x),
            "place": rng.choice(np.array(["a", "b", "c", None], object), count),
            "label": np.where(rng.random(count) < 0.1, np.nan, rng.random(count) < 1 / (1 + np.exp(-2 * x))),
        }
    )


def write(frame: pd.DataFrame, file: Path, row_group: int | None = None) -> Path:
    """In the format that its ending names."""
    if file.suffix == ".csv":
        frame.to_csv(file, index=False)
    elif file.suffix == ".jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in _records(frame)))
    elif file.suffix == ".avro":
        optional = {"x": "double", "place": "string", "label": "double"}
        fields = [{"name": name, "type": ["null", kind]} for name, kind in optional.items()]
        schema = {"type": "record", "name": "Row", "fields": [{"name": "at", "type": "string"}, *fields]}
        with file.open("wb") as opened:
            fastavro.writer(opened, schema, _records(frame))
    else:
        frame.to_parquet(file, index=False, row_group_size=row_group or len(frame))
    return file


def _records(frame: pd.DataFrame) -> Sequence[dict[str, Any]]:
    plain = frame.assign(at=[at.isoformat() for at in frame["at"]]).astype(object)
    records = plain.where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in record.items()} for record in records]
