"""First requirements, their text, and what one file requires less than another."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorer.quality.baseline import Source, propose
from scorer.quality.judge import judge
from scorer.quality.metrics import METRICS, ONCE
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Baseline, Requirement, Segments, check
from scorer.quality.requirements import parse
from scorer.quality.table import Kind, Scale, Table
from scorer.quality.windows import name_of, window_of
from scorer.quality.written import loosened, to_toml
from tests.quality.test_judge import micros
from tests.quality.test_requirements import FULL, GOOD, written

SOURCE = Source("v1", "corpus.csv", "0f", "2013-12-31")


def made(kind: Kind = "binary", scale: Scale = "probability", rows: int = 4_000, seed: int = 5) -> Table:
    """A model that is well calibrated, and worse in February."""
    rng = np.random.default_rng(seed)
    months = rng.integers(0, 3, rows)
    time = np.array(["2013-01", "2013-02", "2013-03"], "datetime64[us]").astype(np.int64)[months]
    if kind == "regression":
        labels = rng.normal(size=rows)
        return Table(kind, (), (labels + rng.normal(size=rows) / 3)[None], labels, np.full(rows, -1), time)
    classes = ("a", "b") if kind == "binary" else ("a", "b", "c")
    weights = rng.dirichlet(np.full(len(classes), 0.3), rows).T
    labels = (rng.random(rows) > weights.cumsum(axis=0)).sum(axis=0).clip(0, len(classes) - 1)
    labels = np.where((months == 1) & (rng.random(rows) < 0.1), 0, labels).astype(float)
    scores = weights[1:] if kind == "binary" else weights
    predicted = weights.argmax(axis=0)
    return Table(kind, classes, scores, labels, predicted, time, scale=scale)


@pytest.mark.parametrize(
    ("kind", "scale", "names"),
    [
        ("binary", "probability", ["accuracy", "precision", "recall", "auc", "brier", "log_loss"]),
        ("binary", "margin", ["accuracy", "precision", "recall", "auc"]),
        ("multiclass", "probability", ["accuracy", "balanced_accuracy", "brier", "log_loss"]),
        ("multiclass", "margin", ["accuracy", "balanced_accuracy"]),
        ("regression", "probability", ["mae", "rmse", "r2"]),
    ],
)
def test_what_was_reached_is_required_with_a_margin(kind: Kind, scale: Scale, names: list[str]) -> None:
    table = made(kind, scale)
    found = propose(table, SOURCE, "month", 500, 0.1).requirements
    assert [one.metric.name for one in found] == names
    check(found, "f", table.kind, table.classes, table.scale)
    assert {verdict.verdict for verdict in judge(found, table)} == {"PASS"}
    assert table.time is not None
    months = window_of(table.time, "month")
    for one in found:
        base, bound = one.baseline, one.minimum if one.maximum is None else one.maximum
        assert base is not None
        assert base.worst is not None
        assert bound is not None
        values = {name_of(int(m), "month"): judge([one], table.take(months == m))[0].value for m in np.unique(months)}
        pick = min if one.metric.better == "larger" else max
        assert base.worst == values[str(base.worst_window)] == pick(value for value in values.values() if value)
        assert judge([one], table)[0].value == base.value
        off, most = abs(bound - one.metric.best), abs(base.worst - one.metric.best) * 1.1
        assert most <= off <= most + 0.0011 * max(1.0, abs(bound))
        assert (one.judged == ONCE) == (one.metric.continuous is None or one.metric.name in ("mae", "auc"))
    assert parse(to_toml(found, "Head\n\nand more."), "f") == found


def test_without_times_all_rows_set_the_bound() -> None:
    table = dataclasses.replace(made(), time=None)
    for one in propose(table, SOURCE, "month", 500, 0.1).requirements:
        assert one.baseline is not None
        assert (one.baseline.worst, one.baseline.worst_window) == (None, None)
    few = propose(made(), SOURCE, "month", 100_000, 0.1).requirements
    assert few[0].baseline is not None
    assert few[0].baseline.worst is None


def test_a_season_is_looked_at_alone() -> None:
    table = made()
    [first, *_] = propose(table, SOURCE, "month", 500, 0.1, (2,)).requirements
    assert first.season == (2,)
    assert first.baseline is not None
    assert table.months is not None
    assert first.baseline.labels == (table.months == 2).sum()
    assert first.baseline.worst == first.baseline.value


def test_what_cannot_be_required_is_said() -> None:
    table = made(rows=200)
    one_class = dataclasses.replace(table, labels=np.zeros(200), time=None)
    left = propose(one_class, SOURCE, "month", 50, 0.1).left_out
    assert left["auc"] == "it is undefined on the corpus: all labels are of one class"
    wide = propose(dataclasses.replace(table, time=None), SOURCE, "month", 50, 1e6)
    assert wide.requirements == ()
    assert "every model keeps 0" in wide.left_out["accuracy"]
    perfect = dataclasses.replace(table, labels=table.predicted.astype(float), time=None)
    [best, *_] = propose(perfect, SOURCE, "month", 50, 0.1).requirements
    assert best.minimum == 1.0


def test_windows_are_those_of_the_calendar() -> None:
    times = micros("2013-06-02T23:59:59.999999", "2013-06-03", "2012-02-29T11:30", "1969-12-31T23:59", "1969-12-29")
    named = {
        window: [name_of(int(number), window) for number in window_of(times, window)]
        for window in ("hour", "day", "week", "month")
    }
    assert named["hour"][:4] == ["2013-06-02T23", "2013-06-03T00", "2012-02-29T11", "1969-12-31T23"]
    assert named["day"] == ["2013-06-02", "2013-06-03", "2012-02-29", "1969-12-31", "1969-12-29"]
    assert named["week"] == [
        f"week of {day}" for day in ("2013-05-27", "2013-06-03", "2012-02-27", *["1969-12-29"] * 2)
    ]
    assert named["month"] == ["2013-06", "2013-06", "2012-02", "1969-12", "1969-12"]


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(str.strip)
shares = st.floats(0.0, 1.0)


@st.composite
def requirements(draw: st.DrawFn) -> Requirement:
    """Anything that a file can say about precision."""
    low, high = sorted([draw(shares), draw(shares)])
    segments = draw(st.dictionaries(texts, st.lists(texts, max_size=2, unique=True), max_size=2))
    return Requirement(
        METRICS["precision"],
        Parameters(draw(st.none() | st.floats(-9, 9)), draw(st.none() | texts)),
        draw(st.sampled_from(["hour", "week"])),
        draw(st.sampled_from(["continuously", ONCE])),
        draw(st.integers(1, 10**9)),
        low,
        draw(st.none() | st.just(high)),
        tuple(Segments(name, tuple(values)) for name, values in segments.items()),
        tuple(sorted(draw(st.sets(st.integers(1, 12))))),
        draw(st.booleans()),
        draw(
            st.none()
            | st.builds(
                Baseline,
                shares,
                texts,
                texts,
                st.dates().map(str),
                st.none() | st.integers(1, 10**6),
                st.none() | texts,
                st.none() | shares,
                st.none() | texts,
                st.none() | shares,
            )
        ),
    )


@settings(max_examples=100, deadline=None)
@given(requirements())
def test_what_is_written_is_read_back(one: Requirement) -> None:
    assert parse(to_toml([one], "# head\nmore"), "f") == (one,)


def test_other_parameters_are_read_back() -> None:
    for name in METRICS:
        [one] = parse(written(name), "f")
        assert parse(to_toml([one], ""), "f") == (one,)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({}, None),
        ({"minimum": 0.71}, None),
        ({"maximum": 0.99}, None),
        ({"least_labels": 1}, None),
        ({"minimum": 0.69}, "at least 0.7 becomes at least 0.69"),
        ({"minimum": None, "maximum": 0.9}, "at least 0.7 becomes at most 0.9"),
        ({"least_labels": 3}, "it takes 3 labels to decide anything, and took 2"),
        ({"judged": ONCE}, "it is no longer judged continuously"),
        ({"guarded": False}, "it is no longer guarded"),
        ({"window": "week"}, r"accuracy at least 0.7 (month) is dropped"),
        ({"season": (1,)}, r"is dropped"),
        ({"parameters": Parameters(threshold=0.1)}, r"is dropped"),
    ],
)
def test_what_is_required_less(changes: dict[str, object], complaint: str | None) -> None:
    [old] = parse(GOOD, "f")
    found = loosened([old], [dataclasses.replace(old, **changes)])  # type: ignore[arg-type]
    assert len(found) == (complaint is not None)
    assert complaint is None or complaint in found[0]


def test_a_ceiling_that_goes_up_is_looser_and_what_is_new_is_not() -> None:
    old, new = parse(GOOD + FULL, "f"), parse(FULL.replace("maximum = 0.9", "maximum = 0.95") + GOOD, "f")
    [one] = loosened(old, new)
    assert one.endswith("(week): at least 0.5 and at most 0.9 becomes at least 0.5 and at most 0.95")
    assert loosened([], old) == []
    assert len(loosened(old, [])) == 2
