"""What cannot be a step of a version is refused: with what it is, the exact reason, and the nearest way that works."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn import preprocessing as pre
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction import FeatureHasher
from sklearn.impute import KNNImputer, SimpleImputer

from scorer.errors import NotImportable, VersionRefused
from tests.importers.prepared import frame, twin

ROWS = frame(0)


class Mine(pre.StandardScaler):  # type: ignore[misc]  # scikit-learn ships no types
    """A subclass may do anything."""


def ratio(table: pd.DataFrame) -> pd.DataFrame:
    return table / 2


def mixed() -> pd.DataFrame:
    return pd.DataFrame({"mixed": pd.Series(["a", None, np.nan, "b"], dtype=object)})


def huge() -> pd.DataFrame:
    return pd.DataFrame({"id": np.array([2**53 + 1, 2, 3])})


def bounds() -> npt.NDArray[np.float64]:
    return np.array([1.0, 2.0])


CASES: list[tuple[Callable[[], Any], pd.DataFrame, str, str]] = [
    (KNNImputer, ROWS[["gaps", "plain"]], "no step of a version does what .*KNNImputer does", "SimpleImputer"),
    (lambda: PCA(1), ROWS[["plain", "whole"]], "no step of a version does what .*PCA does", "StandardScaler"),
    (Mine, ROWS[["plain"]], "no step of a version does what .*Mine does", "StandardScaler"),
    (pre.SplineTransformer, ROWS[["plain"]], "SplineTransformer", "KBinsDiscretizer"),
    (
        lambda: pre.FunctionTransformer(ratio),
        ROWS[["plain"]],
        r"test_transformer_refusals\.ratio is code, and a version holds data only",
        "DateParts",
    ),
    (lambda: pre.FunctionTransformer(lambda x: x + 1), ROWS[["plain"]], "lambda> is code", "use one of numpy's log"),
    (
        lambda: pre.FunctionTransformer(np.clip, kw_args={"a_min": bounds(), "a_max": None}),
        ROWS[["plain", "positive"]],
        r"numpy\.clip has the bound array",
        "bounds of their own by a ColumnTransformer",
    ),
    (
        lambda: pre.FunctionTransformer(np.log, kw_args={"where": True}),
        ROWS[["positive"]],
        r"numpy\.log is called with \{'where': True\}",
        "call it without arguments",
    ),
    (
        lambda: pre.FunctionTransformer(np.clip, kw_args={"a_min": 0, "a_max": 1, "where": True}),
        ROWS[["positive"]],
        r"numpy\.clip is called with \{'where': True\}",
        "use one of numpy's",
    ),
    (
        pre.OrdinalEncoder,
        huge(),
        r"holds numbers up to 2\*\*53, and 9007199254740993",
        "all text or all numbers",
    ),
    (
        lambda: pre.KBinsDiscretizer(3, encode="ordinal", strategy="uniform", dtype=np.float32),
        ROWS[["plain"]],
        "compares numbers as float32",
        "dtype=None or numpy.float64",
    ),
    (
        lambda: pre.QuantileTransformer(n_quantiles=1),
        ROWS[["plain"]],
        "has one quantile only",
        "n_quantiles of 2 and more",
    ),
    (lambda: pre.PolynomialFeatures(101), ROWS[["plain"]], "degree is above 100", "use a lower degree"),
    (
        lambda: SimpleImputer(missing_values=0, strategy="most_frequent"),
        ROWS[["whole", "text"]].astype(object).fillna("AA"),
        "column 'text' cannot hold missing_values=0",
        "by a ColumnTransformer",
    ),
    (
        lambda: SimpleImputer(strategy="constant", fill_value=0),
        ROWS[["none"]].astype(object),
        "fills 'none', which holds text, with 0",
        "give a text as fill_value",
    ),
    (
        lambda: ColumnTransformer([("hash", FeatureHasher(4, input_type="string"), "text")]),
        ROWS[["text"]].fillna("AA").map(lambda word: [word]),
        "FeatureHasher",
        "OneHotEncoder",
    ),
]


@pytest.mark.parametrize(("make", "rows", "why", "nearest"), CASES, ids=[case[2] for case in CASES])
def test_refused_with_the_reason_and_the_nearest_way(
    make: Callable[[], Any], rows: pd.DataFrame, why: str, nearest: str
) -> None:
    fitted = make().fit(rows)
    with pytest.raises(NotImportable, match=why) as caught:
        twin(fitted, as_events_hold(rows))
    assert nearest in caught.value.nearest
    assert caught.value.what in str(caught.value)
    assert caught.value.nearest in str(caught.value)


def as_events_hold(rows: pd.DataFrame) -> pd.DataFrame:
    """Columns of Python objects as numbers or text."""
    made = rows.infer_objects()
    lists = [name for name in made if isinstance(made[name].iloc[0], list)]
    return made.assign(**{str(name): "a" for name in lists})


@pytest.mark.parametrize(
    "scaler", [pre.StandardScaler(), pre.MinMaxScaler(), pre.PowerTransformer(), pre.Binarizer()], ids=str
)
def test_numbers_that_are_text_in_events(scaler: Any) -> None:
    """The library reads "1.5" as a number; events that hold text there do not become numbers in silence."""
    text = pd.DataFrame({"x": pd.Series(["1.5", "2.5", "-3"], dtype=object)})
    with pytest.raises(NotImportable, match="takes column 'x', which is text, as numbers") as caught:
        twin(scaler.fit(text), text)
    assert "turn it into numbers" in caught.value.nearest


def test_none_and_nan_as_two_categories() -> None:
    rows = mixed()
    fitted = pre.OneHotEncoder().fit(rows)
    one = pd.DataFrame({"mixed": pd.Series(["a", None, "b"], dtype=object)})
    with pytest.raises(NotImportable, match="None and NaN as two categories, which events do not tell apart"):
        twin(fitted, one)


def test_a_column_that_had_no_value() -> None:
    rows = pd.DataFrame({"x": np.full(9, np.nan), "y": np.arange(9.0)})
    for fitted in (pre.OrdinalEncoder(), pre.QuantileTransformer(n_quantiles=3)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted.fit(rows)
        with pytest.raises(NotImportable, match="no value when it was fitted"):
            twin(fitted, rows.fillna(1.0))


def test_a_mixture_of_text_and_numbers_is_no_column() -> None:
    """Fitted on numbers, and the events hold text; or the reverse."""
    words, numbers = pd.DataFrame({"x": ["a", "b"]}), pd.DataFrame({"x": [1, 3]})
    with pytest.raises(NotImportable, match="holds text, and 1 is a category of it"):
        twin(pre.OneHotEncoder(handle_unknown="ignore").fit(numbers), words)
    with pytest.raises(NotImportable, match=r"holds numbers up to 2\*\*53, and 'a' is a category of it"):
        twin(pre.OneHotEncoder(handle_unknown="ignore").fit(words), numbers)


def test_text_that_nothing_encodes() -> None:
    """What the importer lets through is still checked when the version is compiled."""
    with pytest.raises(VersionRefused, match="'text' is a category; encode it first"):
        twin(pre.FunctionTransformer().fit(ROWS[["text"]]), ROWS[["text"]])
