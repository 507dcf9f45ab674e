"""Transformers on raw frames: the columns of the version are those of the library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import preprocessing as pre
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from scorer.model.ops import CLIPPED, IMPUTED, MISSING, UNSEEN
from tests.importers.cases.transformers import NEAR, PREPARED, Prepared
from tests.importers.prepared import (
    FULL,
    ODD,
    TEXTS,
    around,
    assert_alike,
    assert_alike_one_by_one,
    frame,
    twin,
    with_numbers,
)

each_case = pytest.mark.parametrize("case", PREPARED, ids=[one.case.name for one in PREPARED])


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


def fitted(transformer: Any, names: list[str], seed: int = 0) -> tuple[Any, pd.DataFrame]:
    rows = frame(seed)
    y = rows["plain"] + rows["whole"] * 0.1
    return transformer.fit(rows[names], y), rows[names]


@each_case
def test_odd_numbers_and_gaps(case: Prepared) -> None:
    """What the library raises for is refused; everything else is alike."""
    done, rows = case.fitted()
    made = twin(done, rows)
    base, rtol = rows.dropna().head(30), case.near
    for name in case.names:
        if rows[name].dtype == np.float64:
            assert_alike_one_by_one(made, with_numbers(base, name, [*ODD, np.nan]), rtol, rtol)
        elif name == "whole":
            assert_alike_one_by_one(made, base.head(2).assign(whole=[1.0, np.nan]), rtol, rtol)
        elif name in TEXTS:
            gap = base.head(2).assign(**{name: pd.Series([None, None], base.index[:2], rows[name].dtype)})
            assert_alike_one_by_one(made, gap, rtol, rtol)


@pytest.mark.parametrize("name", [*TEXTS, "whole", "gaps"])
@pytest.mark.parametrize(
    "encoder",
    [
        pre.OneHotEncoder(),
        pre.OneHotEncoder(handle_unknown="ignore", drop="first"),
        pre.OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=30),
        pre.OrdinalEncoder(),
        pre.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-3),
        pre.TargetEncoder(target_type="continuous"),
    ],
    ids=str,
)
def test_unseen_categories_are_flagged_or_refused(encoder: Any, name: str) -> None:
    done, rows = fitted(encoder, [name])
    made = twin(done, rows)
    if name in TEXTS:
        dtype = object if name == "category" else rows[name].dtype
        unseen = pd.DataFrame({name: pd.Series(["XX", "aa", "AA ", "DL" * 500], dtype=dtype)})
    else:
        unseen = pd.DataFrame({name: np.array([77, -9]) if name == "whole" else np.array([0.5, 1e9, -0.0])})
    assert_alike_one_by_one(made, unseen)
    got = made.got(unseen)
    if getattr(encoder, "handle_unknown", "") == "error":
        assert (got.missing >= len(made.model.inputs)).all()
        assert made.model.unscored(int(got.missing[0])).column.startswith(name)
        assert "did not occur in the training data" in made.model.unscored(int(got.missing[0])).why
    else:
        assert (got.flags & UNSEEN == UNSEEN).all()
    assert not (made.got(rows.dropna()).flags & UNSEEN).any()


@pytest.mark.parametrize("encoder", [pre.OneHotEncoder(handle_unknown="ignore"), pre.OrdinalEncoder()], ids=str)
def test_a_gap_that_was_not_trained_on_is_an_unseen_category(encoder: Any) -> None:
    rows = frame(1)[["category", "whole"]]
    made = twin(encoder.fit(rows), rows)
    gap = pd.DataFrame({"category": pd.Series([None, "JFK"], dtype=object), "whole": [1.0, np.nan]})
    assert_alike_one_by_one(made, gap)
    got = made.got(gap)
    if encoder.handle_unknown == "ignore":
        assert (got.flags == UNSEEN | IMPUTED | MISSING).all()
    else:
        assert got.missing.tolist() == [0, 1]


def test_imputed_and_clipped_values_are_flagged() -> None:
    rows = frame(2)[["gaps", "plain"]]
    made = twin(make_pipeline(SimpleImputer(), pre.MinMaxScaler(clip=True)).fit(rows), rows)
    low, high = rows["plain"].min(), rows["plain"].max()
    probe = pd.DataFrame({"gaps": [30.0, np.nan, 30.0, 30.0, 1e9], "plain": [low, high, low - 1, high + 1, np.nan]})
    got = assert_alike(made, probe)
    assert got.flags.tolist() == [0, IMPUTED | MISSING, CLIPPED, CLIPPED, CLIPPED | IMPUTED | MISSING]


@pytest.mark.parametrize("strategy", ["uniform", "quantile", "kmeans"])
def test_values_on_the_edges_of_bins(strategy: str) -> None:
    options = {"quantile_method": "averaged_inverted_cdf"} if strategy == "quantile" else {}
    done, rows = fitted(pre.KBinsDiscretizer(6, encode="ordinal", strategy=strategy, **options), FULL)
    made = twin(done, rows)
    for name, edges in zip(FULL, done.bin_edges_, strict=True):
        if name != "whole":
            probe = with_numbers(rows.head(50), name, around(edges))
            got = assert_alike(made, probe)
            outside = (probe[name] < edges[0]) | (probe[name] > edges[-1])
            np.testing.assert_array_equal(got.flags & CLIPPED == CLIPPED, outside)


@pytest.mark.parametrize("output", ["uniform", "normal"])
@pytest.mark.parametrize("quantiles", [2, 3, 17, 300])
def test_values_on_quantiles(output: str, quantiles: int) -> None:
    """Also on quantiles that are equal, of which the library takes the middle of their references."""
    rows = frame(3)[["plain", "gaps"]]
    rows["plain"] = np.round(rows["plain"])
    rows.loc[:150, "plain"] = rows["plain"].min()
    done = pre.QuantileTransformer(n_quantiles=quantiles, output_distribution=output).fit(rows)
    made = twin(done, rows)
    near = 0.0 if output == "uniform" else NEAR
    for k, name in enumerate(rows.columns):
        own = done.quantiles_[:, k]
        middle = (own[1:] + own[:-1]) / 2
        ends = np.concatenate([own[[0, -1]] + gap for gap in (-1e-7, 1e-7, -2e-7, 9e-8, 1e-6)])
        probe = with_numbers(rows.head(40), name, np.concatenate([around(own), middle, ends]))
        got = assert_alike(made, probe, near, near)
        # The lowest and the highest number that are not the ends:
        outside = (probe["plain"] < done.quantiles_[0, 0]) | (probe["plain"] > done.quantiles_[-1, 0])
        outside |= (probe["gaps"] < done.quantiles_[0, 1]) | (probe["gaps"] > done.quantiles_[-1, 1])
        np.testing.assert_array_equal(got.flags & CLIPPED == CLIPPED, outside)


@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
@pytest.mark.parametrize("exponent", [0.0, 1e-20, 1e-17, 1e-9, 1e-5, 2.0, np.nextafter(2, 3), 2 + 1e-9, -3.0, 40.0])
def test_powers_near_those_that_are_logarithms(method: str, exponent: float) -> None:
    rows = frame(9)[["positive"]]
    done = pre.PowerTransformer(method, standardize=False).fit(rows)
    done.lambdas_ = np.array([exponent])
    low = [] if method == "box-cox" else [-1e-9, -0.5, -30.0]
    assert_alike(twin(done, rows), with_numbers(rows, "positive", [1e-300, 1e-9, 0.3, 1.0, 7.0, 1e5, *low]), 4e-13)


def test_a_constant_column() -> None:
    rows = pd.DataFrame({"same": np.full(50, 3.5), "other": np.arange(50.0)})
    with pytest.warns(UserWarning, match="constant"):
        bins = pre.KBinsDiscretizer(3, encode="ordinal", strategy="uniform").fit(rows)
    for done in (
        bins,
        pre.StandardScaler().fit(rows),
        pre.MinMaxScaler().fit(rows),
        pre.RobustScaler().fit(rows),
        pre.QuantileTransformer(n_quantiles=10).fit(rows),
        pre.PowerTransformer().fit(rows),
    ):
        probe = with_numbers(rows, "same", [3.5, 0.0, -2.0, 1e9, np.nextafter(3.5, 4)])
        assert_alike(twin(done, rows), probe, NEAR, NEAR)


def test_columns_without_any_value_are_dropped_or_kept() -> None:
    rows = pd.DataFrame({"nothing": np.full(9, np.nan), "some": [1, np.nan, 3, 4, 5, 6, 7, 8, 9.0]})
    probe = pd.DataFrame({"nothing": [np.nan, 4.0], "some": [np.nan, 2.0]})
    for options in ({}, {"add_indicator": True}, {"keep_empty_features": True}, {"strategy": "constant"}):
        for keep in (False, True):
            done = SimpleImputer(**{"keep_empty_features": keep, **options}).fit(rows)
            assert_alike(twin(done, rows.assign(nothing=rows["nothing"].fillna(0).where(rows.index < 3))), probe)


def test_a_sentinel_in_text() -> None:
    rows = frame(4)[["category"]].astype(object)
    rows.loc[::3, "category"] = "?"
    imputer = SimpleImputer(missing_values="?", strategy="most_frequent")
    for encoder in (pre.OneHotEncoder(handle_unknown="ignore"), pre.OrdinalEncoder()):
        made = twin(make_pipeline(imputer, encoder).fit(rows), rows)
        got = assert_alike(made, rows)
        np.testing.assert_array_equal(got.flags & IMPUTED == IMPUTED, rows["category"] == "?")


@pytest.mark.parametrize("function", [np.log, np.log1p, np.log2, np.log10, np.sqrt])
def test_where_a_function_is_not_defined(function: Any) -> None:
    """Before something that takes NaN it is missing, as in the library; before anything else the row is refused."""
    rows = frame(5)[["positive"]]
    probe = with_numbers(rows, "positive", [*ODD, -2.0, np.nan])
    with np.errstate(all="ignore"):
        bins = pre.KBinsDiscretizer(4, encode="ordinal", strategy="uniform")
        zero = SimpleImputer(missing_values=0)
        for after in (SimpleImputer(), zero, pre.StandardScaler(), pre.PolynomialFeatures(2), bins):
            made = twin(make_pipeline(pre.FunctionTransformer(function), after).fit(rows), rows)
            assert_alike_one_by_one(made, probe, NEAR, NEAR)


def test_products_are_multiplied_in_the_order_of_the_library() -> None:
    rng = np.random.default_rng(6)
    rows = pd.DataFrame(rng.normal(size=(3000, 4)) * 10.0 ** rng.integers(-3, 4, (3000, 4)), columns=list("abcd"))
    for options in ({"degree": 5}, {"degree": (3, 4), "interaction_only": True}, {"degree": 4, "include_bias": False}):
        assert_alike(twin(pre.PolynomialFeatures(**options).fit(rows), rows), rows)


def test_scalers_divide() -> None:
    """49 * (1 / 49) is not 1."""
    rows = pd.DataFrame({"x": [-49.0, 49.0]})
    got = twin(pre.MaxAbsScaler().fit(rows), rows).got(rows)
    assert got.scores[0].tolist() == [-1.0, 1.0]


@pytest.mark.parametrize("target", ["binary", "multiclass"])
@pytest.mark.parametrize("labels", ["text", "numbers"])
def test_target_encoding_of_classes(target: str, labels: str) -> None:
    rows = frame(7)
    y = (rows["plain"] > 0).to_numpy() if target == "binary" else np.digitize(rows["plain"], [-0.5, 0.5])
    y = np.array(["a", "b", "c"])[y.astype(int)] if labels == "text" else y
    names = [*TEXTS, "whole", "gaps"]
    made = twin(pre.TargetEncoder(target_type=target).fit(rows[names], y), rows[names])
    assert_alike(made, rows[names])
    assert_alike_one_by_one(
        made, rows[names].head(3).assign(text=pd.Series(["XX", "AA", None], dtype="str"), whole=[99, 0, 1])
    )


def test_categories_in_another_order() -> None:
    """Where imputed numbers stand beside text they are Python objects, whose categories may be given in any order."""
    rows = frame(8)[["whole", "text"]].astype({"text": object})
    numbers = [3, -4, 0, 1, 2, 4, -1, -2, -3]
    encoder = pre.OneHotEncoder(categories=[numbers, ["B6", "AA", "", "DL", "Zürich"]], drop="first")
    chain = make_pipeline(SimpleImputer(strategy="most_frequent"), encoder)
    assert_alike(twin(chain.fit(rows), rows), rows)
