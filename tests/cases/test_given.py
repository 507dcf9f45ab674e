"""Rows that somebody hands in as a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from scorer.cases import given
from scorer.errors import SchemaError
from tests.cases import versions


@pytest.mark.parametrize(
    ("name", "text", "row"),
    [
        ("a.json", '{"x": 1.5, "n": 2, "word": "a", "other": [1]}', (1.5, 2, "a")),
        ("a.json", '\ufeff{"x": 1, "n": -2, "word": null}', (1.0, -2, None)),
        ("a.json", '{"x": null, "n": null, "word": ""}', (None, None, "")),
        ("a.json", '{"x": "Infinity", "n": 0, "word": "a"}', (float("inf"), 0, "a")),
        ("a.csv", "word,n,x,other\na,2,1.5,z\n", (1.5, 2, "a")),
        ("a.csv", 'word,n,x\r\n"a, b",2,\r\n', (None, 2, "a, b")),
        ("a.csv", "word,n,x\n,2,1e-3\n", (0.001, 2, None)),
        ("A.CSV", "\ufeffword,n,x\n007,2.0,-inf\n", (float("-inf"), 2, "007")),
    ],
)
def test_a_row_is_read(tmp_path: Path, name: str, text: str, row: tuple[object, ...]) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert given.row(tmp_path / name, versions.model()) == row


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("a.json", "[1]", "one JSON object"),
        ("a.json", "{", "not strict JSON"),
        ("a.json", '{"x": 1.5, "n": 2}', "has no word; write null"),
        ("a.json", '{"x": 1.5, "n": 2.5, "word": "a"}', "n: expected an integer"),
        ("a.json", '{"x": "1.5", "n": 2, "word": "a"}', "x: expected a number"),
        ("a.csv", "x,n,word\n", "has 0 rows"),
        ("a.csv", "x,n,word\n1,2,a\n1,2,a\n", "has 2 rows"),
        ("a.csv", "x,n,word\n1,two,a\n", "n: expected an integer of 64 bits, found 'two'"),
        ("a.csv", "x,n,word\n1_0,2,a\n", "x: expected a number, found '1_0'"),
        ("a.csv", "x,n,word\n1e999,2,a\n", "x: expected a number, found '1e999'"),
        ("a.csv", "x,n,n,word\n1,2,3,a\n", "must name the columns, each once"),
        ("a.csv", "x,n,word\n1,2,a,b\n", "the line has 4 cells, the header 3"),
        ("a.csv", 'x,n,word\n1,2,"a\n', "line 3 is not CSV"),
        ("a.csv", f"x,n,word\n1,2,{'a' * 200_000}\n", "field larger"),
        ("a.csv", "x,n,word\n1,2,a" + "\n" * (1 << 20), "which is no single row"),
        ("a.json", '{"x": 1, "n": 1' + "0" * 5000 + ', "word": "a"}', "more digits than 64 bits hold"),
        ("a.csv", "x,n\n1,2\n", "has no word"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, text: str, why: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SchemaError, match=why):
        given.row(tmp_path / name, versions.model())


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="cannot be read"):
        given.row(tmp_path / "none.json", versions.model())
