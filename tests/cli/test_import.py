"""``scorer models import``: a file of a model and one of rows, and what is printed."""

from __future__ import annotations

import pickle
from pathlib import Path

import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from xgboost import XGBClassifier

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
    assert ran.err.startswith(
        "next: write a row whose outcome you understand to coefficients/delays/v1/cases/contrived"
    )
    again = command("models", "import", "model.skops", *named, "--json")
    assert again.code == 0
    assert again.json["directory"] == "coefficients/delays/v1"
    assert all(one["rows"] > 0 for one in again.json["differences"])


def test_serials_grow_by_themselves(command: Command, tmp_path: Path, frame: pd.DataFrame) -> None:
    skops.io.dump(LogisticRegression().fit(frame, labels(frame, 2, 2)), tmp_path / "model.skops")

    def serial(version: str, *more: str) -> int:
        named = ("--model", "delays", "--version", version, "--rows", "rows.csv", *more)
        ran = command("models", "import", "model.skops", *named)
        assert ran.code == 0, ran.err
        return scorer.load(f"coefficients/delays/{version}").model.manifest.serial

    assert [serial("v1"), serial("v2", "--serial", "7"), serial("v3"), serial("v1")] == [1, 7, 8, 1]
    cases = tmp_path / "coefficients/delays/v2/cases"
    cases.mkdir()
    (cases / "contrived.json").touch()
    named = ("--model", "delays", "--rows", "rows.csv", "--version")
    assert command("models", "import", "model.skops", *named, "v1").err.startswith(
        "next: cp -r coefficients/delays/v2/cases coefficients/delays/v1/, or"
    )
    assert command("models", "import", "model.skops", *named, "v2", "--serial", "7").err == (
        "next: scorer models test coefficients/delays/v2\n"
    )
    (tmp_path / "coefficients/delays/v2/manifest.json").write_text("{")
    ran = command("models", "import", "model.skops", "--model", "delays", "--version", "v4", "--rows", "rows.csv")
    assert ran.code == 4
    assert "coefficients/delays/v2/manifest.json" in ran.err
    assert "say --serial" in ran.err


def test_boosted_trees_that_know_no_names(command: Command, tmp_path: Path, frame: pd.DataFrame) -> None:
    fitted = XGBClassifier(n_estimators=2).fit(frame.to_numpy()[:, :2], labels(frame, 2, 2))
    fitted.save_model(tmp_path / "model.json")
    named = ("--model", "delays", "--version", "v1", "--rows", "rows.csv")
    refused = command("models", "import", "model.json", *named)
    assert refused.code == 3
    assert "name those that it takes, in its order (columns=…, --columns)" in refused.err
    first, second = frame.columns[:2]
    refused = command("models", "import", "model.json", *named, "--columns", f"{first},elsewhere")
    assert "the rows lack 'elsewhere'" in refused.err
    ran = command("models", "import", "model.json", *named, "--columns", f"{first},{second}")
    assert ran.code == 0, ran.err
    assert [entry.name for entry in scorer.load("coefficients/delays/v1").model.inputs] == [first, second]


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
