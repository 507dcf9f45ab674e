"""The file as it would be if it said what is in force."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.judge.floors import demands
from monitor.judge.proposal import proposed
from monitor.judge.verdicts import identity
from scorer.quality.requirement import Requirement
from scorer.quality.requirements import parse

FILE = """# What flights need.

[[requirement]]
metric = "accuracy"
minimum = 0.68   # of all
window = "month"
judged = "continuously"
least_labels = 10_000

[requirement.baseline]
value = 0.7
version = "v1"
data = "d"
date = 2026-01-02

# The one of summer.
[[requirement]]
metric = "bias"
minimum = -0.5
maximum = 0.5
window = "day"
judged = "once per closed window"
least_labels = 5
guarded = false
"""


def written(text: str) -> tuple[Requirement, ...]:
    return parse(text, "requirements.toml")


def test_only_the_bounds_change() -> None:
    accuracy, bias = written(FILE)
    wanted = [replace(accuracy, minimum=0.71), replace(bias, maximum=0.25, guarded=True)]
    assert proposed(FILE, "f", wanted) == (
        FILE.replace("0.68 ", "0.71 ").replace("maximum = 0.5", "maximum = 0.25").replace("= false", "= true")
    )
    assert proposed(FILE, "f", [accuracy, bias]) == FILE


def test_what_the_file_does_not_have_is_added() -> None:
    accuracy, bias = written(FILE)
    text = proposed(FILE.split("# The one", maxsplit=1)[0], "f", [accuracy, bias])
    assert text.startswith(FILE.split("# The one", maxsplit=1)[0])
    assert written(text) == (accuracy, bias)


def test_a_file_that_is_written_otherwise_is_written_anew() -> None:
    entry = 'metric = "accuracy", minimum = 0.6, window = "day", judged = "continuously", least_labels = 1'
    text = f"# Why.\nrequirement = [{{{entry}}}]\n"
    [one] = written(text)
    found = proposed(text, "f", [replace(one, minimum=0.7)])
    assert found.startswith("# Why.\n")
    assert written(found) == (replace(one, minimum=0.7),)


@given(st.floats(0.0, 1.0), st.integers(1, 10_000), st.booleans(), st.floats(-9.0, 0.0), st.floats(0.0, 9.0))
def test_it_says_what_is_in_force(minimum: float, least: int, guarded: bool, low: float, high: float) -> None:
    accuracy, bias = written(FILE)
    wanted = [
        replace(accuracy, minimum=minimum, least_labels=least),
        replace(bias, minimum=low, maximum=high, guarded=guarded),
    ]
    found = {identity(one): demands(one) for one in written(proposed(FILE, "f", wanted))}
    assert found == {identity(one): demands(one) for one in wanted}
