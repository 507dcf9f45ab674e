"""Canonical JSON: every value one form, and nothing else is read."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer.errors import VersionRefused
from scorer.model.canonical import Json, Reader, decode, encode

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
DOCUMENTS: st.SearchStrategy[Json] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(DOCUMENTS)
def test_what_is_encoded_is_decoded_to_the_same_value_and_bytes(document: Json) -> None:
    data = encode(document)
    assert decode(data, "it") == document
    assert encode(decode(data, "it")) == data
    assert json.loads(data) == document


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), SCALARS, min_size=2))
def test_the_order_of_keys_does_not_matter(document: dict[str, Json]) -> None:
    assert encode(dict(reversed(document.items()))) == encode(document)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b"\xff",
        b'"\xc3"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 21,
        b"9" * 5000,
        b"-" + b"9" * 5000,
        b"{}{}",
        b"'a'",
        b"[1,]",
        b'"\n"',
        b"01",
    ],
)
def test_what_is_not_strict_json_is_refused(data: bytes) -> None:
    with pytest.raises(VersionRefused) as caught:
        decode(data, "the manifest")
    assert caught.value.reason == "manifest"
    assert "the manifest" in str(caught.value)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with contextlib.suppress(VersionRefused):
        decode(data, "it")


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf], "\ud800"])
def test_what_json_cannot_hold_is_not_written(value: Json) -> None:
    with pytest.raises(ValueError, match=r"JSON|surrogates"):
        encode(value)


WRONG: dict[str, list[Json]] = {
    "fields": [None, [], {}, {"a": 1}, {"a": 1, "b": 2, "c": 3}],
    "integer": [True, False, 1.0, -1, 11, "1", None, 10**19],
    "number": [1, True, "1.0", None, [1.0]],
    "any_number": [1, "nan", "inf", "NaN ", None],
    "flag": [0, 1, "true", None],
    "text": ["", "a\nb", "\x7f", "\x85", "\u2028", "x" * 201, "é" * 101, 1, None, "\udfff"],
    "identifier": ["", "a/b", "..", ".a", "-a", "a:b", "a,b", "a b", "a" * 101, "ä", "a\n", 1],
    "items": [{}, "ab", [], [1, 2, 3]],
    "one_of": ["c", "", None, ["a"], 1],
}
RIGHT: dict[str, list[Json]] = {
    "fields": [{"b": 2, "a": 1}],
    "integer": [0, 10],
    "number": [1.0, -0.0, 5e-324],
    "any_number": [1.0, "NaN", "Infinity", "-Infinity"],
    "flag": [True, False],
    "text": ["a", "Zürich ✈", "x" * 200],
    "identifier": ["a", "2013-04.v_1", "9", "a" * 100, "a.."],
    "items": [[1], [1, 2]],
    "one_of": ["a", "b"],
}


def read(method: str, value: Json) -> object:
    arguments: dict[str, list[str | int]] = {
        "fields": ["a", "b"],
        "integer": [0, 10],
        "items": [1, 2],
        "one_of": ["a", "b"],
    }
    call: Callable[..., object] = getattr(Reader(value, "here"), method)
    return call(*arguments.get(method, []))


@pytest.mark.parametrize(("method", "value"), [(method, value) for method, values in WRONG.items() for value in values])
def test_the_reader_refuses_and_names_the_path(method: str, value: Json) -> None:
    with pytest.raises(VersionRefused, match="here"):
        read(method, value)


@pytest.mark.parametrize(("method", "value"), [(method, value) for method, values in RIGHT.items() for value in values])
def test_the_reader_takes_what_is_right(method: str, value: Json) -> None:
    assert read(method, value) is not None


@pytest.mark.parametrize("depth", [10, 100_000])
def test_a_refusal_is_legible_however_large_or_deep_the_value(depth: int) -> None:
    deep: Json = []
    for _ in range(depth):
        deep = [deep]
    large: Json = {f"{n:0100}": "x" * 1_000_000 for n in range(100)}
    for value in (deep, large, "x" * 1_000_000):
        with pytest.raises(VersionRefused) as caught:
            Reader(value, "here").flag()
        assert str(caught.value).startswith("here: expected true or false, found ")
        assert len(str(caught.value)) < 200
