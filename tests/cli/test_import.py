"""``scorer models import``: a file of a model and one of rows, and what is printed."""

from __future__ import annotations

import pickle
from pathlib import Path

import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

import scorer
from tests.cli.conftest import Command
from tests.importers.twins import labels, rows


@pytest.fixture
def frame(tmp_path: Path) -> pd.DataFrame:
    """Rows, which also lie in a file."""
    made = rows(1, 120)
    made.to_csv(tmp_path / "rows.csv", index=False)
    return made


def test_a_model_becomes_a_version(command: Command, tmp_path: Path, frame: pd.DataFrame) -> None:
    fitted = LogisticRegression().fit(frame, labels(frame, 2, 2))
    skops.io.dump(fitted, tmp_path / "model.skops")
    named = ("--model", "delays", "--version", "v1", "--rows", "rows.csv", "--classes", "on time,late", "--serial", "7")
    ran = command("models", "import", "model.skops", *named)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[0] == "coefficients/delays/v1 is written; it scores as the library does:"
    assert {row[0] for row in ran.rows[1:]} >= {"probabilities", "margins", "classes", "refusals of odd rows"}
    model = scorer.load("coefficients/delays/v1").model
    assert (model.classes, model.manifest.serial) == (("on time", "late"), 7)
    again = command("models", "import", "model.skops", *named, "--json")
    assert again.code == 0
    assert again.json["directory"] == "coefficients/delays/v1"
    assert all(one["rows"] > 0 for one in again.json["differences"])


def test_what_cannot_be_imported_writes_nothing(command: Command, tmp_path: Path, frame: pd.DataFrame) -> None:
    fitted = KNeighborsClassifier().fit(frame, labels(frame, 3, 2))
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(fitted))
    named = ("--model", "delays", "--version", "v1", "--rows", "rows.csv")
    refused = command("models", "import", "model.pkl", *named)
    assert refused.code == 13
    assert "--allow-pickle" in refused.err
    refused = command("models", "import", "model.pkl", *named, "--allow-pickle")
    assert refused.code == 13
    assert "KNeighborsClassifier cannot be imported" in refused.err
    assert "train HistGradientBoostingClassifier" in refused.err
    assert not Path("coefficients").exists()
