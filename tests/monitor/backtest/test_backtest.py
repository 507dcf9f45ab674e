"""Back-tests come to what pandas, scikit-learn and scipy say of the rows, however they are cut."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, roc_auc_score

from monitor.backtest import corpus, running
from monitor.backtest.asked import Asked, Outputs
from monitor.backtest.part import MOST
from monitor.backtest.result import result
from monitor.cli.app import run
from scorer import load
from scorer.errors import SchemaError
from scorer.quality.requirements import parse
from tests.integration.deployment import until
from tests.monitor.backtest.corpora import REQUIREMENTS, Model, rows, write
from tests.monitor.stage import MONITOR_COMMAND

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return Model.made(tmp_path)


def asking(**changed: Any) -> Asked:
    wanted: dict[str, Any] = {
        "model": "m", "versions": ("v1", "v2"), "outputs": Outputs("binary", ("no", "yes"), "probability"),
        "requirements": parse(REQUIREMENTS, "f"), "by": "month", "label": "label", "time": "at", "alpha": 0.05,
    }  # fmt: skip
    return Asked(**{**wanted, **changed})


def scored(model: Model, frame: pd.DataFrame) -> pd.DataFrame:
    """With what each version says of each row."""
    made = frame.copy()
    for name in ("v1", "v2"):
        made[name] = load(model.directory / "coefficients" / "m" / name).predict(frame[["x"]])["score"].to_numpy()
    return made


def verdicts(partition: Mapping[str, Any], version: str) -> dict[tuple[str, Any], Mapping[str, Any]]:
    [found] = [one for one in partition["versions"] if one["version"] == version]
    return {(row["requirement"], row["segment"] and row["segment"][1]): row for row in found["rows"]}


def assert_right(found: Mapping[str, Any], frame: pd.DataFrame) -> None:
    """Figures and differences of one partition are those of its rows."""
    known = frame.dropna(subset="label")
    for version in ("v1", "v2"):
        said = verdicts(found, version)
        score, label = known[version], known["label"]
        accuracy = said["accuracy//month/continuously", None]
        assert (accuracy["value"], accuracy["n"]) == (pytest.approx(accuracy_score(label, score > 0.5)), len(known))
        assert said["brier//month/once", None]["value"] == pytest.approx(((score - label) ** 2).mean(), rel=1e-12)
        season = known["at"].dt.month.isin([2, 3])
        assert (("auc//month/once//2,3", None) in said) == season.any()
        if season.any():
            auc = said["auc//month/once//2,3", None]
            assert auc["n"] == season.sum()
            assert abs(auc["value"] - roc_auc_score(label[season], score[season])) <= auc["error"] + 1e-12
        for place in ("a", "b"):
            part = known[known["place"] == place]
            [row] = [row for (name, segment), row in said.items() if segment == place]
            wanted = accuracy_score(part["label"], part[version] > 0.5)
            assert (row["value"], row["n"]) == (pytest.approx(wanted), len(part))
    losses = {
        "wrong": [(known[one] > 0.5) != known["label"] for one in ("v1", "v2")],
        "brier": [(known[one] - known["label"]) ** 2 for one in ("v1", "v2")],
    }
    for difference in found["differences"]:
        if difference["loss"] not in losses:
            continue
        first, second = (np.asarray(one, np.float64) for one in losses[difference["loss"]])
        interval = stats.ttest_1samp(first - second, 0.0).confidence_interval(0.95)
        assert difference["n"] == len(known)
        assert difference["value"] == pytest.approx((first - second).mean(), rel=1e-9, abs=1e-12)
        assert (difference["low"], difference["high"]) == pytest.approx((interval.low, interval.high), rel=1e-6)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "avro", "parquet"])
def test_figures_are_those_of_the_rows(model: Model, tmp_path: Path, capsys: Capture, ending: str) -> None:
    frame = rows(3_000)
    found = model.ask(capsys, write(frame, tmp_path / f"corpus.{ending}", 700), "--workers", 1)
    whole = scored(model, frame)
    assert_right(found["whole"], whole)
    months = whole["at"].dt.strftime("%Y-%m")
    assert {one["name"] for one in found["partitions"]} == set(months)
    for one in found["partitions"]:
        assert_right(one, whole[months == one["name"]])
    assert found["rows"] == 3_000
    assert found["passed_over"] == ["dead_letter_share"]
    failed = [
        sum(row["verdict"] == "FAIL" for version in one["versions"] for row in version["rows"])
        for one in found["partitions"]
    ]
    assert failed == sorted(failed, reverse=True), "the worst first"
    assert failed[0] > 0
    [better] = [one for one in found["whole"]["differences"] if one["loss"] == "wrong"]
    assert better["high"] < 0.0, "v2 is worse"


def test_a_field_tells_rows_apart_and_its_values_are_only_text(model: Model, tmp_path: Path, capsys: Capture) -> None:
    frame = rows(2_000)
    frame["place"] = frame["place"].replace("c", "<script>alert('$x$')</script>")
    file = write(frame, tmp_path / "corpus.csv")
    page = tmp_path / "report.html"
    found = model.ask(capsys, file, "--by", "place", "--html", page)
    names = {one["name"] for one in found["partitions"]}
    assert names == {"a", "b", "", "<script>alert('$x$')</script>"}
    whole = scored(model, frame)
    for one in found["partitions"]:
        if one["name"] in ("a", ""):
            part = whole[whole["place"].fillna("") == one["name"]]
            [v1, _] = one["versions"]
            assert (v1["predictions"], v1["labels"]) == (len(part), part["label"].notna().sum())
    text = page.read_text()
    assert "<script" not in text
    assert "&lt;script&gt;alert" in text


def test_cut_otherwise_and_by_more_processes_it_is_the_same_to_the_last_bit(
    model: Model, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = rows(4_000)
    wanted = model.ask(capsys, write(frame, tmp_path / "one.parquet"), "--workers", 1)
    monkeypatch.setattr(corpus, "ROWS", 500)
    folder = tmp_path / "many"
    (folder / "deeper").mkdir(parents=True)
    write(frame[2_500:], folder / "a.parquet", 300)
    write(frame[:2_500], folder / "deeper" / "b.parquet", 170)
    (folder / "notes.txt").write_text("this is no corpus")
    assert len(corpus.units(folder, None)) > 6
    found = model.ask(capsys, folder, "--workers", 2)
    assert found.pop("changes") == []
    wanted.pop("changes")
    assert found == wanted


def test_killed_it_goes_on_and_comes_to_the_same(model: Model, tmp_path: Path) -> None:
    frame = rows(3_000)
    (tmp_path / "corpus").mkdir()
    for number in range(40):
        write(frame[number * 75 : (number + 1) * 75], tmp_path / "corpus" / f"{number:02}.csv")
    command = [*MONITOR_COMMAND, *model.words(tmp_path / "corpus", "--workers", 2)]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = model.directory / "state"
    until(lambda: len(list(state.glob("*.unfinished/unit-*.json"))) >= 3 or process.poll() is not None, "no unit")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
    [kept] = state.glob("*.unfinished")
    there = {file.name: file.stat().st_mtime_ns for file in kept.glob("unit-*.json")}
    assert 3 <= len(there) < 40
    done: list[tuple[int, int]] = []
    units = corpus.units(tmp_path / "corpus", None)
    asked = asking()
    directories = tuple(model.directory / "coefficients" / "m" / name for name in asked.versions)
    part = running.run(running.Job(asked, directories), units, kept, 1, lambda n, of: done.append((n, of)))
    assert done[0] == (len(there), 40), "what was done is not done again"
    assert not kept.exists()
    again = running.run(running.Job(asked, directories), units, tmp_path / "anew", 1, lambda *_: None)
    assert result(asked, ("", ""), part) == result(asked, ("", ""), again)
    assert part.to_json() == again.to_json()


def test_what_has_changed_since_the_last_run_is_said(model: Model, tmp_path: Path, capsys: Capture) -> None:
    file = write(rows(2_000), tmp_path / "corpus.csv")
    assert model.ask(capsys, file)["changes"] is None
    assert model.ask(capsys, file)["changes"] == []
    target = model.directory / "coefficients" / "m" / "requirements.toml"
    target.write_text(REQUIREMENTS.replace("minimum = 0.6\nleast_labels", "minimum = 0.99\nleast_labels", 1))
    found = model.ask(capsys, write(rows(2_100), tmp_path / "corpus.csv"))["changes"]
    assert "the corpus has 2,100 rows, and had 2,000" in found
    assert any("v1: accuracy//month/continuously was PASS and is FAIL" in one for one in found)
    (model.directory / "state" / "m-month-v1-v2.json").write_text("{}")
    assert run(model.words(file)) == 2
    assert "remove it" in capsys.readouterr().err


def test_what_cannot_be_scored_or_judged_is_counted(model: Model, tmp_path: Path, capsys: Capture) -> None:
    frame = rows(600)
    frame["x"] = frame["x"].astype(object)
    frame.loc[:19, "x"] = "no number"
    frame.loc[frame["at"].dt.month == 3, "label"] = 1.0
    found = model.ask(capsys, write(frame, tmp_path / "corpus.csv"))
    [v1, v2] = found["whole"]["versions"]
    assert (v1["invalid"], v2["invalid"]) == (20, 20)
    lost = int(frame["label"][:20].notna().sum())
    assert {(one["n"], one["unpaired"]) for one in found["whole"]["differences"]} == {
        (int(frame["label"].notna().sum()) - lost, lost)
    }
    march = next(one for one in found["partitions"] if one["name"] == "2013-03")
    [auc] = [row for row in march["versions"][0]["rows"] if row["name"] == "auc"]
    assert (auc["verdict"], auc["value"]) == ("INSUFFICIENT", None)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--versions", "v1,v9"], "v9"),
        (["--versions", "v1,v1"], "names one twice"),
        (["--versions", ","], "names none"),
        (["--label", "truth"], "there is no column 'truth'"),
        (["--time", "when"], "there is no column 'when'"),
        (["--by", "colour"], "there is no column 'colour'"),
        (["--corpus", "nowhere"], "no such file or directory"),
        (["--requirements", "nowhere.toml"], "name the requirements with --requirements"),
        (["--html", "nowhere/report.html"], "name a file in a directory that is there"),
    ],
)
def test_what_is_wrong_is_said(model: Model, tmp_path: Path, capsys: Capture, more: Sequence[str], why: str) -> None:
    code = run([*model.words(write(rows(50), tmp_path / "corpus.csv")), *more])
    said = capsys.readouterr().err
    assert code != 0
    assert why in said
    assert "Traceback" not in said


def test_without_times_there_are_no_months(model: Model, tmp_path: Path, capsys: Capture) -> None:
    words = [one for one in model.words(write(rows(50), tmp_path / "corpus.csv")) if one not in ("--time", "at")]
    assert run(words) == 2
    assert "name their column with --time" in capsys.readouterr().err
    assert run([*words, "--by", "place"]) == 2
    assert "has a season" in capsys.readouterr().err


def test_a_file_that_is_broken_is_named_and_an_empty_corpus_refused(
    model: Model, tmp_path: Path, capsys: Capture
) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    assert run(model.words(folder)) == 2
    assert "below it is no file" in capsys.readouterr().err
    write(rows(0), folder / "empty.csv")
    assert run(model.words(folder)) != 0
    assert "no rows in the corpus" in capsys.readouterr().err
    write(rows(50), folder / "good.csv")
    (folder / "late.csv").write_text("at,x,place,label\nyesterday,1,a,1\n")
    for workers in (1, 2):
        assert run([*model.words(folder), "--workers", str(workers)]) != 0
        said = capsys.readouterr().err
        assert f"{folder / 'late.csv'}: column 'at'" in said
        assert "Traceback" not in said


def test_there_are_not_too_many_partitions(model: Model, tmp_path: Path) -> None:
    frame = rows(MOST + 1)
    frame["place"] = [f"p{number}" for number in range(len(frame))]
    file = write(frame, tmp_path / "corpus.csv")
    asked = asking(by="place", requirements=parse(REQUIREMENTS.split('[[requirement]]\nmetric = "brier"')[0], "f"))
    directories = tuple(model.directory / "coefficients" / "m" / name for name in asked.versions)
    with pytest.raises(SchemaError, match="more than 10,000 partitions"):
        running.run(running.Job(asked, directories), corpus.units(file, None), tmp_path / "s", 1, lambda *_: None)


def test_another_question_is_kept_under_another_name() -> None:
    asked = asking()
    assert Asked.of_plain(asked.plain()).plain() == asked.plain()
    assert asked.identity(["a", "b"], []) != asked.identity(["a", "c"], [])
    assert asked.identity(["a", "b"], [["f", 1, 2]]) != asked.identity(["a", "b"], [["f", 1, 3]])


def test_memory_does_not_grow_with_the_corpus(model: Model, tmp_path: Path) -> None:
    peaks = []
    for count in (40_000, 400_000):
        file = write(rows(count), tmp_path / f"{count}.parquet", 20_000)
        words = model.words(file, "--workers", 1, "--state", tmp_path / str(count))
        process = subprocess.Popen([*MONITOR_COMMAND, *words], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        peaks.append(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
    assert peaks[1] - peaks[0] < 32e6, f"ten times the rows took {peaks} bytes"


def test_a_window_is_a_window_though_a_field_has_its_name(model: Model, tmp_path: Path, capsys: Capture) -> None:
    target = model.directory / "coefficients" / "m" / "requirements.toml"
    target.write_text(REQUIREMENTS.replace("{ place =", "{ month ="))
    frame = rows(300).rename(columns={"place": "month"})
    found = model.ask(capsys, write(frame, tmp_path / "corpus.csv"), "--by", "month")
    assert {one["name"] for one in found["partitions"]} == set(frame["at"].dt.strftime("%Y-%m"))
