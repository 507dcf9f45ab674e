"""The regression test of a version: what passes, what differs, and what cannot be tested."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scorer.cases import comparing, form, regression, sample
from scorer.cases.folder import Folder
from scorer.cases.form import Bounds, Case, Expected, Scores, Source, Unscored
from scorer.errors import RegressionFailed, SettingsError, VersionRefused
from scorer.model import build, golden
from scorer.model.build import Design, Proof
from scorer.model.inputs import Input, Raw
from scorer.model.model import Model
from tests.cases import versions
from tests.cases.versions import INPUTS, MIDDLE, REQUIRED

WHY = "For a good reason."


def probability(margin: float) -> float:
    return 1 / (1 + math.exp(-margin))


@pytest.mark.parametrize(
    ("row", "expected", "flags"),
    [
        ((1.0, 2, "a"), Scores((probability(3.0),), 1e-12, 0.0), ()),
        ((None, 2, "a"), Scores((probability(2.0),), 1e-12, 0.0), ("imputed", "missing")),
        ((1.0, 2, "new"), Bounds(((0.5, 0.99),)), ("unseen",)),
        ((1.0, 2, "new"), Bounds(((0.5, 0.99),)), None),
        ((1.0, None, "a"), Unscored("missing_input", "n"), None),
        ((math.inf, 0, "a"), Scores((1.0,), 0.0, 0.0), None),
    ],
)
def test_what_is_as_expected(row: tuple[Raw, ...], expected: Expected, flags: tuple[str, ...] | None) -> None:
    assert comparing.compare(versions.model(), [Case("c", WHY, row, expected, flags)]).differences == ()


@pytest.mark.parametrize(
    ("row", "expected", "flags", "field", "difference"),
    [
        ((1.0, 2, "a"), Scores((probability(3.0) + 1e-9,), 1e-10, 0.0), (), "score", -1e-9),
        ((1.0, 2, "a"), Bounds(((0.0, 0.5),)), (), "score", probability(3.0) - 0.5),
        ((1.0, 2, "a"), Bounds(((0.99, 1.0),)), (), "score", probability(3.0) - 0.99),
        ((1.0, 2, "a"), Scores((math.nan,), 1.0, 0.0), (), "score", None),
        ((None, 2, "a"), Bounds(((0.0, 1.0),)), (), "flags", None),
        ((1.0, 2, "a"), Bounds(((0.0, 1.0),)), ("clipped",), "flags", None),
        ((1.0, None, "a"), Bounds(((0.0, 1.0),)), (), "outcome", None),
        ((1.0, 2, "a"), Unscored("missing_input", "n"), None, "outcome", None),
        ((1.0, None, "a"), Unscored("missing_input", "x"), None, "outcome", None),
        ((1.0, None, "a"), Unscored("score_not_finite", "n"), None, "outcome", None),
    ],
)
def test_what_differs_is_told_field_by_field(
    row: tuple[Raw, ...],
    expected: Expected,
    flags: tuple[str, ...] | None,
    field: str,
    difference: float | None,
) -> None:
    [found] = comparing.compare(versions.model(), [Case("c", WHY, row, expected, flags)]).differences
    assert found.field == field
    assert found.case.row == row
    assert found.difference == (None if difference is None else pytest.approx(difference, rel=1e-6))
    assert found.expected != found.got


def line() -> Model:
    """A regression, y = 2 x, which large numbers overflow."""
    inputs, kernel = [Input("x", "float64")], build.linear(["x"], [2.0], 0.0)
    design = Design("m", "line", 1, ("numpy", "2"), inputs, [], kernel, "regression")
    return golden.admit(build.version(design, Proof([[1.0]] * 32, np.full((1, 32), 2.0))))


def test_a_score_that_is_not_finite_is_a_dead_letter_as_in_the_stream() -> None:
    model = line()
    overflowing = Case("c", WHY, (1e308,), Unscored("score_not_finite", None))
    assert comparing.compare(model, [overflowing]).differences == ()
    [found] = comparing.compare(model, [dataclasses.replace(overflowing, row=(1.0,))]).differences
    assert (found.field, found.got) == ("outcome", "scores 2.0")
    assert comparing.outcomes(model, [(None,)])[0].letter == Unscored("missing_input", "x"), "the first input, too"
    assert comparing.outcomes(versions.model(), [(math.nan, 0, "a")])[0].letter is None, "NaN is missing, and imputed"


def test_golden_rows_are_all_compared_and_not_only_up_to_the_first(tmp_path: Path) -> None:
    directory = versions.directory(tmp_path)
    file = directory / "manifest.json"
    manifest = json.loads(file.read_bytes())
    for place in (3, 7):
        manifest["golden"]["expected"][place][0] += 1e-6
    file.write_text(json.dumps(manifest, sort_keys=True, separators=(",", ":")))
    report = regression.run_cases(directory)
    assert [one.case.name for one in report.differences] == ["golden row 3", "golden row 7"]
    assert [one.difference for one in report.differences] == pytest.approx([-1e-6, -1e-6])
    assert not report.passed
    with pytest.raises(RegressionFailed, match=r"golden row 3.* \(and 1 more\)"):
        regression.require(report)


def test_coefficients_that_moved_are_found_by_every_kind_of_case(tmp_path: Path) -> None:
    """The version with another slope under the same name, and with golden rows of its own: they cannot tell."""
    expected = Scores((probability(3.0),), 1e-12, 0.0)
    case = Case("one", WHY, (1.0, 2, "a"), expected)
    directory = versions.directory(tmp_path, [MIDDLE, case], slope=1.001)
    Folder(directory).outliers.write_bytes(
        form.write([dataclasses.replace(case, source=Source("m.events", 0, 7))], INPUTS)
    )
    report = regression.run_cases(directory)
    assert [(suite.name, suite.cases, len(suite.differences)) for suite in report.suites] == [
        ("golden", 18, 0),
        ("contrived", 2, 1),
        ("outliers", 1, 1),
    ]
    assert report.suites[1].largest == pytest.approx(probability(3.001) - probability(3.0))


# -- the sample ----------------------------------------------------------------------------------------------------


@pytest.fixture
def tested(tmp_path: Path) -> Path:
    """A version with requirements that its sample meets."""
    directory = versions.directory(tmp_path)
    versions.sample().to_parquet(Folder(directory).sample)
    Folder(directory).requirements.write_text(REQUIRED)
    return directory


def test_requirements_are_enforced_on_the_sample(tested: Path) -> None:
    report = regression.run(tested)
    [verdict] = report.verdicts
    frame = versions.sample()
    margin = frame["x"] + 0.5 * frame["n"] + np.where(frame["word"] == "a", 1, -1)
    brier = ((1 / (1 + np.exp(-margin)) - (frame["label"] == "yes")) ** 2).mean()
    assert (verdict.verdict, verdict.n, report.rows, report.passed) == ("PASS", 400, 400, True)
    assert verdict.value == pytest.approx(brier), "however many labels its window needs"
    Folder(tested).requirements.write_text(REQUIRED.replace("0.2", str(brier * 0.999)))
    failed = regression.run(tested)
    assert (failed.passed, [one.verdict for one in failed.missed]) == (False, ["FAIL"])
    with pytest.raises(RegressionFailed, match="above the maximum"):
        regression.require(failed)


def test_what_nobody_relies_on_is_shown_and_fails_nothing(tested: Path) -> None:
    Folder(tested).requirements.write_text(REQUIRED.replace("0.2", "0.001") + "guarded = false\n")
    report = regression.run(tested)
    assert ([one.verdict for one in report.verdicts], report.missed, report.passed) == (["FAIL"], [], True)


def test_a_requirement_of_which_the_sample_shows_nothing_is_not_met(tested: Path) -> None:
    """It has events of January only; a floor for July must not pass for want of evidence."""
    Folder(tested).requirements.write_text(REQUIRED + "season = [7]\n")
    report = regression.run(tested)
    assert [one.verdict for one in report.missed] == ["INSUFFICIENT"]
    Folder(tested).requirements.write_text(REQUIRED + "season = [1]\n")
    assert regression.run(tested).passed


def test_what_the_service_must_reach_is_left_to_the_monitor(tested: Path) -> None:
    served = '[[requirement]]\nmetric = "dead_letter_share"\nmaximum = 0.01\nwindow = "day"\nleast_labels = 1\n'
    Folder(tested).requirements.write_text(REQUIRED + served + 'judged = "once per closed window"\n')
    report = regression.run(tested)
    assert [(one.verdict, one.applies) for one in report.verdicts] == [("PASS", True), ("INSUFFICIENT", False)]
    assert report.passed


def test_a_requirement_on_segments_takes_them_from_the_sample(tested: Path) -> None:
    Folder(tested).requirements.write_text(REQUIRED + '[requirement.segments]\nword = "each"\n')
    report = regression.run(tested)
    assert [one.segment for one in report.verdicts] == [("word", "a"), ("word", "b")]
    Folder(tested).requirements.write_text(REQUIRED + '[requirement.segments]\nplace = "each"\n')
    with pytest.raises(RegressionFailed, match="no column 'place'"):
        regression.run(tested)


def test_without_requirements_nothing_is_judged(tested: Path) -> None:
    Folder(tested).requirements.unlink()
    report = regression.run(tested)
    assert (report.passed, report.rows, report.verdicts) == (True, None, ())


def test_requirements_that_make_no_sense(tested: Path) -> None:
    for text in ("not TOML =", REQUIRED.replace("brier", "rmse"), f"{REQUIRED}# \xe9"):
        Folder(tested).requirements.write_text(text, "latin-1")
        with pytest.raises(SettingsError, match=r"requirements\.toml"):
            regression.run(tested)
    Folder(tested).requirements.write_text(REQUIRED, "utf-8-sig")
    assert regression.run(tested).passed, "some editors begin a file with a mark"


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda frame: frame.drop(columns="label"), "no column 'label'"),
        (lambda frame: frame.drop(columns="x"), "no column 'x'"),
        (lambda frame: frame.assign(label="perhaps"), "label 'perhaps' is none of the classes"),
        (lambda frame: frame.assign(label=[[1]] * len(frame)), "is none of the classes"),
        (lambda frame: frame.assign(label=None), "row 0 has no label"),
        (lambda frame: frame.assign(n=frame["n"].astype("Int64").mask(frame.index == 3)), "row 3 lacks an input"),
        (lambda frame: frame.assign(word=1), "takes strings"),
        (lambda frame: frame.head(0), "no rows"),
        (lambda frame: frame.assign(event_time="noon"), "must hold a moment"),
    ],
)
def test_a_sample_that_cannot_be_judged(tested: Path, spoil: object, why: str) -> None:
    assert callable(spoil)
    frame: pd.DataFrame = spoil(versions.sample())
    frame.to_parquet(Folder(tested).sample)
    with pytest.raises(RegressionFailed, match=why):
        regression.run(tested)


def test_a_row_that_would_be_a_dead_letter_is_no_row_of_a_sample() -> None:
    with pytest.raises(RegressionFailed, match="row 1 has no finite score; take it out"):
        sample.score(line(), pd.DataFrame({"x": [1.0, 1e308], "label": [2.0, 2.0]}), (), "it")


def test_labels_may_be_names_places_or_flags(tested: Path) -> None:
    frame = versions.sample()
    values = []
    for labels in (frame["label"], frame["label"] == "yes", (frame["label"] == "yes").astype(int)):
        table = sample.score(versions.model(), frame.assign(label=labels), (), "it")
        values.append(table.labels.tolist())
    assert values[0] == values[1] == values[2]


def test_bytes_that_are_no_parquet(tested: Path) -> None:
    Folder(tested).sample.write_bytes(b"PAR1 or so")
    with pytest.raises(RegressionFailed, match="cannot be read"):
        regression.run(tested)


# -- what is missing -----------------------------------------------------------------------------------------------


def test_a_version_without_cases_says_what_to_do(tested: Path) -> None:
    Folder(tested).sample.unlink()
    for run in (regression.run, regression.run_cases):
        with pytest.raises(RegressionFailed, match=r"has no labelled sample: write .*sample\.parquet"):
            run(tested)
    Folder(tested).contrived.unlink()
    with pytest.raises(RegressionFailed, match=r"has no cases: write .*contrived\.json"):
        regression.run_cases(tested)


def test_an_empty_list_of_cases_is_none(tmp_path: Path) -> None:
    with pytest.raises(RegressionFailed, match="has no case: write at least one"):
        regression.run_cases(versions.directory(tmp_path, []))


def test_files_that_are_no_cases(tmp_path: Path) -> None:
    directory = versions.directory(tmp_path)
    Folder(directory).contrived.write_text("{}")
    with pytest.raises(RegressionFailed, match=r"contrived\.json: the field 'cases' is missing"):
        regression.run_cases(directory)
    (directory / "tensors.safetensors").write_bytes(b"")
    with pytest.raises(VersionRefused):
        regression.run_cases(directory)
