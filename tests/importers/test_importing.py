"""The door: what is given, what is found out by asking the library, what is proven, and what files are taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from scorer.errors import SchemaError, SettingsError, VersionRefused
from scorer.importers import import_model
from scorer.importers.parts import Columns, Draft, Estimate
from scorer.importers.sklearn.source import SklearnSource
from scorer.model import golden
from scorer.model.build import Part
from scorer.model.frame import predict
from scorer.model.inputs import Input
from scorer.model.kernels.forest import Forest
from tests.importers.twins import NAMES, labels, rows, twin


def model_of(fitted: Any, frame: pd.DataFrame, **options: Any) -> Any:
    return golden.admit(import_model(fitted, model="m", version="v", rows=frame, **options).stored)


def test_inputs_are_nullable_where_the_library_takes_a_gap() -> None:
    frame, target = rows(1), labels(rows(1), 2, 2)
    imputed = make_pipeline(SimpleImputer(), LogisticRegression()).fit(frame, target)
    plain = LogisticRegression().fit(frame, target)
    assert [entry.nullable for entry in model_of(imputed, frame).inputs] == [True] * 4
    model = model_of(plain, frame)
    assert [entry.nullable for entry in model.inputs] == [False] * 4
    assert [entry.dtype for entry in model.inputs] == ["float64", "float64", "int64", "float64"]
    gaps = frame[:3].astype(float)
    gaps.iloc[1, 2] = np.nan
    found = predict(model, gaps)
    assert found["missing"].tolist() == [None, "whole", None]
    assert found["score"].isna().tolist() == [False, True, False]


def test_an_infinite_input_is_refused_where_the_library_raises() -> None:
    """A sigmoid of infinity is 1, which looks like a probability."""
    frame, target = rows(3), labels(rows(3), 4, 2)
    odd = frame[:4].copy()
    odd.iloc[1, 0], odd.iloc[2, 0] = np.inf, 1e39
    for fitted, refused in (
        (LogisticRegression(max_iter=500).fit(frame, target), [False, True, False, False]),
        (DecisionTreeClassifier(max_depth=2).fit(frame, target), [False, True, True, False]),
        (HistGradientBoostingClassifier(max_iter=2).fit(frame, target), [False] * 4),
    ):
        found = predict(model_of(fitted, frame), odd)
        assert found["score"].isna().tolist() == refused


def test_an_unseen_category_that_the_library_raises_for_is_no_prediction() -> None:
    frame = pd.DataFrame({"word": ["a", "b", "c"] * 20})
    target = np.array([0, 1, 1] * 20)
    strict = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(frame, target)
    lenient = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(frame, target)
    fresh = pd.DataFrame({"word": ["a", "z"]})
    refused = predict(model_of(strict, frame), fresh)
    assert refused["score"].isna().tolist() == [False, True]
    assert refused["missing"].notna().tolist() == [False, True]
    taken = predict(model_of(lenient, frame), fresh)
    assert taken["score"].notna().all()
    assert taken["flags"].tolist() == [0, 4]


def test_inputs_may_be_said() -> None:
    """A field that the library would do without may be required; one that it needs may not be left out."""
    frame, target = rows(5), labels(rows(5), 6, 2)
    imputed = make_pipeline(SimpleImputer(), LogisticRegression()).fit(frame, target)
    dtypes = ("float64", "float64", "int64", "float64")
    said = [Input(name, dtype, nullable=name == "plain") for name, dtype in zip(NAMES, dtypes, strict=True)]
    assert model_of(imputed, frame, inputs=said[::-1]).inputs == tuple(said)
    with pytest.raises(SchemaError, match="the inputs must be those that the model takes: plain, steps, whole, positi"):
        model_of(imputed, frame, inputs=said[1:])
    plain = LogisticRegression().fit(frame, target)
    with pytest.raises(VersionRefused) as caught:
        model_of(plain, frame, inputs=[replace(entry, nullable=True) for entry in said])
    assert caught.value.reason in ("pipeline", "proof")


def test_classes_are_those_of_the_library_or_renamed() -> None:
    frame = rows(7)
    fitted = LogisticRegression().fit(frame, labels(frame, 8, 2))
    assert model_of(fitted, frame).classes == ("0", "1")
    model = model_of(fitted, frame, classes=["on time", "late"])
    assert model.classes == ("on time", "late")
    assert set(predict(model, frame)["class"]) == {"on time", "late"}
    with pytest.raises(SettingsError, match="there are 2 classes, 0, 1; name as many, in order"):
        model_of(fitted, frame, classes=["late"])


def test_a_model_that_was_fitted_on_arrays() -> None:
    frame = rows(9)
    fitted = LinearRegression().fit(frame.to_numpy()[:, :2], frame["positive"])
    with pytest.raises(SchemaError, match="fitted on 2 columns without names, and the rows have 4"):
        model_of(fitted, frame)
    model = model_of(fitted, frame, columns=("plain", "steps"))
    assert [entry.name for entry in model.inputs] == ["plain", "steps"]
    np.testing.assert_allclose(predict(model, frame)["score"], fitted.predict(frame.to_numpy()[:, :2]), rtol=1e-12)


def test_float32_rows_are_scored_as_the_float64_that_events_hold() -> None:
    frame = rows(10).astype(np.float32)
    fitted = LogisticRegression().fit(frame, labels(frame, 11, 2))
    model = model_of(fitted, frame)
    wide = frame.astype(np.float64)
    np.testing.assert_allclose(predict(model, wide)["score"], fitted.predict_proba(wide)[:, 1], rtol=1e-9)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint32", "Int8", "UInt16"])
def test_narrow_integers_are_scored_as_the_64_bits_that_events_hold(dtype: str) -> None:
    """The library squares int8 within 8 bits; fitted on wider numbers, it must be asked with these, too."""
    frame = pd.DataFrame({"x": np.arange(60) % 100, "y": np.linspace(-1, 1, 60)})
    fitted = make_pipeline(FunctionTransformer(np.square), LinearRegression()).fit(frame, frame["x"] ** 2)
    model = model_of(fitted, frame.astype({"x": dtype}))
    assert model.inputs[0].dtype == "int64"
    np.testing.assert_allclose(predict(model, frame)["score"], fitted.predict(frame), rtol=1e-12)
    if dtype == "int8":
        assert np.abs(fitted.predict(frame.astype({"x": dtype})) - frame["x"] ** 2).max() > 100


def test_an_integer_that_events_cannot_hold() -> None:
    frame = pd.DataFrame({"x": np.array([1, 2**63], np.uint64)})
    fitted = LinearRegression().fit(frame, [1.0, 2.0])
    with pytest.raises(SchemaError, match="'x' holds 9223372036854775808, and events hold integers up to 92233720"):
        model_of(fitted, frame)


def test_golden_rows_and_profile() -> None:
    frame = rows(12, gaps=True)
    found = twin(RandomForestClassifier(5, random_state=0), frame, labels(frame, 13, 2))
    manifest = found.model.manifest
    golden_rows = np.array(manifest.golden.inputs, object)
    assert 32 < len(golden_rows) <= 256
    for place in range(4):
        assert any(value is None for value in golden_rows[:, place])
    assert isinstance(found.model.kernel, Forest)
    arrays = found.model.kernel.trees
    on = np.isin(golden_rows[:, 0].astype(float), arrays.threshold[~arrays.leaf & (arrays.feature == 0)])
    assert on.any()
    assert manifest.profile is not None
    assert manifest.profile.n == len(frame)
    assert manifest.trained_with.library == "scikit-learn"
    assert manifest.golden.rtol == 1e-9


def test_the_same_model_gives_the_same_bytes() -> None:
    frame = rows(14)
    fitted = RandomForestClassifier(3, random_state=0).fit(frame, labels(frame, 15, 3))
    first, second = (import_model(fitted, model="m", version="v", rows=frame).stored for _ in range(2))
    assert first == second


class Wrong(SklearnSource):
    """A source whose import goes wrong in one way."""

    def __init__(self, fitted: Any, role: str, change: float) -> None:
        super().__init__(fitted)
        self.role, self.change = role, change

    def estimate(self, columns: Columns, draft: Draft, method: str) -> Estimate:
        found = super().estimate(columns, draft, method)
        arrays = dict(found.kernel.arrays)
        array = arrays[self.role].copy()
        # What happens without a value is left or right.
        array.reshape(-1)[0] = 1 - array[0] if self.role == "missing" else array.reshape(-1)[0] + self.change
        return replace(found, kernel=replace(found.kernel, arrays={**arrays, self.role: array}))


@pytest.mark.parametrize(
    ("role", "change", "what"),
    [
        ("threshold", 1e-6, "leaves"),
        ("missing", 1, "odd rows"),
        ("value", 1e-6, "probabilities"),
        ("base", 1e-6, "pro"),
    ],
)
def test_the_proof_finds_what_is_wrong_with_a_tree(role: str, change: float, what: str) -> None:
    frame = rows(16)
    fitted = DecisionTreeClassifier(max_depth=4, random_state=0).fit(frame, labels(frame, 17, 2))
    with pytest.raises(VersionRefused, match=what) as caught:
        import_model(Wrong(fitted, role, change), model="m", version="v", rows=frame)
    assert caught.value.reason == "proof"
    assert "rows differ" in str(caught.value)


@pytest.mark.parametrize("role", ["coef", "intercept"])
def test_the_proof_finds_a_wrong_coefficient(role: str) -> None:
    frame = rows(18)
    fitted = LogisticRegression().fit(frame, labels(frame, 19, 3))
    with pytest.raises(VersionRefused, match=r"probabilities: \d+ of 300 rows differ; row 0: the library \[") as caught:
        import_model(Wrong(fitted, role, 1e-6), model="m", version="v", rows=frame)
    assert "margins" in str(caught.value)


class Lenient(SklearnSource):
    """A source that forgets that the library raises for infinities."""

    def estimate(self, columns: Columns, draft: Draft, method: str) -> Estimate:
        found = super().estimate(columns, draft, method)
        forgotten = {made: taken for step in draft.steps for made, taken in zip(step.made, step.taken, strict=True)}
        draft.steps.clear()
        kernel: Part = replace(found.kernel, taken=tuple(forgotten.get(name, name) for name in found.kernel.taken))
        return replace(found, kernel=kernel)


def test_the_proof_finds_rows_that_only_the_version_scores() -> None:
    frame = rows(20)
    fitted = LogisticRegression().fit(frame, labels(frame, 21, 2))
    with pytest.raises(VersionRefused, match=r"refusals of odd rows.*plain inf: the library \[0.0\], the version"):
        import_model(Lenient(fitted), model="m", version="v", rows=frame)


def test_rows_that_do_not_fit() -> None:
    frame = rows(22)
    fitted = LogisticRegression().fit(frame, labels(frame, 23, 2))
    with pytest.raises(SchemaError, match="the rows lack 'steps', which the model takes"):
        model_of(fitted, frame.drop(columns="steps"))
    with pytest.raises(SchemaError, match="there are no rows"):
        model_of(fitted, frame[:0])
    with pytest.raises(SchemaError, match="scikit-learn itself does not take these rows: Input X contains NaN"):
        model_of(fitted, rows(24, gaps=True))
    with pytest.raises(SchemaError, match="which is neither numbers nor text"):
        model_of(fitted, frame.assign(steps=pd.Series([(1,)] * len(frame), dtype=object)))
