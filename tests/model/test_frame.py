"""Frames: every dtype that pandas has for the same values, and the same bits as columns from anywhere else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from scorer.errors import SchemaError
from scorer.model import build, frame, golden
from scorer.model.build import Design, Proof
from scorer.model.frame import predict, rows
from scorer.model.inputs import Input, Raw
from scorer.model.model import Model
from scorer.model.table import from_rows
from tests.model import samples


def frame_of(inputs: tuple[Input, ...], raw: list[list[Raw]]) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    index = pd.Index([f"row {number}" for number in range(len(raw))], dtype=object)
    for place, entry in enumerate(inputs):
        column: Any = [row[place] for row in raw]
        dtype: Any = {"float64": "Float64", "int64": "Int64", "category": object}[entry.dtype]
        columns[entry.name] = pd.Series(column, index, dtype)
    return pd.DataFrame(columns, index)


@pytest.mark.parametrize("kernel", ["linear@1", "logistic@1", "multinomial"])
def test_the_same_bits_as_from_columns(kernel: str) -> None:
    model = golden.admit(samples.store(samples.everything(kernel)))
    raw = samples.rows(model.inputs, 700, 3)
    expected = golden.score(model, from_rows(model.inputs, raw))
    data = frame_of(model.inputs, raw)
    data.insert(0, "not used", "x")
    before = data.copy()
    got = predict(model, data)
    pd.testing.assert_frame_equal(data, before)
    assert (got.index == data.index).all()
    np.testing.assert_array_equal(got["flags"], expected.flags)
    names = [entry.name for entry in model.inputs]
    assert got["missing"].tolist() == [None if place < 0 else names[place] for place in expected.missing]
    if kernel == "multinomial":
        each = got[[f"score {name}" for name in model.classes]].to_numpy().T
        np.testing.assert_array_equal(each, expected.scores)
    else:
        np.testing.assert_array_equal(got["score"], expected.scores[0])
    if kernel != "linear@1":
        unscored = expected.missing >= 0
        assert got["class"][unscored].isna().all()
        chosen = np.array(model.classes)[model.classify(expected.scores)]
        np.testing.assert_array_equal(got["class"][~unscored], chosen[~unscored])


def echo(dtype: str) -> Model:
    """A model whose score is its input (the code of a category), and -7 where there is none."""
    inputs = (Input("x", dtype, nullable=True),)
    if dtype == "category":
        steps = [build.ordinal("x", "y", ["a", "b", ""], unknown=-1.0, missing=-7.0)]
    else:
        steps = [build.impute(["x"], ["y"], [-7.0])]
    kernel = build.linear(["y"], [1.0], 0.0)
    proof = Proof([[None]], np.array([[-7.0]]))
    return golden.admit(build.version(Design("m", "v", 0, ("none", "0"), inputs, steps, kernel, "regression"), proof))


FLOATS, INTEGERS, WORDS = echo("float64"), echo("int64"), echo("category")
TIMES = pd.to_datetime(pd.Series(["2013-04-01 05:00:00.000001", pd.NaT]))
MICROS = 1364792400000001.0

TAKEN: dict[str, tuple[Model, Any, list[float]]] = {
    "float64": (FLOATS, np.array([1.5, np.nan, -np.inf]), [1.5, -7, -np.inf]),
    "float32": (FLOATS, np.array([0.1], np.float32), [float(np.float32(0.1))]),
    "Float64": (FLOATS, pd.array([1.5, None], dtype="Float64"), [1.5, -7]),
    "int8 for a number": (FLOATS, np.array([3, -4], np.int8), [3, -4]),
    "Int64 for a number": (FLOATS, pd.array([3, None], dtype="Int64"), [3, -7]),
    "bool for a number": (FLOATS, np.array([True, False]), [1, 0]),
    "boolean for a number": (FLOATS, pd.array([True, None], dtype="boolean"), [1, -7]),
    "int64": (INTEGERS, np.array([3, -4, 2**53]), [3, -4, 2.0**53]),
    "uint64": (INTEGERS, np.array([3, 2**52], np.uint64), [3, 2.0**52]),
    "Int32": (INTEGERS, pd.array([3, None], dtype="Int32"), [3, -7]),
    "bool": (INTEGERS, np.array([True, False]), [1, 0]),
    "boolean": (INTEGERS, pd.array([True, None, False], dtype="boolean"), [1, -7, 0]),
    "halves": (INTEGERS, np.array([2.0, -65504.0], np.float16), [2, -65504]),
    "whole floats": (INTEGERS, np.array([3.0, np.nan]), [3, -7]),
    "moments": (INTEGERS, TIMES, [MICROS, -7]),
    "moments in seconds": (INTEGERS, TIMES.astype("datetime64[s]"), [MICROS - 1, -7]),
    "moments in nanoseconds": (INTEGERS, TIMES.astype("datetime64[ns]"), [MICROS, -7]),
    "moments elsewhere": (INTEGERS, TIMES.dt.tz_localize("America/New_York"), [MICROS + 4 * 3600e6, -7]),
    "objects": (WORDS, np.array(["a", None, "b", np.nan, pd.NA, "", "c"], object), [0, -7, 1, -7, -7, 2, -1]),
    "strings": (WORDS, pd.array(["a", None, "b"], dtype="string"), [0, -7, 1]),
    "str": (WORDS, pd.array(["a", None, "b"], dtype="str"), [0, -7, 1]),
    "python strings": (WORDS, pd.array(["a", None], dtype="string[python]"), [0, -7]),
    "categories": (WORDS, pd.Categorical(["b", None, "a"]), [1, -7, 0]),
    "ordered categories": (WORDS, pd.Categorical(["b", "a"], ["b", "a"], ordered=True), [1, 0]),
    "categories of numbers": (FLOATS, pd.Categorical([2.5, None, 1.5]), [2.5, -7, 1.5]),
    "categories of integers": (INTEGERS, pd.Categorical([2**53 - 1, None, -3]), [2.0**53 - 1, -7, -3]),
    "nothing at all": (WORDS, np.array([None, None], object), [-7, -7]),
}


def test_integers_among_categories_keep_their_last_digit_beside_gaps() -> None:
    """As float64 the first would be one less."""
    column = pd.DataFrame({"x": pd.Categorical([2**53 + 1, None])})
    assert rows((Input("x", "int64", nullable=True),), column) == [[2**53 + 1], [None]]


@pytest.mark.parametrize("name", TAKEN)
def test_dtypes_that_are_taken(name: str) -> None:
    model, column, expected = TAKEN[name]
    assert predict(model, pd.DataFrame({"x": column}))["score"].tolist() == expected


REFUSED: dict[str, tuple[Model, Any]] = {
    "text for a number": (FLOATS, np.array(["1.5"], object)),
    "categories of text for a number": (FLOATS, pd.Categorical(["1.5"])),
    "categories of text for an integer": (INTEGERS, pd.Categorical(["1"])),
    "categories of fractions for an integer": (INTEGERS, pd.Categorical([1.5, None])),
    "moments for a number": (FLOATS, TIMES),
    "complex numbers": (FLOATS, np.array([1j])),
    "objects for a number": (FLOATS, np.array([1.5, None], object)),
    "a moment too far": (INTEGERS, pd.Series(np.array([2**60], "datetime64[s]"))),
    "a moment too long ago": (INTEGERS, pd.Series(np.array([-(2**60)], "datetime64[ms]"))),
    "half a surrogate pair": (WORDS, pd.Series(["\ud800"], dtype=object)),
    "fractions for an integer": (INTEGERS, np.array([1.5])),
    "infinity for an integer": (INTEGERS, np.array([np.inf])),
    "a float too large": (INTEGERS, np.array([2.0**63])),
    "an integer too large": (INTEGERS, np.array([2**63], np.uint64)),
    "text for an integer": (INTEGERS, np.array(["1"], object)),
    "a duration for an integer": (INTEGERS, np.array([1], "timedelta64[s]")),
    "numbers for a category": (WORDS, np.array([1, 2])),
    "numbers among categories": (WORDS, np.array(["a", 1], object)),
    "bytes for a category": (WORDS, np.array([b"a"], object)),
    "numbers as categories": (WORDS, pd.Categorical([1, 2])),
}


@pytest.mark.parametrize("name", REFUSED)
def test_dtypes_that_are_refused(name: str) -> None:
    model, column = REFUSED[name]
    with pytest.raises(SchemaError, match="'x' has dtype"):
        predict(model, pd.DataFrame({"x": column}))


def test_a_column_that_is_missing_or_doubled_is_named() -> None:
    with pytest.raises(SchemaError, match="no column 'x'"):
        predict(FLOATS, pd.DataFrame({"y": [1.0]}))
    with pytest.raises(SchemaError, match="more than one column 'x'"):
        predict(FLOATS, pd.DataFrame([[1.0, 2.0]], columns=["x", "x"]))


def test_no_rows() -> None:
    model = golden.admit(samples.store(samples.everything("multinomial")))
    got = predict(model, frame_of(model.inputs, []))
    assert got.shape == (0, 8)
    assert frame.columns(model.inputs, frame_of(model.inputs, [])).columns.capacity == 0


def test_rows_are_those_of_the_frame() -> None:
    inputs = tuple(samples.INPUTS.values())
    raw: list[list[Raw]] = [[None if pd.isna(value) else value for value in row] for row in samples.rows(inputs, 50, 8)]
    assert rows(inputs, frame_of(inputs, raw)) == raw


def test_a_predictor_predicts() -> None:
    data = pd.DataFrame({"x": [1.0, 2.0]})
    found = frame.Predictor(FLOATS).predict(data)
    assert found.to_dict("list") == {"score": [1.0, 2.0], "flags": [0, 0], "missing": [None, None]}
