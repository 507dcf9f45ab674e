"""Files of rows: the same bits as frames whatever the format and the size of a piece, and no row is lost."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import scorer
from scorer.cli.app import run
from scorer.errors import SchemaError
from scorer.model import build
from scorer.scoring.score import FLAGS
from tests.rows import support
from tests.rows.support import Row, frame, got, number, put, rows

ENDINGS = (".csv", ".jsonl", ".avro", ".parquet")
NEW = ["score", "class", "flags", "version", "digest", "problem"]

each_ending = pytest.mark.parametrize("ending", ENDINGS)


def predict(directory: Path, source: Path, target: Path, *options: str, code: int = 0) -> None:
    """Run the command, which must end with this exit code."""
    files = ["--model", str(directory), "--input", str(source), "--output", str(target)]
    assert run(["predict", *files, *options]) == code


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return support.write(tmp_path_factory.mktemp("version"))


@each_ending
@pytest.mark.parametrize("size", [1, 7, 5000])
def test_a_file_gets_the_bits_of_a_frame(version: Path, tmp_path: Path, ending: str, size: int) -> None:
    data = rows(700 if size > 1 else 60)
    expected = scorer.load(version).predict(frame(data))
    target = tmp_path / f"scored{ending}"
    predict(version, put(tmp_path / f"rows{ending}", data), target, "--rows", str(size))
    found = got(target)
    scores = np.array([number(row["score"]) for row in found])
    np.testing.assert_array_equal(scores.view(np.int64), expected["score"].to_numpy().view(np.int64))
    assert [row["class"] for row in found] == expected["class"].tolist()
    assert [int(row["flags"]) for row in found] == expected["flags"].tolist()
    assert set(expected["flags"]) >= {0, 4, 8, 9, 12, 13}
    digest = scorer.load(version).model.digest.hex()
    assert {(row["version"], row["digest"], row["problem"] or None) for row in found} == {("v1", digest, None)}
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"rows{ending}", f"scored{ending}"]


def test_the_output_is_replaced_at_once(version: Path, tmp_path: Path) -> None:
    """Whoever reads the file from before goes on reading that."""
    (tmp_path / "scored.csv").write_text("from before")
    with (tmp_path / "scored.csv").open() as reading:
        predict(version, put(tmp_path / "rows.csv", rows(5)), tmp_path / "scored.csv")
        assert reading.read() == "from before"
    assert len(got(tmp_path / "scored.csv")) == 5
    assert (tmp_path / "scored.csv").stat().st_mode == (tmp_path / "rows.csv").stat().st_mode


@each_ending
def test_all_columns_of_the_input_are_kept_as_they_are(version: Path, tmp_path: Path, ending: str) -> None:
    source, target = put(tmp_path / f"rows{ending}", rows(30)), tmp_path / f"scored{ending}"
    predict(version, source, target, "--rows", "8")
    before, after = got(source), got(target)
    assert [{name: row[name] for name in before[0]} for row in after] == before
    assert list(after[0]) == [*before[0], *NEW]
    if ending == ".jsonl":
        for one, other in zip(source.read_bytes().splitlines(), target.read_bytes().splitlines(), strict=True):
            assert other.startswith(one[:-1])


@each_ending
def test_chosen_columns_and_other_names(version: Path, tmp_path: Path, ending: str) -> None:
    source, target = put(tmp_path / f"rows{ending}", rows(30)), tmp_path / f"scored{ending}"
    predict(version, source, target, "--columns", "note,id", "--prefix", "my ")
    assert list(got(target)[0]) == ["note", "id", *(f"my {name}" for name in NEW)]
    assert [str(row["id"]) for row in got(target)] == [str(row["id"]) for row in got(source)]
    predict(version, source, target, "--only-scores")
    assert list(got(target)[0]) == NEW


@pytest.mark.parametrize(("source", "target"), [*itertools.product(ENDINGS, ENDINGS)])
def test_another_format_may_be_written_where_nothing_has_to_be_guessed(
    version: Path, tmp_path: Path, source: str, target: str
) -> None:
    data = rows(30)
    put(tmp_path / f"rows{source}", data)
    predict(version, tmp_path / f"rows{source}", tmp_path / f"scores{target}", "--only-scores")
    expected = scorer.load(version).predict(frame(data))["score"].tolist()
    assert [number(row["score"]) for row in got(tmp_path / f"scores{target}")] == expected
    typed = target in (".avro", ".parquet") and source != target
    predict(
        version, tmp_path / f"rows{source}", tmp_path / f"some{target}", "--columns", "id,note", code=3 if typed else 0
    )
    assert (tmp_path / f"some{target}").exists() != typed
    if not typed:
        assert [str(row["id"]) for row in got(tmp_path / f"some{target}")] == [str(row["id"]) for row in data]


def spoilt(data: list[Row]) -> dict[int, str]:
    """Spoil some rows; what is wrong with each."""
    data[3]["distance"], data[3]["delay"] = None, None
    data[11]["carrier"] = None
    data[12]["distance"], data[12]["carrier"] = None, None
    return {3: "distance: it has no value", 11: "carrier: it has no value", 12: "distance: it has no value"}


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("size", [1, 5, 100])
def test_a_row_that_cannot_be_scored_is_written_with_the_reason(
    version: Path, tmp_path: Path, ending: str, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    data = rows(20)
    wrong = spoilt(data)
    if ending != ".parquet":  # in which a column has one type
        data[7]["distance"] = "far"
        data[8]["seats"] = 1.5
        data[9]["seats"], data[9]["distance"] = 2**63, None
        data[10]["seats"], data[10]["distance"] = 1.5, "far"
        wrong |= {7: "distance: expected a number, found 'far'", 8: "seats: expected an integer", 9: "seats: expected"}
        wrong[10] = wrong[7]
    source, target = put(tmp_path / f"rows{ending}", data), tmp_path / f"scored{ending}"
    capsys.readouterr()
    predict(version, source, target, "--rows", str(size), code=15)
    assert f"{len(wrong)} of 20 rows could not be scored" in capsys.readouterr().err
    found = got(target)
    assert len(found) == 20
    whole = [row for number, row in enumerate(data) if number not in wrong]
    expected = iter(scorer.load(version).predict(frame(whole))["score"].tolist())
    for place, row in enumerate(found):
        if place in wrong:
            assert wrong[place] in row["problem"]
            assert row["score"] in (None, "")
            assert row["class"] in (None, "")
        else:
            assert not row["problem"]
            assert number(row["score"]) == next(expected)
    predict(version, source, target, "--rows", str(size), "--json", code=15)
    facts = json.loads(capsys.readouterr().out)
    assert (facts["rows"], facts["scored"]) == (20, 20 - len(wrong))
    scored = [int(row["flags"]) for place, row in enumerate(found) if place not in wrong]
    assert facts["flags"] == {name: sum(bool(flags & bit) for flags in scored) for bit, name in FLAGS.items()}
    assert sum(one["rows"] for one in facts["problems"]) == len(wrong)
    [carrier] = [one for one in facts["problems"] if one["column"] == "carrier"]
    assert (carrier["code"], carrier["rows"], carrier["first_row"]) == ("missing_input", 1, 12)


def test_lines_that_cannot_be_read_are_rows_too(version: Path, tmp_path: Path) -> None:
    header, *lines = put(tmp_path / "rows.csv", [row | {"note": ""} for row in rows(5)]).read_bytes().splitlines(True)
    (tmp_path / "rows.csv").write_bytes(
        header + lines[0] + b"1,2\n\n" + lines[1].rstrip() + b",more,cells\n" + lines[2]
    )
    predict(version, tmp_path / "rows.csv", tmp_path / "scored.csv", code=15)
    found = got(tmp_path / "scored.csv")
    assert [bool(row["problem"]) for row in found] == [False, True, True, False]
    assert "the line has 2 cells, the header 9" in found[1]["problem"]
    assert "['more', 'cells']" in found[2]["problem"]

    lines = put(tmp_path / "rows.jsonl", rows(3)).read_bytes().splitlines()
    bad = [b"[1]", b"{", b'{"distance": 1e400}', b'{"distance": NaN}', b'{"id": 1, "id": 2}', b"\xff", b"{}", b"{ }"]
    (tmp_path / "rows.jsonl").write_bytes(b"\n\n".join([lines[0], *bad, lines[1]]))
    predict(version, tmp_path / "rows.jsonl", tmp_path / "scored.jsonl", code=15)
    found = got(tmp_path / "scored.jsonl")
    assert len(found) == 2 + len(bad)
    assert [row.get("line") for row in found[1:6]] == [line.decode() for line in bad[:5]]
    assert [row["problem"] is None for row in found] == [True, *[False] * len(bad), True]
    assert list(found[7]) == NEW == list(found[8])


@pytest.mark.parametrize("text", [b"", b"a,a\n1,2\n", b'id,distance\n1,"2\n', b"id,distance\n1,\xff\n"])
def test_what_is_no_csv_is_refused_and_leaves_nothing(version: Path, tmp_path: Path, text: bytes) -> None:
    (tmp_path / "rows.csv").write_bytes(text)
    (tmp_path / "scored.csv").write_bytes(b"from before")
    predict(version, tmp_path / "rows.csv", tmp_path / "scored.csv", code=3)
    assert (tmp_path / "scored.csv").read_bytes() == b"from before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.csv", "scored.csv"]


@pytest.mark.parametrize("ending", [".avro", ".parquet"])
def test_a_file_that_is_broken_off_is_refused_and_leaves_nothing(version: Path, tmp_path: Path, ending: str) -> None:
    whole = put(tmp_path / f"rows{ending}", rows(300)).read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path / f"rows{ending}").write_bytes(whole[:size])
        predict(version, tmp_path / f"rows{ending}", tmp_path / f"scored{ending}", code=3)
    assert [path.name for path in tmp_path.iterdir()] == [f"rows{ending}"]


def test_what_cannot_be_meant_is_refused(version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = put(tmp_path / "rows.csv", rows(3))
    (tmp_path / "same.csv").symlink_to(source)
    before = source.read_bytes()
    for target, options, code, said in (
        ("rows.csv", (), 2, "never overwritten"),
        ("same.csv", (), 2, "never overwritten"),
        ("scored.txt", (), 2, "--format csv or jsonl or avro or parquet"),
        ("no/scored.csv", (), 2, "cannot be written"),
        ("scored.csv", ("--columns", "id,nothing"), 3, "there is no column 'nothing'"),
        ("scored.csv", ("--columns", "id", "--only-scores"), 2, "--columns"),
        ("scored.csv", ("--delimiter", "::"), 2, "not one character"),
        ("scored.csv", ("--delimiter", ";"), 3, "there is no column 'distance'"),
        ("-", ("--json", "--format", "csv"), 2, "standard output"),
        ("-", ("--format", "avro"), 2, "cannot be piped"),
    ):
        where = Path("-") if target == "-" else tmp_path / target
        predict(version, source, where, *options, code=code)
        assert said in capsys.readouterr().err
    assert source.read_bytes() == before
    put(tmp_path / "rows.csv", [{"score": 1, **row} for row in rows(3)])
    predict(version, source, tmp_path / "scored.csv", code=3)
    assert "--prefix" in capsys.readouterr().err
    predict(version, source, tmp_path / "scored.csv", "--prefix", "new ")
    (tmp_path / "rows.jsonl").write_text('{"score": 1}\n')
    predict(version, tmp_path / "rows.jsonl", tmp_path / "scored.jsonl", code=3)
    assert "--prefix" in capsys.readouterr().err
    predict(version, tmp_path / "none.csv", tmp_path / "scored.csv", code=2)
    predict(version.with_name("v2"), source, tmp_path / "scored.csv", code=4)


def test_cells_that_are_no_value_and_another_delimiter(version: Path, tmp_path: Path) -> None:
    data = rows(20)
    text = put(tmp_path / "rows.csv", [{**row, "note": "n", "carrier": "AA"} for row in data]).read_text("utf-8")
    (tmp_path / "rows.csv").write_text("\ufeff" + text.replace(",", ";").replace(";;", ";NA;"), "utf-8")
    predict(version, tmp_path / "rows.csv", tmp_path / "scored.csv", "--delimiter", ";", "--missing", "NA")
    expected = scorer.load(version).predict(frame([{**row, "carrier": "AA"} for row in data]))
    lines = (tmp_path / "scored.csv").read_text("utf-8").splitlines()
    assert lines[0].startswith("id;distance;")
    assert [float(line.split(";")[9]) for line in lines[1:]] == expected["score"].tolist()


def test_a_pipe(version: Path, tmp_path: Path) -> None:
    data = rows(50)
    text = put(tmp_path / "rows.jsonl", data).read_bytes()
    command = [sys.executable, "-m", "scorer.cli", "predict", "--model", str(version), "--input", "-", "--output", "-"]
    done = subprocess.run([*command, "--format", "jsonl"], input=text, capture_output=True, check=True)
    scores = [json.loads(line)["score"] for line in done.stdout.splitlines()]
    assert scores == scorer.load(version).predict(frame(data))["score"].tolist()
    assert b"50 of 50 rows scored" in done.stderr


def test_a_file_of_no_rows(version: Path, tmp_path: Path) -> None:
    put(tmp_path / "rows.csv", rows(1))
    header = (tmp_path / "rows.csv").read_text("utf-8").splitlines()[0]
    (tmp_path / "rows.csv").write_text(header + "\n")
    predict(version, tmp_path / "rows.csv", tmp_path / "scored.csv")
    assert (tmp_path / "scored.csv").read_text() == f"{header},{','.join(NEW)}\n"


def test_several_classes_have_a_score_each(tmp_path: Path) -> None:
    what = support.design()
    weights = np.random.default_rng(0).normal(size=(3, len(what.kernel.taken))) / 1000
    kernel = build.logistic(what.kernel.taken, weights, [0.0, 0.1, 0.2])
    version = support.write(tmp_path, replace(what, kernel=kernel, kind="multiclass", classes=("a", "b", "c")))
    data = rows(40)
    expected = scorer.load(version).predict(frame(data))
    predict(version, put(tmp_path / "rows.parquet", data), tmp_path / "scored.parquet", "--only-scores")
    found = got(tmp_path / "scored.parquet")
    assert list(found[0]) == ["score", "class", "score a", "score b", "score c", *NEW[2:]]
    for name in ("score", "class", "score a", "score b", "score c"):
        assert [row[name] for row in found] == expected[name].tolist()


def test_a_frame_is_refused_where_the_file_would_be(version: Path) -> None:
    with pytest.raises(SchemaError):
        scorer.load(version).predict(frame(rows(3)).drop(columns="distance"))
