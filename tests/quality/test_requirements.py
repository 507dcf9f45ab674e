"""What a requirements file may say, and how its mistakes are named."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from scorer.errors import SettingsError
from scorer.quality.metrics import CONTINUOUSLY, METRICS, ONCE
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Baseline, Segments, check
from scorer.quality.requirements import parse
from tests.quality.listing import markdown

GOOD = """
[[requirement]]
metric = "accuracy"
minimum = 0.7
window = "month"
judged = "continuously"
least_labels = 2
"""

FULL = """
[[requirement]]
metric = "precision"
class = "late"
threshold = 0.4
minimum = 0.5
maximum = 0.9
window = "week"
judged = "once per closed window"
least_labels = 1000
segments = { origin = "each", carrier = ["AA", "UA", "AA"], dest = "BOS" }
season = [12, 1, 2]
guarded = false

[requirement.baseline]
value = 0.61
worst = 0.55
worst_window = "2013-12"
margin = 0.1
labels = 24_000
version = "v1"
data = "corpus.csv"
sha256 = "0f"
date = 2013-12-31
"""

NEEDED: dict[str, object] = {
    "clip": 0.001,
    "bins": 10,
    "quantile": 0.9,
    "costs": [[0, 1], [5, 0]],
    "group": "query",
    "within": 0.5,
}


def mistakes(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse(text, "the-file.toml")
    head, *lines = str(caught.value).splitlines()
    assert head.startswith("the-file.toml: ")
    return lines or [head]


def written(metric: str, **more: object) -> str:
    """An entry for ``metric`` with the parameters that it needs."""
    one = METRICS[metric]
    values: dict[str, object] = {"metric": metric, "window": "day", "judged": ONCE, "least_labels": 1}
    values |= {key: NEEDED[key] for key in one.needs} | more
    if not {"minimum", "maximum"} & set(values):
        values["minimum" if one.better == "larger" else "maximum"] = 0.9
    return "[[requirement]]\n" + "".join(f"{key} = {value!r}\n" for key, value in values.items() if value is not None)


def test_all_that_can_be_said() -> None:
    [one] = parse(FULL, "f")
    assert (one.metric.name, one.parameters) == ("precision", Parameters(threshold=0.4, klass="late"))
    assert (one.minimum, one.maximum, one.window, one.judged, one.least_labels) == (0.5, 0.9, "week", ONCE, 1000)
    assert one.segments == (Segments("origin", ()), Segments("carrier", ("AA", "UA")), Segments("dest", ("BOS",)))
    assert (one.season, one.guarded) == ((1, 2, 12), False)
    assert one.baseline == Baseline(
        0.61,
        "v1",
        "corpus.csv",
        "2013-12-31",
        labels=24_000,
        sha256="0f",
        worst=0.55,
        worst_window="2013-12",
        margin=0.1,
    )
    assert (one.name, one.bounds) == ("precision (threshold 0.4, class late)", "at least 0.5 and at most 0.9")
    assert parse(FULL.replace("= 2013-12-31", '= "2013-12-31"'), "f") == (one,)
    [short] = parse(GOOD, "f")
    assert (short.segments, short.season, short.guarded, short.baseline) == ((), (), True, None)
    assert parse("", "f") == ()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("[[requirement]]", "[[requirement"), "is not TOML"),
        (("[[requirement]]", "[requirement]"), r"requirement: write each under .* \[\[requirement\]\]"),
        (("[[requirement]]", "x = 1\n[[requirement]]"), "x: is no key; requirements stand under"),
        (("minimum", "minimun"), r"line 4, .*: minimun: is no key \(did you mean 'minimum'\?\)"),
        (("accuracy", "acuracy"), r"line 3, requirement 1 \(acuracy\): metric: .*did you mean 'accuracy'"),
        (('"accuracy"', "3"), "line 3, requirement 1: metric: 3 must be a text"),
        (('metric = "accuracy"\n', ""), "line 2, requirement 1: metric: is missing"),
        (("month", "year"), "line 5, .*window: 'year' must be one of 'hour', 'day', 'week', 'month'"),
        (("minimum = 0.7\n", ""), "give a minimum, a maximum or both"),
        (("minimum = 0.7", "maximum = 0.7"), "maximum: larger is better for accuracy: give a minimum"),
        (("0.7", "nan"), "minimum: nan must be a number"),
        (("0.7", "true"), "minimum: True must be a number"),
        (("0.7", "1.2"), "minimum: accuracy lies between 0 and 1, and 1.2 does not"),
        (("0.7", "70"), "and 70 does not; for 70 % write 0.7$"),
        (("0.7", "1" + "0" * 400), "minimum: .*must be a number"),
        (("0.7", "0x" + "f" * 5000), "minimum: a number so large must be a number"),
        (("0.7", "9" * 5000), "^the-file.toml: a number has thousands of digits"),
        (("[[requirement]]", "x = " + "[" * 100_000), "nested too deeply"),
        (("= 2", "= 0x" + "f" * 5000), "least_labels: a number so large must be .* at least 1 and at most 9,007,"),
        (
            ("accuracy", 'slow_share"\nwithin = 0.4\nx = "'),
            r"line 4, .*within: latency is counted in bins; .* 0.2, 0.5, 1",
        ),
        (("accuracy", 'slow_share"\nx = "'), "within: is needed: how many seconds after its event"),
        (("accuracy", 'dead_letter_share"\nsegments = { origin = "each" }\nx = "'), "segments: dead_letter_share is"),
        (("accuracy", 'dead_letter_share"\nx = "'), "judged: dead_letter_share has no bounds that hold"),
        (("0.7", "0.7\nmaximum = 0.6"), "minimum: 0.7 is above the maximum, 0.6"),
        (("= 2", "= 0"), "least_labels: 0 must be a whole number of at least 1"),
        (("= 2", "= 2.0"), "least_labels: 2.0 must be a whole number"),
        (("least_labels = 2", ""), "least_labels: is missing"),
        (('judged = "continuously"', ""), "judged: is missing; it must be one of 'continuously', 'once per"),
        (("least", "clip = 0.1\nleast"), "clip: has no meaning for accuracy; remove it"),
        (("least", "threshold = inf\nleast"), "threshold: inf must be a number"),
        (("least", "guarded = 1\nleast"), "guarded: 1 must be true or false"),
        (("least", "season = [0]\nleast"), "season: must be a list of months"),
        (("least", "season = []\nleast"), "season: must be a list of months"),
        (("least", "season = [true]\nleast"), "season: must be a list of months"),
        (("least", "segments = { a = [] }\nleast"), 'segments: a must be "each", a value as text, or a list'),
        (("least", "segments = {}\nleast"), "segments: must be a table of fields"),
        (("least", 'segments = "a"\nleast'), "segments: must be a table of fields"),
        (("least", "baseline = 3\nleast"), "baseline: 3 must be a table"),
    ],
)
def test_mistakes_are_named(change: tuple[str, str], complaint: str) -> None:
    found = mistakes(GOOD.replace(*change))
    assert any(re.search(complaint, line) for line in found), found


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("value = 0.61", "vale = 0.61"), "line 16, .*baseline.vale: is no key .did you mean 'value'"),
        (("value = 0.61\n", ""), "baseline.value: is missing"),
        (("value = 0.61", "value = 61"), "line 16, .*baseline.value: precision lies between 0 and 1.* write 0.61"),
        (("worst = 0.55", "worst = 55.0"), "baseline.worst: precision lies"),
        (("= 2013-12-31", '= "2013-02-30"'), "baseline.date: '2013-02-30' must be a day such as"),
        (("= 2013-12-31", "= 2013-12-31T10:00:00"), "baseline.date: .* must be a day such as"),
        (("= 2013-12-31", "= 0x" + "f" * 5000), "baseline.date: a number so large must be a day such as"),
        (("labels = 24_000", "labels = 0"), "baseline.labels: 0 must be a whole number"),
        (('version = "v1"', 'version = " "'), "baseline.version: ' ' must be a text"),
    ],
)
def test_mistakes_in_a_baseline_are_named(change: tuple[str, str], complaint: str) -> None:
    found = mistakes(FULL.replace(*change))
    assert any(re.search(complaint, line) for line in found), found


def test_all_mistakes_are_named_at_once() -> None:
    found = mistakes(FULL.replace("0.4", '"x"').replace('"week"', "7") + GOOD.replace("0.7", "7") + "[other]\n")
    assert [re.findall(r"requirement \d|other", line)[0] for line in found] == [
        "other", "requirement 1", "requirement 1", "requirement 2",
    ]  # fmt: skip


def test_lines_are_left_out_where_they_would_be_wrong() -> None:
    inline = 'requirement = [{ metric = "accuracy", minimum = 7, window = "day", judged = "x", least_labels = 1 }]'
    assert all(line.startswith("  requirement 1 (accuracy): ") for line in mistakes(inline))


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_refused_in_a_mode_without_a_valid_interval(name: str) -> None:
    one = METRICS[name]
    parse(written(name), "f")
    bounded: dict[str, object] = dict.fromkeys(one.continuous_needs, 60.0)
    if one.continuous is None:
        assert (
            "no bounds that hold however often one looks" in mistakes(written(name, judged=CONTINUOUSLY, **bounded))[0]
        )
    else:
        parse(written(name, judged=CONTINUOUSLY, **bounded), "f")


def test_these_have_bounds_that_hold_however_often_one_looks() -> None:
    assert {name for name, one in METRICS.items() if one.continuous} == {
        "accuracy", "precision", "recall", "false_positive_rate", "brier", "log_loss", "cost", "mae", "auc",
    }  # fmt: skip
    [complaint] = mistakes(written("mae", judged=CONTINUOUSLY))
    assert "bound: is needed to judge mae continuously" in complaint


@pytest.mark.parametrize("name", [name for name, one in METRICS.items() if one.needs])
def test_a_parameter_that_is_needed(name: str) -> None:
    [key] = METRICS[name].needs
    assert f"{key}: is needed" in mistakes(written(name, **{key: None}))[0]


@pytest.mark.parametrize(
    ("metric", "values", "complaint"),
    [
        ("log_loss", {"clip": 0.5}, "clip: 0.5 must be a number above 0 and below 0.5"),
        ("log_loss", {"maximum": 0.0001}, "log_loss lies between 0.0010005 and 6.90776"),
        ("cost", {"costs": [[0, 1]]}, "costs: must be a square"),
        ("cost", {"costs": [[0, 1], [2, "x"]]}, "costs: must be a square"),
        ("cost", {"maximum": 5.5}, "cost lies between 0 and 5"),
        ("mae", {"bound": 10.0, "maximum": 11.0}, "mae lies between 0 and 10"),
        ("mae", {"bound": 0.0}, "bound: 0.0 must be a number above 0"),
        ("brier", {"maximum": 21.0}, "brier lies between 0 and 2, and 21 does not; for 21 % write 0.21"),
        ("brier", {"minimum": 0.1}, "minimum: smaller is better for brier: give a maximum"),
        ("quantile_loss", {"quantile": 90}, "quantile: 90 must be a number above 0 and below 1"),
        ("calibration_error", {"bins": 1}, "bins: 1 must be a whole number of at least 2"),
        ("calibration_error", {"bins": 10**12}, "must be a whole number of at least 2 and at most 10,000"),
        ("r2", {"minimum": 1.5}, "r2 lies between -inf and 1"),
    ],
)
def test_parameters_and_ranges(metric: str, values: dict[str, object], complaint: str) -> None:
    assert complaint in "\n".join(mistakes(written(metric, **values)))


def test_two_requirements_on_the_same_thing() -> None:
    again = GOOD.replace("0.7", "0.8")
    assert "asks the same as requirement 1" in mistakes(GOOD + again)[0]
    parse(GOOD + again + "season = [6]\n", "f")
    parse(GOOD + again + 'segments = { origin = "EWR" }\n', "f")


@pytest.mark.parametrize(
    ("text", "kind", "classes", "scale", "complaint"),
    [
        (written("brier", maximum=1.5), "binary", "ab", "probability", "it lies between 0 and 1; 1.5 does not"),
        (written("brier"), "regression", "", "probability", "binary or multiclass outputs; the model's are regression"),
        (written("brier"), "binary", "ab", "margin", "it is for probabilities; the model's scores are margins"),
        (written("mae"), "binary", "ab", "probability", "regression outputs; the model's are binary"),
        (written("recall"), "multiclass", "abc", "probability", "it needs a class, because .* 'a', 'b', 'c'"),
        (written("recall", **{"class": "x"}), "binary", "ab", "probability", "class 'x' is none of the model's"),
        (written("accuracy", threshold=0.3), "multiclass", "abc", "probability", "decides between two classes"),
        (written("recall"), "regression", "", "probability", "for a score without classes it needs a threshold"),
        (written("cost"), "multiclass", "abc", "probability", "costs has 2 rows; the model has 3 classes"),
    ],
)
def test_what_cannot_be_asked_of_a_model(text: str, kind: str, classes: str, scale: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as caught:
        check(parse(text, "f"), "the-file.toml", kind, tuple(classes), scale)  # type: ignore[arg-type]
    assert "the-file.toml" in str(caught.value)


def test_what_can_be_asked_of_a_model() -> None:
    check(parse(FULL + written("brier") + written("auc"), "f"), "f", "binary", ("on time", "late"))
    check(parse(written("accuracy") + written("auc"), "f"), "f", "binary", ("a", "b"), "margin")
    check(parse(written("recall", **{"class": "c"}), "f"), "f", "multiclass", ("a", "b", "c"))
    anomaly = written("precision", threshold=3.5) + written("auc") + written("cost", threshold=2)
    check(parse(anomaly, "f"), "f", "regression", ())


@pytest.mark.parametrize("file", sorted(Path("coefficients").glob("*/requirements.toml")), ids=str)
def test_the_requirements_of_our_own_models(file: Path) -> None:
    assert parse(file.read_text("utf-8"), str(file))


def test_the_document_shows_the_form_and_lists_every_metric() -> None:
    text = Path("docs/requirements.md").read_text("utf-8")
    made = markdown()
    assert f"\n{made}" in text, f"put into docs/requirements.md:\n{made}"
    [shown] = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert parse(shown, "docs/requirements.md")
    listed = re.search(r"there are (.*)", mistakes(GOOD + "x = 1\n")[0])
    assert listed is not None
    for key in (*listed[1].split(", "), *(field.name for field in fields(Baseline))):
        assert f"`{key}`" in text, key
