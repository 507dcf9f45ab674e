"""Odd files and odd wishes: a message and nothing half-written, whatever happens, even a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import fastavro
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from scorer.cli.app import run
from tests.integration.deployment import until
from tests.rows import support
from tests.rows.support import got, put, rows


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return support.write(tmp_path_factory.mktemp("version"))


def predict(version: Path, source: Path, target: Path, *options: str) -> int:
    files = ["--model", str(version), "--input", str(source), "--output", str(target)]
    return run(["predict", *files, *options])


def test_what_is_no_file_is_not_replaced(version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a device, which an administrator could replace for everybody, nor a pipe or directory."""
    source = put(tmp_path / "rows.csv", rows(3))
    (tmp_path / "directory.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "link.csv").symlink_to("pipe.csv")
    for name in ("directory.csv", "pipe.csv", "link.csv"):
        target = tmp_path / name
        assert predict(version, source, target) == 2
        assert f"{target} is no file" in capsys.readouterr().err
    assert (tmp_path / "pipe.csv").is_fifo()
    assert len(list(tmp_path.iterdir())) == 4


def test_a_link_stays_one(version: Path, tmp_path: Path) -> None:
    source = put(tmp_path / "rows.csv", rows(3))
    (tmp_path / "real.csv").write_text("from before")
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert predict(version, source, tmp_path / "link.csv") == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert len(got(tmp_path / "real.csv")) == 3


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--delimiter", '"'), 2, "not one character that may stand between cells"),
        (("--delimiter", "\n"), 2, "not one character that may stand between cells"),
        (("--delimiter", "\udc80"), 2, "not one character that may stand between cells"),
        (("--prefix", "\udc80"), 2, "cannot be printed"),
        (("--rows", "1" + "0" * 30), 2, "--rows"),
        (("--columns", "id,note,id"), 3, "named twice: id, note, id"),
    ],
)
def test_wishes_that_make_no_sense(
    version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], code: int, said: str
) -> None:
    source = put(tmp_path / "rows.csv", rows(3))
    assert predict(version, source, tmp_path / "scored.csv", *options) == code
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_numbers_that_nothing_holds_spoil_their_rows(version: Path, tmp_path: Path) -> None:
    """They are neither infinite in silence, nor too long to be read."""
    data = [*rows(3), *({**row, "note": None} for row in rows(3))]
    data[3]["distance"], data[4]["seats"], data[5]["distance"] = "1e999", "9" * 5000, "9" * 5000
    assert predict(version, put(tmp_path / "rows.csv", data), tmp_path / "scored.csv") == 15
    assert [row["problem"].partition(":")[0] for row in got(tmp_path / "scored.csv")] == [
        "", "", "", "distance", "seats", "distance",
    ]  # fmt: skip


def test_a_mark_at_the_beginning_belongs_to_no_line(version: Path, tmp_path: Path) -> None:
    lines = put(tmp_path / "rows.jsonl", rows(3)).read_bytes()
    (tmp_path / "rows.jsonl").write_bytes(b"\xef\xbb\xbf" + lines)
    assert predict(version, tmp_path / "rows.jsonl", tmp_path / "scored.jsonl") == 0
    assert (tmp_path / "scored.jsonl").read_bytes().startswith(lines.splitlines()[0][:-1])


def test_half_of_a_surrogate_pair_is_no_csv(version: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path / "rows.jsonl", [{**row, "note": "\ud800"} for row in rows(3)])
    assert predict(version, tmp_path / "rows.jsonl", tmp_path / "scored.csv", "--columns", "note") == 3
    assert r"half of a surrogate pair, '\ud800'" in capsys.readouterr().err
    assert predict(version, tmp_path / "rows.jsonl", tmp_path / "scored.csv", "--columns", "id") == 0


NO_TEXT = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff"))
FAR = pa.array([2**40], pa.timestamp("s"))
"""A moment in the year 36812, which is no datetime of Python's."""


@pytest.mark.parametrize(("name", "value", "code"), [("carrier", NO_TEXT, 3), ("note", NO_TEXT, 3), ("note", FAR, 3)])
def test_parquet_with_values_that_cannot_be_read(
    version: Path, tmp_path: Path, name: str, value: pa.Array, code: int
) -> None:
    """In a process of its own, because the library complains when a writer is forgotten."""
    table = pq.read_table(put(tmp_path / "rows.parquet", rows(1)))
    pq.write_table(table.set_column(table.column_names.index(name), name, value), tmp_path / "rows.parquet")
    command = [sys.executable, "-m", "scorer.cli", "predict", "--model", str(version)]
    ending = "csv" if value is FAR else "parquet"
    done = subprocess.run(
        [*command, "--input", tmp_path / "rows.parquet", "--output", tmp_path / f"scored.{ending}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    [message] = done.stderr.splitlines()
    assert message.startswith(f"scorer: {tmp_path / 'rows.parquet'}: ")
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2"])
def test_avro_is_written_as_it_was_compressed(version: Path, tmp_path: Path, codec: str) -> None:
    with (tmp_path / "rows.avro").open("wb") as file:
        fastavro.writer(file, support.AVRO, rows(3), codec=codec)
    assert predict(version, tmp_path / "rows.avro", tmp_path / "scored.avro") == 0
    with (tmp_path / "scored.avro").open("rb") as file:
        assert fastavro.reader(file).codec == codec


def test_columns_of_dictionaries_are_columns(version: Path, tmp_path: Path) -> None:
    data = rows(40)
    table = pq.read_table(put(tmp_path / "rows.parquet", data))
    assert predict(version, tmp_path / "rows.parquet", tmp_path / "plain.csv", "--only-scores") == 0
    for place, name in enumerate(table.column_names):
        if name in ("carrier", "gate", "seats", "distance"):
            table = table.set_column(place, name, table[name].dictionary_encode())
    pq.write_table(table, tmp_path / "rows.parquet")
    assert predict(version, tmp_path / "rows.parquet", tmp_path / "coded.csv", "--only-scores") == 0
    assert (tmp_path / "coded.csv").read_bytes() == (tmp_path / "plain.csv").read_bytes()


def test_killed_half_way_it_has_not_touched_the_output(version: Path, tmp_path: Path) -> None:
    """It waits for more of its input when it is killed, and has written a good part of the output by then."""
    header, *lines = put(tmp_path / "rows.csv", rows(500)).read_bytes().splitlines(keepends=True)
    target = tmp_path / "scored.csv"
    target.write_text("from before")
    command = [sys.executable, "-m", "scorer.cli", "predict", "--model", str(version), "--input", "-"]
    with subprocess.Popen(
        [*command, "--format", "csv", "--output", target, "--rows", "10"], stdin=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        child.stdin.write(header + b"".join(lines))
        child.stdin.flush()
        until(lambda: any(path.stat().st_size > 5_000 for path in tmp_path.glob(".scored.csv.*")), "nothing is written")
        child.kill()
        assert child.wait(60) == -signal.SIGKILL
    assert target.read_text() == "from before"
    assert predict(version, tmp_path / "rows.csv", target) == 0
    assert len(got(target)) == 500


def test_on_a_terminal_it_shows_how_far_it_is(version: Path, tmp_path: Path) -> None:
    source = put(tmp_path / "rows.csv", rows(50))
    command = [sys.executable, "-m", "scorer.cli", "predict", "--model", str(version), "--rows", "10"]
    ours, theirs = os.openpty()
    try:
        subprocess.run(
            [*command, "--input", source, "--output", tmp_path / "scored.csv"],
            stderr=theirs, check=True, env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        )  # fmt: skip
        shown = os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "100%" in shown
    assert "50 of 50 rows scored" in shown
