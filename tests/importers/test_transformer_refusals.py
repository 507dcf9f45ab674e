"""What cannot be a step of a version is refused: with what it is, the exact reason, and the nearest way that works."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import preprocessing as pre

from scorer.errors import NotImportable, VersionRefused
from tests.importers.prepared import frame, twin

ROWS = frame(0)


def mixed() -> pd.DataFrame:
    return pd.DataFrame({"mixed": pd.Series(["a", None, np.nan, "b"], dtype=object)})


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
