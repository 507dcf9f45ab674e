"""Tensors: the library writes, we read, and only what was declared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from scorer.errors import VersionRefused
from scorer.model import tensors
from scorer.model.limits import Limits
from scorer.model.manifest import Blob, TensorType
from scorer.model.tensors import Tensor

ARRAYS = st.sampled_from(["float64", "float32", "int64", "int32", "uint8"]).flatmap(
    lambda dtype: npst.arrays(np.dtype(dtype), npst.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4))
)
SETS = st.dictionaries(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1), ARRAYS, max_size=5)


@given(SETS)
def test_what_is_written_is_read(arrays: dict[str, Tensor]) -> None:
    blob, info = tensors.write(arrays)
    found = tensors.read(blob, info)
    theirs = safetensors.numpy.load(blob)
    assert found.keys() == arrays.keys() == theirs.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert not found[name].flags.writeable
        np.testing.assert_array_equal(found[name], array)
        np.testing.assert_array_equal(found[name], theirs[name])
    assert tensors.write(found) == (blob, info)
    assert tensors.write(dict(reversed(arrays.items())))[0] == blob


def test_memory_order_and_strides_do_not_matter() -> None:
    array = np.arange(24.0).reshape(4, 6)
    plain = tensors.write({"a": array})
    assert tensors.write({"a": np.asfortranarray(array)}) == plain
    assert tensors.write({"a": np.repeat(array, 2, axis=1)[:, ::2]}) == plain
    assert tensors.write({"a": array.astype(">f8")}) == plain


def test_other_dtypes_are_not_written() -> None:
    with pytest.raises(VersionRefused, match="bool"):
        tensors.write({"a": np.zeros(3, np.bool_)})


def test_nothing_can_be_written_into_a_loaded_tensor() -> None:
    blob, info = tensors.write({"a": np.zeros(3)})
    found = tensors.read(blob, info)["a"]
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        found.flags.writeable = True


def declared(blob: bytes, **entries: TensorType) -> Blob:
    return Blob(hashlib.sha256(blob).hexdigest(), len(blob), entries)


def crafted(header: Any, values: bytes = bytes(16)) -> bytes:
    """A blob with any header, whose sha256 is right."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + values


TWO = TensorType("float64", (2,))
GOOD = {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}


def test_a_crafted_blob_can_be_right() -> None:
    blob = crafted({"a": GOOD})
    np.testing.assert_array_equal(tensors.read(blob, declared(blob, a=TWO))["a"], [0, 0])


@pytest.mark.parametrize(
    "header",
    [
        {},
        [],
        b"",
        b"{",
        b"\xff{}",
        b"[" * 5000,
        b'{"a":{},"a":{}}',
        {"b": GOOD},
        {"a": GOOD, "b": GOOD},
        {"__metadata__": {"x": "y"}, "a": GOOD},
        {"a": {**GOOD, "more": 1}},
        {"a": {"dtype": "F64", "shape": [2]}},
        {"a": {**GOOD, "dtype": "F32"}},
        {"a": {**GOOD, "dtype": "BF16"}},
        {"a": {**GOOD, "dtype": ["F64"]}},
        {"a": {**GOOD, "shape": [1]}},
        {"a": {**GOOD, "shape": [2, 1]}},
        {"a": {**GOOD, "shape": [-2]}},
        {"a": {**GOOD, "shape": [2.0]}},
        {"a": {**GOOD, "shape": [2**62, 4]}},
        {"a": {**GOOD, "data_offsets": [0, 8]}},
        {"a": {**GOOD, "data_offsets": [8, 24]}},
        {"a": {**GOOD, "data_offsets": [16, 0]}},
        {"a": {**GOOD, "data_offsets": [0, 16, 16]}},
        {"a": {**GOOD, "data_offsets": [-8, 8]}},
        {"a": {**GOOD, "data_offsets": [0, 2**63]}},
        {"a": {**GOOD, "data_offsets": "016"}},
    ],
)
def test_a_header_that_is_not_what_was_declared_is_refused(header: Any) -> None:
    blob = crafted(header)
    with pytest.raises(VersionRefused) as caught:
        tensors.read(blob, declared(blob, a=TWO))
    assert caught.value.reason == "tensors"


@pytest.mark.parametrize("shape", [(0, 2**21, 2**21, 2**21), (2**21, 2**21, 2**21, 0)])
def test_a_shape_that_no_array_can_have_is_refused_even_if_it_holds_nothing(shape: tuple[int, ...]) -> None:
    size = 2**21
    values = {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}
    blob = crafted({"a": {"dtype": "F64", "shape": list(shape), "data_offsets": [0, 0]}, "b": values}, bytes(size))
    types = {"a": TensorType("float64", shape), "b": TensorType("uint8", (size,))}
    with pytest.raises(VersionRefused, match="sizes that the blob could hold"):
        tensors.read(blob, declared(blob, **types))


def test_gaps_overlaps_and_a_rest_are_refused() -> None:
    def entry(begin: int, end: int) -> dict[str, Any]:
        return {"dtype": "F64", "shape": [(end - begin) // 8], "data_offsets": [begin, end]}

    one = TensorType("float64", (1,))
    for first, second, size in (
        ((0, 8), (16, 24), 24),
        ((0, 8), (0, 8), 8),
        ((0, 8), (8, 16), 24),
        ((8, 16), (16, 24), 24),
    ):
        blob = crafted({"a": entry(*first), "b": entry(*second)}, bytes(size))
        with pytest.raises(VersionRefused, match="tensors"):
            tensors.read(blob, declared(blob, a=one, b=one))


@pytest.mark.parametrize("length", [0, 1, 7, 15, 24, 2**32, 2**63, 2**64 - 8])
def test_the_length_of_the_header_is_checked(length: int) -> None:
    blob = length.to_bytes(8, "little") + b'{"a":1}         '
    with pytest.raises(VersionRefused, match="header"):
        tensors.read(blob, declared(blob, a=TWO))


def test_size_and_sha256_come_first() -> None:
    blob, info = tensors.write({"a": np.zeros(1000)})
    with pytest.raises(VersionRefused, match="at most 100"):
        tensors.read(blob, info, Limits(blob_bytes=100))
    with pytest.raises(VersionRefused, match="sha256"):
        tensors.read(blob, replace(info, sha256="0" * 64))
    with pytest.raises(VersionRefused, match="bytes"):
        tensors.read(blob[:-1], info)


@given(st.data())
def test_no_bytes_raise_anything_else(data: st.DataObject) -> None:
    """Any blob whose sha256 is right is refused or is exactly what was declared."""
    blob, info = tensors.write({"a": np.arange(3.0), "b": np.arange(4, dtype=np.int32)})
    place = data.draw(st.integers(0, len(blob) - 1))
    blob = blob[:place] + data.draw(st.binary(min_size=1, max_size=3)) + blob[place + 1 :]
    try:
        found = tensors.read(blob, declared(blob, **info.tensors))
    except VersionRefused:
        return
    assert {name: array.shape for name, array in found.items()} == {"a": (3,), "b": (4,)}
