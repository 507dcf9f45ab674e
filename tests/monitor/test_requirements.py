"""What a requirements file may say, and what it says of a figure."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.requirements import judge, parse
from scorer.errors import SettingsError

GOOD = '[[requirement]]\nmetric = "accuracy"\nwindow = "month"\nminimum = 0.7\nleast_labels = 2\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[requirement", "is not TOML"),
        (GOOD.replace("minimum", "minimun"), "minimun"),
        (GOOD.replace("accuracy", "auc"), "metric"),
        (GOOD.replace("month", "day"), "window"),
        (GOOD.replace("minimum = 0.7\n", ""), "give a minimum, a maximum or both"),
        (GOOD.replace("0.7", "nan"), "minimum"),
        (GOOD.replace("= 2", "= 0"), "least_labels"),
        ("[requirements]\n", "requirements"),
    ],
)
def test_mistakes_are_named(text: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as caught:
        parse(text, "the-file.toml")
    assert "the-file.toml" in str(caught.value)


def test_bounds_are_inclusive() -> None:
    [floor] = parse(GOOD, "f")
    assert [judge(floor, value, 2).verdict for value in (0.7, 0.6999)] == ["PASS", "FAIL"]
    [ceiling] = parse(GOOD.replace("minimum", "maximum"), "f")
    assert [judge(ceiling, value, 2).verdict for value in (0.7, 0.7001)] == ["PASS", "FAIL"]
    [both] = parse(GOOD + "maximum = 0.9\n", "f")
    assert [judge(both, value, 2).verdict for value in (0.6, 0.8, 0.95)] == ["FAIL", "PASS", "FAIL"]
    assert both.bounds == "at least 0.7 and at most 0.9"


def test_few_labels_decide_nothing() -> None:
    [floor] = parse(GOOD, "f")
    assert judge(floor, 0.1, 1).verdict == "INSUFFICIENT"
    assert judge(floor, None, 0).verdict == "INSUFFICIENT"


def test_no_requirements() -> None:
    assert parse("", "f") == ()


@pytest.mark.parametrize("file", sorted(Path("coefficients").glob("*/requirements.toml")), ids=str)
def test_the_requirements_of_our_own_models(file: Path) -> None:
    assert parse(file.read_text("utf-8"), str(file))
