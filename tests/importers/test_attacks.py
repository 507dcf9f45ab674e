"""Imports that once scored otherwise than the library without a word, or were refused without need."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from scorer.errors import NotImportable, SchemaError
from scorer.importers import Imported, import_model
from scorer.model import golden
from scorer.model.frame import predict

FEW: dict[str, Any] = {"n_estimators": 5, "min_child_samples": 3, "verbose": -1}


def rows(seed: int = 0, count: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"a": rng.normal(size=count), "b": rng.normal(size=count), "k": rng.integers(3, 9, count)})


ROWS = rows()
FRESH = rows(1)
LABELS = (ROWS["a"] - 0.3 * ROWS["b"] + 0.4 * (ROWS["k"] % 3) > 0.3).astype(int).to_numpy()
CATEGORIES = [8, 3, 7, 4, 6, 5]


def imported(model: Any, sample: pd.DataFrame, **options: Any) -> Imported:
    return import_model(model, model="m", version="v", rows=sample, **options)


def assert_alike(made: Imported, frame: pd.DataFrame, expected: npt.NDArray[Any]) -> None:
    got = predict(golden.admit(made.stored), frame)["score"]
    np.testing.assert_allclose(got, expected, rtol=2e-6, atol=1e-9)


def second(model: Any, frame: Any) -> npt.NDArray[Any]:
    """The library's probability of the second class."""
    return np.asarray(model.predict_proba(frame))[:, 1]


def passthrough() -> Pipeline:
    return make_pipeline("passthrough", LogisticRegression())


@pytest.mark.parametrize(
    "model",
    [
        passthrough(),
        make_pipeline(passthrough()),
        make_pipeline(FeatureUnion([("as it is", "passthrough"), ("scaled", StandardScaler())]), LogisticRegression()),
        VotingClassifier([("linear", passthrough()), ("tree", DecisionTreeClassifier(max_depth=2))], voting="soft"),
        CalibratedClassifierCV(passthrough(), cv=2),
    ],
    ids=["pipeline", "nested", "union", "voting", "calibrated"],
)
def test_a_pipeline_that_begins_with_nothing_takes_columns_by_name(model: Any) -> None:
    model.fit(ROWS, LABELS)
    made = imported(model, ROWS[["k", "b", "a"]].assign(more=0))
    assert_alike(made, FRESH, second(model, FRESH))
    assert not made.notes


def test_a_model_without_names_says_which_columns_it_is_taken_to_have() -> None:
    model = LogisticRegression().fit(ROWS.to_numpy(), LABELS)
    reversed_ = ROWS[["k", "b", "a"]]
    assert "trained on k, b, a, in this order" in imported(model, reversed_).notes[0]
    made = imported(model, reversed_, columns=("a", "b", "k"))
    assert not made.notes
    assert_alike(made, FRESH, second(model, FRESH.to_numpy()))


@pytest.mark.parametrize("names", [[10, 20], [0, 1]])
def test_estimators_that_were_fitted_before_stack_their_labels(names: list[int]) -> None:
    target = np.array(names)[LABELS]
    parts = [(str(depth), DecisionTreeClassifier(max_depth=depth).fit(ROWS, target)) for depth in (1, 3)]
    model = StackingClassifier(parts, cv="prefit", stack_method="predict", passthrough=True).fit(ROWS, target)
    assert_alike(imported(model, ROWS), FRESH, second(model, FRESH))


def coded(frame: pd.DataFrame, *, ordered: bool = False) -> pd.DataFrame:
    return frame.assign(k=pd.Categorical(frame["k"], CATEGORIES, ordered=ordered))


def test_lightgbm_gives_no_list_of_categories_to_codes() -> None:
    def with_codes(frame: pd.DataFrame) -> pd.DataFrame:
        return coded(frame, ordered=True).assign(code=frame["k"] // 2)

    model = lightgbm.LGBMClassifier(**FEW).fit(with_codes(ROWS), LABELS, categorical_feature=["code"])
    with pytest.raises(NotImportable, match=r"numbers in column 'code' may be of its list.*give rows with the dtypes"):
        imported(model, ROWS.assign(code=ROWS["k"] // 2))
    made = imported(model, with_codes(ROWS))
    assert_alike(made, FRESH.assign(code=FRESH["k"] // 2), second(model, with_codes(FRESH)))


@pytest.mark.parametrize("ordered", [False, True])
def test_lightgbm_takes_categories_as_the_rows_have_them(ordered: bool) -> None:
    model = lightgbm.LGBMClassifier(**FEW).fit(coded(ROWS, ordered=ordered), LABELS)
    expected = second(model, coded(FRESH, ordered=ordered))
    assert_alike(imported(model, coded(ROWS, ordered=ordered)), FRESH, expected)
    if not ordered:
        assert_alike(imported(model, ROWS), FRESH, expected)


def test_lightgbm_takes_text_that_is_always_the_same() -> None:
    model = lightgbm.LGBMClassifier(**FEW).fit(coded(ROWS).assign(word=pd.Categorical(["w"] * len(ROWS))), LABELS)
    expected = second(model, coded(FRESH).assign(word=pd.Categorical(["w"] * len(FRESH))))
    assert_alike(imported(model, ROWS.assign(word="w")), FRESH.assign(word="w"), expected)


def test_lightgbm_names_that_may_be_of_two_columns_are_refused() -> None:
    spelt = ROWS.rename(columns={"a": "the a"})
    model = lightgbm.LGBMClassifier(**FEW).fit(spelt, LABELS)
    with pytest.raises(SchemaError, match="'the_a' may be 'the a' or 'the_a' of the rows"):
        imported(model, spelt.assign(the_a=0.0))
    assert_alike(imported(model, spelt), spelt, second(model, spelt))


def test_lightgbm_random_forests_classify() -> None:
    model = lightgbm.LGBMClassifier(boosting_type="rf", bagging_freq=1, bagging_fraction=0.6, **FEW).fit(ROWS, LABELS)
    assert_alike(imported(model, ROWS), FRESH, second(model, FRESH))


@pytest.mark.parametrize(
    ("model", "target", "why"),
    [
        (lightgbm.LGBMClassifier(pred_early_stop=True, **FEW), LABELS, "leaves out trees.*pred_early_stop=False"),
        (lightgbm.LGBMClassifier(**FEW), 0 * LABELS, "fewer than two classes"),
        (xgboost.XGBClassifier(n_estimators=2), 0 * LABELS, "fewer than two classes"),
        (xgboost.XGBClassifier(n_estimators=2), np.c_[LABELS, 1 - LABELS], "it estimates 2 numbers for a row"),
    ],
    ids=["early stop", "lightgbm one class", "xgboost one class", "several labels"],
)
def test_what_a_version_cannot_answer_is_refused(model: Any, target: npt.NDArray[Any], why: str) -> None:
    model.fit(ROWS, target)
    with pytest.raises(NotImportable, match=why):
        imported(model, ROWS)


@pytest.mark.parametrize(
    "model",
    [lightgbm.LGBMClassifier(**FEW), xgboost.XGBClassifier(n_estimators=2), LogisticRegression()],
    ids=["lightgbm", "xgboost", "scikit-learn"],
)
def test_columns_may_have_numbers_for_names(model: Any) -> None:
    numbered = ROWS.set_axis(range(3), axis="columns")
    model.fit(numbered, LABELS)
    expected = second(model, FRESH.set_axis(range(3), axis="columns"))
    assert_alike(imported(model, numbered), FRESH.set_axis(list("012"), axis="columns"), expected)


def test_a_file_of_lightgbm_that_was_cut_is_refused_before_the_library_ends_the_process(tmp_path: Path) -> None:
    lightgbm.LGBMClassifier(**FEW).fit(ROWS, LABELS).booster_.save_model(tmp_path / "whole.txt")
    text = (tmp_path / "whole.txt").read_bytes()
    imported(tmp_path / "whole.txt", ROWS)
    for place in (0, 100, len(text) // 3, text.find(b"end of trees"), text.find(b"end of parameters")):
        (tmp_path / "cut.txt").write_bytes(text[:place])
        with pytest.raises(NotImportable, match="cut off or changed"):
            imported(tmp_path / "cut.txt", ROWS)


@pytest.mark.parametrize(
    ("field", "value"), [("left_children", 0), ("right_children", 1), ("left_children", 999), ("split_indices", 7)]
)
def test_a_tree_that_is_none_is_refused_before_the_library_follows_it(tmp_path: Path, field: str, value: int) -> None:
    whole = tmp_path / "whole.json"
    xgboost.XGBClassifier(n_estimators=2, max_depth=2).fit(ROWS, LABELS).save_model(whole)
    document = json.loads(whole.read_text())
    document["learner"]["gradient_booster"]["model"]["trees"][1][field][0] = value
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(document))
    imported(whole, ROWS)
    with pytest.raises(NotImportable, match="a node with two parents, or a child or a column that is not there"):
        imported(broken, ROWS)


def test_a_pickle_that_was_cut_is_refused(tmp_path: Path) -> None:
    for name in ("cut.pkl", "cut.joblib"):
        (tmp_path / name).write_bytes(pickle.dumps(LogisticRegression().fit(ROWS, LABELS))[:200])
        with pytest.raises(NotImportable, match=r"cannot be unpickled.*dump it anew"):
            imported(tmp_path / name, ROWS, allow_pickle=True)


def test_codes_are_those_that_the_dtype_of_the_encoder_holds() -> None:
    many = pd.DataFrame({"k": np.arange(4000)})
    model = make_pipeline(OrdinalEncoder(dtype=np.float16), DecisionTreeRegressor()).fit(many, many["k"])
    assert_alike(imported(model, many[:30]), many, model.predict(many))


def test_more_columns_than_a_version_may_have_are_refused() -> None:
    words = pd.DataFrame({"word": [str(k) for k in range(4200)]})
    model = make_pipeline(OneHotEncoder(), Ridge(solver="lsqr")).fit(words, np.arange(4200.0))
    with pytest.raises(NotImportable, match=r"4,202, and those of a version at most 4,096; .*min_frequency"):
        imported(model, words[:10])
    wide = pd.DataFrame(np.zeros((2, 1001)), columns=[f"c{k}" for k in range(1001)])
    with pytest.raises(NotImportable, match="takes 1,001 columns, and a version at most 1,000"):
        imported(Ridge().fit(wide, [0.0, 1.0]), wide)


def test_a_column_without_any_value_has_no_type() -> None:
    with pytest.raises(SchemaError, match="column 'a' has no value in any row"):
        imported(LogisticRegression().fit(ROWS, LABELS), ROWS.assign(a=pd.Series([None] * len(ROWS), dtype=object)))


def test_names_with_blanks_are_known_behind_wrappers_of_lightgbm() -> None:
    spelt = ROWS.rename(columns={"a": "the a"})
    model = CalibratedClassifierCV(lightgbm.LGBMClassifier(**FEW), cv=2).fit(spelt, LABELS)
    assert_alike(imported(model, spelt[["k", "the a", "b"]]), spelt, second(model, spelt))


def test_units_of_float32_are_allowed_for_where_they_are_multiplied() -> None:
    model = StackingClassifier([("trees", xgboost.XGBClassifier(n_estimators=4))], LogisticRegression(C=100), cv=2)
    model.fit(ROWS, LABELS)
    assert_alike(imported(model, rows(2, 5000)), FRESH, second(model, FRESH))


def test_rows_of_categories_that_are_numbers_are_probed_in_ensembles() -> None:
    trees = [
        ("x", xgboost.XGBClassifier(n_estimators=2, enable_categorical=True)),
        ("l", lightgbm.LGBMClassifier(**FEW)),
    ]
    model = VotingClassifier(trees, voting="soft").fit(coded(ROWS), LABELS)
    assert_alike(imported(model, coded(ROWS)), FRESH, second(model, coded(FRESH)))


def test_a_category_that_xgboost_mistakes_for_the_next_is_not_held_against_a_version() -> None:
    def words(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(k=pd.Categorical(frame["k"].map(lambda k: "lmnopq"[k - 3])))

    model = CalibratedClassifierCV(xgboost.XGBClassifier(n_estimators=2, enable_categorical=True), cv=2)
    model.fit(words(ROWS), LABELS)
    assert_alike(imported(model, words(ROWS)), words(FRESH), second(model, words(FRESH)))
