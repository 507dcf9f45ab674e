"""What requirements say of tables."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scorer.errors import SchemaError
from scorer.quality.judge import Verdict, judge
from scorer.quality.metrics import OPERATIONAL
from scorer.quality.requirement import Requirement
from scorer.quality.requirements import parse
from scorer.quality.table import Table, Words, label_numbers
from tests.quality.test_requirements import GOOD, written


def words(*values: object) -> Words:
    return np.array([*values, None], object)[:-1]


def binary(scores: list[float], labels: list[float], **more: object) -> Table:
    """A table of two classes; NaN is no score, or no label."""
    score = np.array([scores], np.float64)
    predicted = (score[0] > 0.5).astype(np.int64)
    return Table("binary", ("no", "yes"), score, np.array(labels, np.float64), predicted, **more)  # type: ignore[arg-type]


def micros(*times: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(times, "datetime64[us]").astype(np.int64)


def one(text: str) -> Requirement:
    [found] = parse(text, "f")
    return found


def verdict(requirement: Requirement, table: Table) -> Verdict:
    [found] = judge([requirement], table)
    return found


NAN = float("nan")
FLOOR = one(GOOD)


def test_bounds_are_inclusive() -> None:
    table = binary([0.9] * 10, [1.0] * 7 + [0.0] * 3)
    found = verdict(FLOOR, table)
    assert (found.verdict, found.value, found.n, found.segment, found.metric) == ("PASS", 0.7, 10, None, "accuracy")
    assert found.text == "accuracy: 0.7 is at least 0.7, on 10 labels"
    below = verdict(FLOOR, binary([0.9] * 10, [1.0] * 6 + [0.0] * 4))
    assert (below.verdict, below.text) == ("FAIL", "accuracy: 0.6 is below the minimum, 0.7, on 10 labels")
    ceiling = one(written("brier", maximum=0.25))
    assert [verdict(ceiling, binary([score] * 2, [0.0] * 2)).verdict for score in (0.5, 0.51)] == ["PASS", "FAIL"]
    assert "0.2601 is above the maximum, 0.25" in verdict(ceiling, binary([0.51], [0.0])).text
    both = one(GOOD + "maximum = 0.9\n")
    right = [verdict(both, binary([0.9] * 10, [1.0] * k + [0.0] * (10 - k))).verdict for k in (6, 7, 9, 10)]
    assert right == ["FAIL", "PASS", "PASS", "FAIL"]


def test_few_labels_decide_nothing() -> None:
    table = binary([0.9, 0.9], [0.0, NAN])
    found = verdict(FLOOR, table)
    assert (found.verdict, found.value, found.n) == ("INSUFFICIENT", 0.0, 1)
    assert found.text == "accuracy: 1 labels decide nothing; it needs 2"
    assert [each.verdict for each in judge([FLOOR], table, least_labels=1)] == ["FAIL"]
    assert verdict(FLOOR, binary([], [])).verdict == "INSUFFICIENT"
    assert [each.verdict for each in judge([FLOOR], binary([], []), least_labels=1)] == ["INSUFFICIENT"]


def test_what_is_undefined_decides_nothing_and_says_why() -> None:
    found = verdict(one(written("auc")), binary([0.1, 0.9], [1.0, 1.0]))
    assert (found.verdict, found.value) == ("INSUFFICIENT", None)
    assert found.text == "auc: undefined: all labels are of one class"
    assert "no row was predicted" in verdict(one(written("precision")), binary([0.1, 0.2], [1.0, 0.0])).text


def test_invalid_scores_are_left_out_and_counted() -> None:
    table = binary([0.9, 0.9, NAN, float("inf"), NAN, 0.1], [1.0, 1.0, 1.0, 0.0, NAN, NAN])
    found = verdict(FLOOR, table)
    assert (found.verdict, found.value, found.n, found.invalid) == ("PASS", 1.0, 2, 2)
    assert found.text.endswith("; 2 more had no valid score")
    share = verdict(one(written("invalid_share", maximum=0.4)), table)
    assert (share.verdict, share.value, share.n, share.invalid) == ("FAIL", 0.5, 6, 0)
    assert share.text == "invalid_share: 0.5 is above the maximum, 0.4, on 6 rows"


def test_what_no_row_shows_is_left_to_the_monitor() -> None:
    for name in OPERATIONAL:
        found = verdict(one(written(name, maximum=0.5)), binary([0.9], [1.0]))
        assert (found.verdict, found.value, found.n, found.applies) == ("INSUFFICIENT", None, 0, False)
        assert found.text.endswith(": rows do not show it; the monitor counts it as events flow")
    assert verdict(FLOOR, binary([0.9], [1.0])).applies


def test_what_overflows_is_no_pass() -> None:
    table = Table("regression", (), np.array([[1e300, 1.0]]), np.array([1.0, 1.0]), np.array([-1, -1]))
    assert verdict(one(written("rmse", maximum=1e9)), table).verdict == "FAIL"
    table = Table("regression", (), np.array([[-1e300, 1e300]]), np.array([1e300, -1e300]), np.array([-1, -1]))
    assert verdict(one(written("r2")), table).text == "r2: undefined: it overflows"


def test_each_segment_is_judged_by_itself() -> None:
    origin = words("LGA", "EWR", "EWR", None, "LGA", "JFK")
    table = binary([0.9] * 6, [1.0, 1.0, 1.0, 0.0, 0.0, NAN], fields={"origin": origin})
    each = judge([one(GOOD + 'segments = { origin = "each" }\n')], table)
    assert [(found.segment, found.verdict, found.n) for found in each] == [
        (("origin", "EWR"), "PASS", 2),
        (("origin", "JFK"), "INSUFFICIENT", 0),
        (("origin", "LGA"), "FAIL", 2),
    ]
    assert each[2].text.startswith("accuracy where origin is 'LGA': 0.5 is below")
    named = judge([one(GOOD + 'segments = { origin = ["LGA", "PHL"], carrier = "each" }\n')], table)
    assert [(found.segment, found.verdict) for found in named] == [
        (("origin", "LGA"), "FAIL"),
        (("origin", "PHL"), "INSUFFICIENT"),
        (("carrier", ""), "INSUFFICIENT"),
    ]
    assert "no field 'carrier'" in named[2].text
    none = binary([0.9], [1.0], fields={"origin": words(None)})
    assert "no row has a value" in judge([one(GOOD + 'segments = { origin = "each" }\n')], none)[0].text


def test_a_season_takes_its_months_only() -> None:
    winter = one(GOOD + "season = [12, 1]\n")
    time = micros("2013-12-31T23:59:59.999999", "2014-01-01", "2014-02-01", "1969-12-01", "1960-02-29")
    table = binary([0.9] * 5, [1.0, 1.0, 0.0, 1.0, 0.0], time=time)
    found = verdict(winter, table)
    assert (found.verdict, found.n, found.value) == ("PASS", 3, 1.0)
    assert found.text.startswith("accuracy in January, December: 1 is at least")
    place = words("A", "A", "A", "A", "B")
    each = one(GOOD + 'season = [12, 1]\nsegments = { place = "each" }\n')
    [only] = judge([each], dataclasses.replace(table, fields={"place": place}))
    assert (only.segment, only.n, only.value) == (("place", "A"), 3, 1.0), "B has no row of these months"
    unknown = verdict(winter, binary([0.9], [1.0]))
    assert (unknown.verdict, unknown.n) == ("INSUFFICIENT", 0)
    assert "no event times" in unknown.text


def test_parameters_change_what_is_measured() -> None:
    table = binary([0.2, 0.4, 0.6], [0.0, 1.0, 1.0])
    assert verdict(one(written("recall")), table).value == 0.5
    assert verdict(one(written("recall", threshold=0.3)), table).value == 1.0
    assert verdict(one(written("recall", **{"class": "no"})), table).value == 1.0
    assert verdict(one(written("cost", costs=[[0, 1], [5, 0]], maximum=4)), table).value == pytest.approx(5 / 3)
    assert verdict(one(written("auc", **{"class": "no"})), table).value == 1.0
    loss = [verdict(one(written("calibration_error", **{"class": name})), table).value for name in ("no", "yes")]
    assert loss[0] == pytest.approx(loss[1])
    heavy = binary([0.9, 0.9], [1.0, 0.0], weights=np.array([3.0, 1.0]))
    assert verdict(FLOOR, heavy).value == 0.75


def test_scores_of_anomaly_have_a_threshold_and_labels_of_0_and_1() -> None:
    table = Table("regression", (), np.array([[1.0, 7.0, 9.0]]), np.array([0.0, 0.0, 1.0]), np.full(3, -1))
    assert verdict(one(written("precision", threshold=5)), table).value == 0.5
    assert verdict(one(written("auc")), table).value == 1.0
    odd = Table("regression", (), np.array([[1.0, 7.0]]), np.array([0.0, 2.0]), np.full(2, -1))
    assert "labels must be 0 and 1" in verdict(one(written("auc")), odd).text


def test_several_classes() -> None:
    scores = np.array([[0.6, 0.2, 0.1], [0.3, 0.5, 0.2], [0.1, 0.3, 0.7]])
    table = Table("multiclass", ("a", "b", "c"), scores, np.array([0.0, 2.0, 2.0]), scores.argmax(axis=0))
    assert verdict(one(written("accuracy")), table).value == pytest.approx(2 / 3)
    assert verdict(one(written("recall", **{"class": "c"})), table).value == 0.5
    assert verdict(one(written("auc", **{"class": "c"})), table).value == 1.0
    assert verdict(one(written("brier")), table).value == pytest.approx((0.26 + 0.78 + 0.14) / 3)
    assert verdict(one(written("log_loss", clip=1e-9)), table).value == pytest.approx(-np.log([0.6, 0.3, 0.7]).mean())


def test_groups_come_from_a_field() -> None:
    ndcg = one(written("ndcg"))
    labels, fields = np.array([0.0, 1.0, 1.0]), {"query": words("p", "p", "q")}
    table = Table("regression", (), np.array([[2.0, 1.0, 5.0]]), labels, np.full(3, -1), fields=fields)
    assert verdict(ndcg, table).value == pytest.approx((1 / np.log2(3) + 1) / 2)
    hours = Table("regression", (), np.array([[2.0, 1.0, 5.0]]), labels, np.full(3, -1), np.arange(3) * 2**32, fields)
    assert verdict(ndcg, hours).value == 1.0, "lists are of one hour"
    nowhere = {"query": words(None, None, "q")}
    unlisted = Table("regression", (), np.array([[2.0, 1.0, 5.0]]), labels, np.full(3, -1), fields=nowhere)
    assert verdict(ndcg, unlisted).value == 1.0, "a row without value is in no list"
    bare = Table("regression", (), np.array([[2.0]]), np.array([1.0]), np.array([-1]))
    assert "no field 'query'" in verdict(ndcg, bare).text


def test_tables_that_do_not_fit_together() -> None:
    with pytest.raises(ValueError, match="cannot have 2 scores"):
        Table("binary", ("a", "b"), np.zeros((2, 3)), np.zeros(3), np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="must have 3 rows"):
        Table("binary", ("a", "b"), np.zeros((1, 3)), np.zeros(2), np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="an index of one of 2 classes"):
        binary([0.1], [2.0])


@pytest.mark.parametrize(
    ("labels", "classes", "numbers"),
    [
        (words("late", "on time", None, NAN), ("on time", "late"), [1.0, 0.0, NAN, NAN]),
        (words(1, 0.0, True, np.int64(0)), ("on time", "late"), [1.0, 0.0, 1.0, 0.0]),
        (words(1, 2.0, "2"), ("1", "2"), [0.0, 1.0, 1.0]),
        (words(2, "c"), ("a", "b", "c"), [2.0, 2.0]),
    ],
)
def test_labels_of_classes(labels: Words, classes: tuple[str, ...], numbers: list[float]) -> None:
    kind = "binary" if len(classes) == 2 else "multiclass"
    np.testing.assert_array_equal(label_numbers(labels, kind, classes), numbers)  # type: ignore[arg-type]


def test_labels_that_mean_nothing() -> None:
    for label, classes in (
        ("lat", ("on time", "late")), (2, ("a", "b")), (0, ("1", "2")), (0.5, ("a", "b")), ([1], ("a", "b")),
        ({"a": 1}, ("a", "b")), (np.array([0.0]), ("a", "b")), (b"a", ("a", "b")),
    ):  # fmt: skip
        with pytest.raises(SchemaError, match=r"is none of the classes"):
            label_numbers(words(label), "binary", classes)
    np.testing.assert_array_equal(label_numbers(words(1, 2.5, None), "regression", ()), [1.0, 2.5, NAN])
    for number in ("3", float("inf"), [1.0], np.array([1.0, 2.0])):
        with pytest.raises(SchemaError, match="not a finite number"):
            label_numbers(words(number), "regression", ())
