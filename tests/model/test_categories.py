"""The category table finds every category by its exact bytes, and nothing else. A dict is the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scorer.errors import VersionRefused
from scorer.model import build, categories, golden
from scorer.model.build import Design, Proof
from scorer.model.inputs import Input
from scorer.model.model import Model
from scorer.model.table import table
from scorer.model.version import load

INPUTS = (Input("word", "category", nullable=True),)


def model_of(words: list[str]) -> Model:
    step = build.ordinal("word", "code", words, unknown=-1.0, missing=-2.0)
    design = Design("m", "v", 0, ("none", "0"), INPUTS, [step], build.linear(["code"], [1.0], 0.0), "regression")
    return golden.admit(build.version(design, Proof([[words[0]], [None]], np.array([[0.0, -2.0]]))))


def codes(model: Model, asked: list[bytes | None]) -> list[float]:
    found: list[float] = golden.score(model, table(INPUTS, [asked], len(asked))).scores[0].tolist()
    return found


WORDS = st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=1, max_size=40, unique=True)


@settings(deadline=None)
@given(WORDS, st.lists(st.one_of(st.none(), st.binary(max_size=12)), max_size=20))
@example([""], [b"", b"\0", None])
@example(["a", "a\0", "a\0\0"], [b"a", b"a\0", b"a\0\0", b"a\0\0\0"])
@example(["é", "e\u0301"], ["é".encode(), "e\u0301".encode(), b"e", b"\xc3"])
def test_words_are_found_by_their_bytes(words: list[str], others: list[bytes | None]) -> None:
    known = {word.encode(): float(code) for code, word in enumerate(words)}
    asked: list[bytes | None] = [*known, *others, *(word[:-1] for word in known), *(word + b"a" for word in known)]
    expected = [-2.0 if word is None else known.get(word, -1.0) for word in asked]
    assert codes(model_of(words), asked) == expected


def test_many_categories() -> None:
    words = [f"N{number:05}" for number in range(20_000)]
    asked = [word.encode() for word in words[::37]] + [b"N20000", b"n00001"]
    assert codes(model_of(words), list(asked)) == [*map(float, range(0, 20_000, 37)), -1.0, -1.0]


def test_the_hash_is_fnv() -> None:
    """Test vectors of the specification, folded as the table folds them."""
    for data, expected in ((b"", 0xCBF29CE484222325), (b"a", 0xAF63DC4C8601EC8C), (b"foobar", 0x85944171F73967E8)):
        assert categories._hash(data) == expected ^ (expected >> 32)


def test_words_that_collide_are_told_apart() -> None:
    """Categories that all begin at the same slot of a table of that size."""
    slots = 64
    words = [word for word in map(str, range(100_000)) if categories._hash(word.encode()) & (slots - 1) == 5][:32]
    assert len(words) == 32
    assert int(categories.table([word.encode() for word in words])[0][0]) == slots
    assert codes(model_of(words), [word.encode() for word in words]) == list(map(float, range(32)))
    stranger = next(word for word in map(str, range(100_000, 200_000)) if categories._hash(word.encode()) & 63 == 5)
    assert codes(model_of(words), [stranger.encode()]) == [-1.0]


def test_at_least_half_of_the_slots_are_free() -> None:
    for count in (1, 2, 3, 31, 32, 33, 1000):
        words, _ = categories.table([str(number).encode() for number in range(count)])
        assert words[0] >= 2 * count
        assert words[0] & (words[0] - 1) == 0


def test_a_category_that_occurs_twice_is_refused() -> None:
    step = build.ordinal("word", "code", ["a", "a"])
    design = Design("m", "v", 0, ("none", "0"), INPUTS, [step], build.linear(["code"], [1.0], 0.0), "regression")
    with pytest.raises(VersionRefused, match="twice"):
        Model(load(build.draft(design, Proof([["a"]], np.zeros((1, 1))))))
