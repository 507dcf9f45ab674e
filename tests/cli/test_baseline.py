"""``scorer models baseline``: from a version and a corpus to a file of requirements."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from scorer import load
from scorer.quality.requirements import parse
from scorer.registry.files import write_version
from tests.cli.conftest import Command
from tests.integration.deployment import version

ROWS = 3_000


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A version of the model ``m``, which scores ``x``."""
    made = tmp_path / "coefficients" / "m" / "v1"
    write_version(made, version("m", "v1", 2.0))
    return made


@pytest.fixture
def frame() -> pd.DataFrame:
    """Rows of half a year; some without label, some without value."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=ROWS)
    start = pd.Timestamp("2013-01-01", tz="UTC")
    return pd.DataFrame(
        {
            "at": start + pd.to_timedelta(np.sort(rng.integers(0, 180 * 24, ROWS)), unit="h"),
            "x": np.where(rng.random(ROWS) < 0.05, np.nan, x),
            "label": np.where(rng.random(ROWS) < 0.1, np.nan, rng.random(ROWS) < 1 / (1 + np.exp(-2 * x))),
        }
    )


def corpus(frame: pd.DataFrame, tmp_path: Path, ending: str) -> Path:
    file = tmp_path / f"corpus.{ending}"
    if ending == "csv":
        frame.to_csv(file, index=False)
    else:
        frame.to_parquet(file, index=False)
    return file


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_first_requirements(
    command: Command, directory: Path, frame: pd.DataFrame, tmp_path: Path, ending: str
) -> None:
    file = corpus(frame, tmp_path, ending)
    words = ["models", "baseline", directory, "--corpus", file, "--time", "at", "--least-labels", 100]
    printed = command(*words)
    assert printed.code == 0, printed
    target = directory.parent / "requirements.toml"
    assert not target.exists()
    ran = command(*words, "--write", "--json").json
    assert target.read_text("utf-8") == printed.out
    assert (ran["rows"], ran["labels"], ran["invalid"]) == (ROWS, frame["label"].notna().sum(), 0)
    assert ran["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    known = frame[frame["label"].notna()]
    scores = load(directory).predict(known[["x"]])["score"]
    expected = {
        "accuracy": accuracy_score(known["label"], scores > 0.5),
        "auc": roc_auc_score(known["label"], scores),
        "brier": ((scores - known["label"]) ** 2).mean(),
    }
    found = {one.name: one for one in parse(printed.out, "f")}
    for name, value in expected.items():
        base = found[name].baseline
        assert base is not None
        assert base.value == pytest.approx(value)
        assert (base.version, base.data, base.labels, base.margin) == ("v1", file.name, len(known), 0.1)
        assert str(base.worst_window).startswith("2013-0")


def test_a_file_that_is_there_is_kept_and_never_loosened_in_silence(
    command: Command, directory: Path, frame: pd.DataFrame, tmp_path: Path
) -> None:
    words = ["models", "baseline", directory, "--corpus", corpus(frame, tmp_path, "csv"), "--write"]
    target = directory.parent / "requirements.toml"
    shown = command(*words)
    assert shown.code == 0
    assert "accuracy" in {row[0] for row in shown.rows[1:]}
    before = target.read_text("utf-8")
    again = command(*words)
    assert (again.code, target.read_text("utf-8")) == (2, before)
    assert "--overwrite" in again.err
    tighter = command(*words, "--overwrite", "--margin", 0.05)
    assert (tighter.code, tighter.err) == (0, "")
    tight = target.read_text("utf-8")
    assert tight != before
    looser = command(*words, "--overwrite", "--margin", 0.2)
    assert (looser.code, target.read_text("utf-8")) == (2, tight)
    assert "requires more than this; say --loosen" in looser.err
    assert "accuracy (month): at least" in looser.err
    said = command(*words, "--overwrite", "--loosen", "--margin", 0.2, "--json")
    assert said.code == 0
    assert "loosened: accuracy (month): at least" in said.err
    assert len(said.json["loosened"]) > 3
    assert parse(target.read_text("utf-8"), "f") != parse(tight, "f")
    target.write_text("[[requirement")
    assert "is not TOML" in command(*words, "--overwrite", "--loosen").err


def test_a_season(command: Command, directory: Path, frame: pd.DataFrame, tmp_path: Path) -> None:
    words = ["models", "baseline", directory, "--corpus", corpus(frame, tmp_path, "csv")]
    ran = command(*words, "--time", "at", "--season", "3,2")
    assert {one.season for one in parse(ran.out, "f")} == {(2, 3)}
    assert "say --time" in command(*words, "--season", "3").err
    for season in ("13", "x", ""):
        assert "--season" in command(*words, "--time", "at", "--season", season).err


@pytest.mark.parametrize(
    ("change", "more", "code", "complaint"),
    [
        ({"label": "late"}, [], 3, "label 'late' is none of the classes"),
        (
            {"label": None},
            [],
            2,
            "nothing can be required: accuracy: it is undefined on the corpus: there are no labels",
        ),
        ({}, ["--label", "truth"], 3, "there is no column 'truth'; there are at, x, label"),
        ({}, ["--time", "label"], 3, "column 'label' must hold an event time in every row"),
    ],
)
def test_a_corpus_that_will_not_do(
    command: Command,
    directory: Path,
    frame: pd.DataFrame,
    tmp_path: Path,
    change: dict[str, str | None],
    more: list[str],
    code: int,
    complaint: str,
) -> None:
    ran = command("models", "baseline", directory, "--corpus", corpus(frame.assign(**change), tmp_path, "csv"), *more)
    assert ran.code == code
    assert complaint in ran.err


@pytest.mark.parametrize("option", [("--margin", "nan"), ("--margin", "1e308"), ("--least-labels", "1" + "0" * 30)])
def test_numbers_that_no_requirement_can_have(
    command: Command, directory: Path, frame: pd.DataFrame, tmp_path: Path, option: tuple[str, str]
) -> None:
    ran = command("models", "baseline", directory, "--corpus", corpus(frame, tmp_path, "csv"), *option)
    assert ran.code == 2
    assert option[0] in ran.err


def test_rows_that_cannot_be_scored_are_counted(
    command: Command, directory: Path, frame: pd.DataFrame, tmp_path: Path
) -> None:
    text = frame["x"].astype(object)
    text.iloc[7] = "none of it"
    ran = command("models", "baseline", directory, "--corpus", corpus(frame.assign(x=text), tmp_path, "csv"), "--json")
    assert ran.json["invalid"] == 1
    assert "1 rows have no valid score" in ran.err
