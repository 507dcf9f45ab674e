"""Transformers with random options, one after the other, on random rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import preprocessing as pre
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from tests.importers.prepared import (
    ODD,
    TEXTS,
    assert_alike,
    assert_alike_one_by_one,
    frame,
    twin,
    with_numbers,
)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


CHOICES = st.sampled_from


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_encoders_at_random(data: st.DataObject) -> None:
    rows = frame(data.draw(st.integers(0, 2**16)), 120)
    names = data.draw(st.lists(CHOICES([*TEXTS, "whole", "flag", "gaps"]), min_size=1, max_size=4, unique=True))
    options: list[dict[str, Any]] = [{}, {"min_frequency": 10}, {"min_frequency": 0.2}, {"max_categories": 1}]
    rare = data.draw(CHOICES([*options, {"max_categories": 4}]))
    if data.draw(st.booleans()):
        unknown = data.draw(CHOICES(["error", "ignore", "infrequent_if_exist", "warn"]))
        drop = data.draw(CHOICES([None, "first", "if_binary"]))
        encoder: Any = pre.OneHotEncoder(handle_unknown=unknown, drop=drop, **rare)
    else:
        value = data.draw(CHOICES([None, -1, 1000, np.nan]))
        unknown = "error" if value is None else "use_encoded_value"
        missing = data.draw(CHOICES([np.nan, -5]))
        encoder = pre.OrdinalEncoder(handle_unknown=unknown, unknown_value=value, encoded_missing_value=missing, **rare)
    encoder.fit(rows[names])
    assume(len(encoder.get_feature_names_out()))
    made = twin(encoder, rows[names])
    assert_alike(made, rows[names])
    other = frame(data.draw(st.integers(0, 2**16)), 40)[names]
    for name in set(names) & set(TEXTS):
        other[name] = other[name].astype(object).mask(other.index % 7 == 3, "XX")
    assert_alike_one_by_one(made, other)


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_numbers_at_random(data: st.DataObject) -> None:
    """Chains of two or three transformers with random options on random numbers."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    scale = 10.0 ** rng.integers(-9, 9)
    rows = pd.DataFrame(
        {"a": rng.normal(size=200) * scale, "b": np.round(rng.normal(size=200), 1), "c": rng.random(200)}
    )
    links: list[Any] = []
    for _ in range(data.draw(st.integers(1, 3))):
        low = data.draw(st.floats(-5, 4))
        links.append(
            data.draw(
                CHOICES(
                    [
                        pre.StandardScaler(with_mean=data.draw(st.booleans()), with_std=data.draw(st.booleans())),
                        pre.MinMaxScaler((low, low + data.draw(st.floats(0.1, 9))), clip=data.draw(st.booleans())),
                        pre.RobustScaler(quantile_range=(data.draw(st.floats(0, 40)), data.draw(st.floats(60, 100)))),
                        pre.MaxAbsScaler(),
                        pre.QuantileTransformer(n_quantiles=data.draw(st.integers(2, 200))),
                        pre.KBinsDiscretizer(data.draw(st.integers(2, 9)), encode="onehot-dense", strategy="uniform"),
                        pre.PolynomialFeatures(data.draw(st.integers(0, 3)), interaction_only=data.draw(st.booleans())),
                        pre.FunctionTransformer(np.clip, kw_args={"a_min": low, "a_max": None}),
                        pre.FunctionTransformer(np.abs),
                        SimpleImputer(add_indicator=True),
                        VarianceThreshold(),
                    ]
                )
            )
        )
    chain = make_pipeline(*links)
    try:
        chain.fit(rows)
    except ValueError:
        return  # nothing is left of the columns, or the bins have no width
    made = twin(chain, rows)
    assert_alike(made, rows)
    name = data.draw(CHOICES(["a", "b", "c"]))
    assert_alike_one_by_one(made, with_numbers(rows, name, [*ODD, np.nan]))
