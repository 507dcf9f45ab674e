"""How cases are written and read."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorer.cases import form
from scorer.cases.form import Bounds, Case, Scores, Source, Unscored
from scorer.errors import VersionRefused
from tests.cases.versions import INPUTS, MIDDLE

NUMBERS = st.floats() | st.sampled_from((math.nan, math.inf, -math.inf, -0.0, 5e-324))
TEXTS = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=20)
ROWS = st.tuples(st.none() | NUMBERS, st.none() | st.integers(-(2**63), 2**63 - 1), st.none() | st.text(max_size=9))
EXPECTED = st.one_of(
    st.builds(lambda score, atol: Scores((score,), atol, 0.0), NUMBERS, st.floats(0, 1)),
    st.builds(lambda pair: Bounds(((min(pair), max(pair)),)), st.tuples(*[st.floats(allow_nan=False)] * 2)),
    st.builds(Unscored, TEXTS, st.none() | TEXTS),
)
SOURCES = st.builds(Source, TEXTS, st.integers(0, 9), st.integers(0, 2**63 - 1), TEXTS, TEXTS, st.none() | TEXTS)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(ROWS, EXPECTED, st.none() | st.just(("imputed", "unseen")), SOURCES), max_size=4),
    st.booleans(),
)
def test_what_is_written_is_read_and_written_again_to_the_same_bytes(made: list[Any], sourced: bool) -> None:
    cases = [
        Case(f"case {place}", "For a good reason.", row, expected, flags, source if sourced else None)
        for place, (row, expected, flags, source) in enumerate(made)
    ]
    data = form.write(cases, INPUTS)
    found = form.read(data, INPUTS, 1, "file", sourced=sourced)
    assert repr(found) == repr(cases), "repr, because NaN is not equal to itself"
    assert form.write(found, INPUTS) == data
    assert data.endswith(b"\n")


def written(change: Callable[[dict[str, Any]], object], sourced: bool = False) -> bytes:
    """A file with one case, which ``change`` spoils."""
    case = MIDDLE if not sourced else Case("m", "For a good reason.", (0.0, 0, None), MIDDLE.expected, None, Source())
    document = json.loads(form.write([case], INPUTS))
    change(document["cases"][0])
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda case: case.pop("why"), "the field 'why' is missing"),
        (lambda case: case.update(why="because"), "a sentence on why"),
        (lambda case: case.update(name=""), "cases[0].name"),
        (lambda case: case.update(source={}), "'source' is not known"),
        (lambda case: case["row"].pop("n"), "the field 'n' is missing"),
        (lambda case: case["row"].update(z=1), "the field 'z' is not known"),
        (lambda case: case["row"].update(n=1.5), "cases[0].row.n: expected an integer"),
        (lambda case: case["row"].update(x="much"), "cases[0].row.x: expected a number"),
        (lambda case: case.update(expected={"score": 1}), '"scores", "between" or "dead_letter"'),
        (lambda case: case.update(expected={"between": [[0.6, 0.5]]}), "the least score and then the greatest"),
        (lambda case: case.update(expected={"between": [["NaN", 0.5]]}), "the least score and then the greatest"),
        (lambda case: case.update(expected={"between": [[0, 1], [0, 1]]}), "a list of 1 items (it has 2)"),
        (lambda case: case.update(expected={"scores": [0.5], "atol": -1, "rtol": 0}), "not negative"),
        (lambda case: case.update(expected={"scores": [0.5], "atol": "Infinity", "rtol": 0}), "not negative"),
        (lambda case: case.update(expected={"scores": [0.5]}), "'atol' is missing"),
        (lambda case: case.update(flags=["odd"]), "one of imputed, clipped, unseen, missing, outside"),
    ],
)
def test_what_is_wrong_is_named(change: Callable[[dict[str, Any]], object], complaint: str) -> None:
    with pytest.raises(VersionRefused) as caught:
        form.read(written(change), INPUTS, 1, "contrived.json", sourced=False)
    assert complaint in str(caught.value)
    assert "contrived.json" in str(caught.value)


def test_what_people_write_by_hand_is_understood() -> None:
    """Another layout, and whole numbers where a float64 is meant."""
    data = written(lambda case: case.update(row={"word": None, "n": 3, "x": 2}, expected={"between": [[0, 1]]}))
    [case] = form.read(data, INPUTS, 1, "file", sourced=False)
    assert case.row == (2.0, 3, None)
    assert isinstance(case.row[0], float)
    assert case.expected == Bounds(((0.0, 1.0),))


def test_names_are_unique_and_the_form_is_known() -> None:
    with pytest.raises(VersionRefused, match="differ from each other"):
        form.read(form.write([MIDDLE, MIDDLE], INPUTS), INPUTS, 1, "file", sourced=False)
    for broken in (b"", b"[]", b'{"cases": [], "format_version": 2}', b'{"cases": [], "cases": []}'):
        with pytest.raises(VersionRefused):
            form.read(broken, INPUTS, 1, "file", sourced=False)
    with pytest.raises(VersionRefused, match="'source' is missing"):
        form.read(form.write([MIDDLE], INPUTS), INPUTS, 1, "file", sourced=True)
    with pytest.raises(VersionRefused, match=r"source\.offset"):
        form.read(written(lambda case: case["source"].update(offset=-1), True), INPUTS, 1, "file", sourced=True)
