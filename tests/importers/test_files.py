"""Files of models: what is read, what only where it is allowed, and what never."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from scorer.batch import Floats
from scorer.errors import NotImportable, SchemaError, SettingsError
from scorer.importers import import_model
from scorer.importers.sklearn.dates import DateParts
from scorer.model import golden
from scorer.model.frame import predict
from tests.importers.twins import labels, rows


def model_of(fitted: Any, frame: pd.DataFrame, **options: Any) -> Any:
    return golden.admit(import_model(fitted, model="m", version="v", rows=frame, **options).stored)


def answer(frame: pd.DataFrame, fitted: Any) -> Floats:
    return np.asarray(fitted.predict_proba(frame)[:, 1])


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_skops_file_and_files_of_rows(tmp_path: Path, form: str) -> None:
    frame = rows(25, gaps=True)
    fitted = HistGradientBoostingClassifier(max_iter=5).fit(frame, labels(frame, 26, 2))
    skops.io.dump(fitted, tmp_path / "model.skops")
    if form == "csv":
        frame.to_csv(tmp_path / "rows.csv", index=False)
    else:
        frame.to_parquet(tmp_path / "rows.parquet")
    made = import_model(tmp_path / "model.skops", model="m", version="v", rows=tmp_path / f"rows.{form}")
    got = predict(golden.admit(made.stored), frame)["score"]
    np.testing.assert_allclose(got, answer(frame, fitted), rtol=1e-12)


def test_a_type_in_a_skops_file_that_is_not_trusted(tmp_path: Path) -> None:
    frame = rows(27)
    own = make_pipeline(FunctionTransformer(json.dumps), LogisticRegression())
    own.steps[1][1].fit(frame, labels(frame, 28, 2))
    skops.io.dump(own, tmp_path / "model.skops")
    with pytest.raises(NotImportable, match=r"it holds json\.dumps, which a file could use to run code; say that you"):
        model_of(tmp_path / "model.skops", frame)
    with pytest.raises((NotImportable, SchemaError)):
        model_of(tmp_path / "model.skops", frame, trust=["json.dumps"])
    (tmp_path / "broken.skops").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(NotImportable, match=r"it is no file of skops: .*; write it with skops\.io\.dump"):
        model_of(tmp_path / "broken.skops", frame)


def test_date_parts_in_a_skops_file_are_trusted(tmp_path: Path) -> None:
    frame = pd.DataFrame({"at": pd.date_range("2013-01-01", periods=90, freq="7h")})
    fitted = make_pipeline(DateParts(["hour", "weekday"], cyclic=True), LinearRegression())
    fitted.fit(frame, frame["at"].dt.hour)
    skops.io.dump(fitted, tmp_path / "model.skops")
    model = model_of(tmp_path / "model.skops", frame)
    np.testing.assert_allclose(predict(model, frame)["score"], fitted.predict(frame), rtol=1e-9)


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("exploded"),))


@pytest.mark.parametrize("name", ["model.pkl", "model.pickle", "model.joblib"])
def test_a_pickle_is_read_only_where_that_is_allowed(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    frame = rows(29)
    fitted = LogisticRegression().fit(frame, labels(frame, 30, 2))
    write = joblib.dump if name.endswith("joblib") else lambda what, file: Path(file).write_bytes(pickle.dumps(what))
    write(Bomb(), name)
    with pytest.raises(NotImportable, match="runs whatever code its author put into it; save the model with skops"):
        model_of(tmp_path / name, frame)
    assert not Path("exploded").exists()
    write(fitted, name)
    assert model_of(tmp_path / name, frame, allow_pickle=True).kind == "binary"


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("model.onnx", NotImportable, r"its name ends in \.onnx, which is the form of no model"),
        ("model.cbm", NotImportable, r"its name ends in \.cbm, which is the form of no model"),
        ("model", NotImportable, "its name ends in nothing"),
        ("none.skops", SettingsError, "is not there, or no file"),
    ],
)
def test_other_files(tmp_path: Path, name: str, error: type[Exception], text: str) -> None:
    if "none" not in name:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(error, match=text):
        model_of(tmp_path / name, rows(31))
