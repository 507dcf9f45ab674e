"""Whole pipelines on raw mixed frames: the probabilities of the version are those of ``predict_proba``."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn import preprocessing as pre
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from scorer.importers.importing import Imported, import_model
from scorer.importers.sklearn.dates import DateParts
from scorer.model import golden
from scorer.model.frame import predict
from scorer.model.model import Model
from scorer.model.ops import CLIPPED, IMPUTED, UNSEEN
from tests.importers.prepared import FULL, NUMBERS, TEXTS, assert_alike, assert_alike_one_by_one, frame, twin

CHOICES = st.sampled_from


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def outcome(rows: pd.DataFrame, seed: int, kinds: int = 2) -> Any:
    rng = np.random.default_rng(seed)
    margin = rows["plain"] + (rows["text"] == "AA") - (rows["category"] == "JFK") + rng.normal(size=len(rows)) * 0.5
    return np.digitize(margin, np.quantile(margin, np.arange(1, kinds) / kinds))


def imported(pipeline: Any, rows: pd.DataFrame) -> tuple[Model, Imported]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = import_model(pipeline, model="m", version="v", rows=rows)
    return golden.admit(made.stored), made


def assert_same_scores(pipeline: Any, rows: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """The import proves itself on ``rows``; the version scores ``fresh`` rows as the library does, too."""
    model, made = imported(pipeline, rows)
    assert all(difference.ok for difference in made.differences)
    found = predict(model, fresh)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = pipeline.predict_proba(fresh)
    scores = found[["score"]] if len(model.classes) == 2 else found[[f"score {name}" for name in model.classes]]
    np.testing.assert_allclose(
        scores.to_numpy(), expected[:, 1:] if len(model.classes) == 2 else expected, 1e-10, 1e-13
    )
    return found


def everything() -> ColumnTransformer:
    """All families of transformers at once."""
    return ColumnTransformer(
        [
            (
                "scaled",
                make_pipeline(SimpleImputer(strategy="median", add_indicator=True), pre.StandardScaler()),
                NUMBERS,
            ),
            ("logs", make_pipeline(pre.FunctionTransformer(np.log1p), pre.MinMaxScaler(clip=True)), ["positive"]),
            ("ranks", pre.QuantileTransformer(n_quantiles=50), ["plain", "positive"]),
            ("powers", pre.PowerTransformer(), FULL),
            ("bins", pre.KBinsDiscretizer(4, encode="onehot", strategy="uniform"), ["plain"]),
            ("terms", make_pipeline(pre.StandardScaler(), pre.PolynomialFeatures(2)), FULL),
            ("words", pre.OneHotEncoder(drop="first", min_frequency=0.1, handle_unknown="infrequent_if_exist"), TEXTS),
            ("codes", pre.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["category", "flag"]),
            ("targets", pre.TargetEncoder(cv=3), ["text", "none"]),
            ("dates", DateParts(["hour", "weekday", "month"], cyclic=True), ["moment"]),
            ("rest", "drop", ["gaps"]),
        ],
        remainder="passthrough",
    )


@pytest.mark.parametrize("kinds", [2, 3])
def test_everything_at_once(kinds: int) -> None:
    rows, fresh = frame(1, 600), frame(2, 300)
    fresh.loc[::9, "text"] = "never seen"
    fresh.loc[::11, "plain"] = 99.0
    pipeline = make_pipeline(everything(), LogisticRegression(max_iter=3000)).fit(rows, outcome(rows, 1, kinds))
    found = assert_same_scores(pipeline, rows, fresh)
    np.testing.assert_array_equal(found["flags"] & UNSEEN == UNSEEN, fresh.index % 9 == 0)
    assert (found["flags"][::11] & CLIPPED == CLIPPED).all()
    assert (found["flags"][fresh["gaps"].isna()] & IMPUTED == IMPUTED).all()
    assert not (found["flags"][fresh["gaps"].notna()] & IMPUTED).any()


def test_gaps_that_reach_trees() -> None:
    rows, fresh = frame(3, 600), frame(4, 300)
    words = pre.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    prepared = make_column_transformer((words, TEXTS), (pre.StandardScaler(), NUMBERS), remainder="drop")
    pipeline = make_pipeline(prepared, HistGradientBoostingClassifier(max_iter=20)).fit(rows, outcome(rows, 3))
    fresh.loc[::9, "text"] = "never seen"
    found = assert_same_scores(pipeline, rows, fresh)
    assert (found["missing"].isna()).all()


def test_an_unknown_code_that_sums_cannot_take_is_refused() -> None:
    """The library raises for the NaN that it became; the version refuses the row, and nothing else."""
    rows = frame(5, 300)[["text", "plain", "category"]].dropna()
    words = pre.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    prepared = make_column_transformer((words, ["text"]), ("passthrough", ["plain"]))
    pipeline = make_pipeline(prepared, LogisticRegression()).fit(rows, outcome(rows, 5))
    model, _ = imported(pipeline, rows)
    found = predict(model, rows.head(2).assign(text=["never seen", "AA"]))
    assert found["missing"].tolist()[0] is not None
    assert np.isnan(found["score"].iloc[0])
    assert np.isfinite(found["score"].iloc[1])


PLACES: dict[str, Any] = {
    "names": ["plain", "whole"],
    "places": [1, 3],
    "from the end": [-1, 0],
    "range": slice(1, 4),
    "range of names": slice("plain", "whole"),
    "mask": np.array([False, True, False, True, False]),
    "by dtype": make_column_selector(dtype_include=np.number),
    "by pattern": make_column_selector(pattern="^p"),
    "by function": lambda table: [name for name in table.columns if "a" in name],
}


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("remainder", ["drop", "passthrough", pre.MaxAbsScaler()], ids=str)
def test_all_ways_to_name_columns(places: Any, remainder: Any) -> None:
    rows = frame(6)[["gaps", "plain", "positive", "whole", "flag"]]
    done = ColumnTransformer([("chosen", pre.StandardScaler(), places)], remainder=remainder).fit(rows)
    assert_alike(twin(done, rows), rows)


@pytest.mark.parametrize("verbose", [True, False])
def test_columns_are_named_by_pandas_between_steps(verbose: bool) -> None:
    """A second ColumnTransformer that takes what the first has made, by its names."""
    rows = frame(7)[["plain", "whole", "positive"]]
    first = ColumnTransformer(
        [("scale", pre.StandardScaler(), ["plain", "whole"]), ("keep", "passthrough", ["positive"])],
        verbose_feature_names_out=verbose,
    ).set_output(transform="pandas")
    names = ("keep__positive", "scale__whole") if verbose else ("positive", "whole")
    second = ColumnTransformer(
        [("log", pre.FunctionTransformer(np.log), [names[0]]), ("bins", pre.Binarizer(), [names[1]])]
    )
    pipeline = make_pipeline(first, second.set_output(transform="pandas")).fit(rows)
    assert_alike(twin(pipeline, rows), rows, 1e-14)


def test_unions_weights_and_steps_that_do_nothing() -> None:
    rows = frame(8)[FULL]
    union = FeatureUnion(
        [("a", pre.StandardScaler()), ("b", "passthrough"), ("c", "drop"), ("d", pre.MinMaxScaler())],
        transformer_weights={"a": 0.3, "b": -2},
    )
    weighted = ColumnTransformer(
        [("x", pre.MaxAbsScaler(), ["plain"]), ("y", "passthrough", ["whole"]), ("none", pre.MaxAbsScaler(), [])],
        transformer_weights={"x": 7, "y": 1 / 3},
    )
    for done in (
        union,
        weighted,
        make_union(pre.StandardScaler(), weighted),
        Pipeline([("a", "passthrough"), ("b", None), ("c", pre.StandardScaler())]),
        make_pipeline(union, SelectKBest(f_classif, k=4), pre.PolynomialFeatures(2, include_bias=False)),
    ):
        assert_alike(twin(done.fit(rows, outcome(frame(8), 8)), rows), rows)


def test_what_is_prepared_from_what_was_prepared() -> None:
    """Imputed text is encoded; encoded numbers are categories once more."""
    rows = frame(9)
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), pre.OneHotEncoder(handle_unknown="ignore"))
    named = make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), pre.OrdinalEncoder())
    bins = make_pipeline(
        pre.KBinsDiscretizer(5, encode="ordinal", strategy="uniform"), pre.TargetEncoder(target_type="continuous")
    )
    hours = make_pipeline(DateParts(["hour"]), pre.OneHotEncoder(handle_unknown="ignore"))
    done = ColumnTransformer(
        [
            ("words", words, ["text", "category"]),
            ("named", named, ["text"]),
            ("bins", bins, FULL),
            ("h", hours, ["moment"]),
        ]
    ).fit(rows, rows["plain"] + rows["positive"])
    made = twin(done, rows)
    assert_alike(made, rows)
    probe = rows.head(12).assign(text=pd.Series([None, "XX", "AA"] * 4, dtype="str"), plain=np.linspace(-9, 9, 12))
    assert_alike_one_by_one(made, probe)


def prepared(data: st.DataObject) -> ColumnTransformer:
    """A random preparation of a random choice of columns."""
    number_steps = [
        SimpleImputer(strategy=data.draw(CHOICES(["mean", "median", "most_frequent"])), add_indicator=True),
        data.draw(
            CHOICES(
                [
                    pre.StandardScaler(),
                    pre.RobustScaler(),
                    pre.MinMaxScaler(clip=True),
                    pre.QuantileTransformer(n_quantiles=20),
                    pre.KBinsDiscretizer(3, encode="onehot", strategy="uniform"),
                    "passthrough",
                ]
            )
        ),
        data.draw(CHOICES([pre.PolynomialFeatures(2), SelectKBest(f_classif, k="all"), "passthrough"])),
    ]
    words = data.draw(
        CHOICES(
            [
                pre.OneHotEncoder(handle_unknown="ignore"),
                pre.OneHotEncoder(drop="first", max_categories=3, handle_unknown="infrequent_if_exist"),
                pre.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
                pre.TargetEncoder(cv=3),
            ]
        )
    )
    numbers = data.draw(st.lists(CHOICES([*NUMBERS, "flag"]), min_size=1, max_size=4, unique=True))
    texts = data.draw(st.lists(CHOICES(TEXTS), max_size=3, unique=True))
    return ColumnTransformer(
        [
            ("numbers", Pipeline([(str(k), step) for k, step in enumerate(number_steps)]), numbers),
            ("words", words, texts),
            ("dates", DateParts(cyclic=data.draw(st.booleans())), data.draw(CHOICES([["moment"], []]))),
        ],
        sparse_threshold=data.draw(CHOICES([0, 1])),
    )


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_pipelines_at_random(data: st.DataObject) -> None:
    rows, fresh = frame(data.draw(st.integers(0, 2**16)), 150), frame(data.draw(st.integers(0, 2**16)), 60)
    seed = data.draw(st.integers(0, 99))
    model = LogisticRegression(max_iter=2000, C=0.1)
    pipeline = Pipeline([("prepare", prepared(data)), ("score", model)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(rows, outcome(rows, seed, data.draw(CHOICES([2, 3]))))
    fresh["text"] = fresh["text"].mask(fresh.index % 7 == 0, "XX")
    assert_same_scores(pipeline, rows, fresh)
