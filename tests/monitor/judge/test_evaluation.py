"""Holm by nested intervals is Holm by p-values."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.judge.evaluation import Asked, evaluate
from monitor.judge.verdicts import Subject
from monitor.stats import fixed
from monitor.stats.buckets import Bucket, Buckets, Key
from monitor.stats.closed import judge
from monitor.stats.layout import Layout
from scorer.quality.judge import Judgement
from scorer.quality.requirement import Requirement
from scorer.quality.table import Table
from tests.monitor.judge.world import requirement

ALPHA = 0.05
CLASSES = ("no", "yes")


def bucket_of(rng: np.random.Generator, n: int, chance: float, layout: Layout) -> Bucket:
    right = rng.random(n) < chance
    labels = rng.integers(0, 2, n)
    score = np.where(labels == 1, 0.8, 0.2) * rng.beta(5.0, 1.0, n)
    table = Table("binary", CLASSES, score[None], labels.astype(float), np.where(right, labels, 1 - labels))
    buckets, key = Buckets(layout), Key(0, "v", "champion")
    buckets.add([key], np.zeros((1, n), np.int64), table)
    return buckets.kept.get(key, Bucket.empty(layout))


def p_value(one: Asked, layout: Layout, wanted: Judgement) -> float:
    """The greatest lower bound of the levels at which the interval decides so; 1 where none below 1 does."""
    low, high = 0.0, 1.0 - 1e-9
    if judge(one.bucket, layout, one.requirement, high).verdict != wanted:
        return 1.0
    for _ in range(80):
        middle = (low + high) / 2.0
        if middle <= 1e-12 or judge(one.bucket, layout, one.requirement, middle).verdict == wanted:
            high = middle
        else:
            low = middle
    return high


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 9))
def test_the_steps_are_those_of_holm(seed: int, several: int) -> None:
    rng = np.random.default_rng(seed)
    wanted: list[Requirement] = [
        requirement("accuracy", minimum=0.8, maximum=None if k % 2 else 0.95)
        if k % 3
        else requirement("brier", maximum=0.3)
        for k in range(several)
    ]
    layout = Layout.of(wanted, "binary", CLASSES, "probability")
    asked = {
        Subject(f"{k}", 0, "champion", "v", None): Asked(
            one, bucket_of(rng, int(rng.integers(5, 400)), float(rng.uniform(0.6, 1.0)), layout)
        )
        for k, one in enumerate(wanted)
    }
    found = evaluate(asked, layout, ALPHA)
    assert found.keys() == asked.keys()
    tested = {key: one for key, one in asked.items() if one.bucket.n >= 20}
    # Of a range, each bound is a hypothesis; only one of the two can be crossed.
    failed = {(key, "crossed"): p_value(one, layout, "FAIL") for key, one in tested.items()}
    failed |= {(key, "other"): 1.0 for key, one in tested.items() if one.bounds == 2}
    passed = {key: p_value(one, layout, "PASS") for key, one in tested.items()}
    fails = {key for (key, _), rejected in fixed.holm(failed, ALPHA).items() if rejected}
    passes = {key for key, rejected in fixed.holm(passed, ALPHA).items() if rejected}
    assert {key for key, one in found.items() if one.verdict == "FAIL"} == fails
    assert {key for key, one in found.items() if one.verdict == "PASS"} == passes


def test_many_requirements_widen_an_interval_and_those_decided_narrow_it() -> None:
    rng = np.random.default_rng(3)
    asked_of = requirement("accuracy", minimum=0.8)
    layout = Layout.of([asked_of], "binary", CLASSES, "probability")
    near = Asked(asked_of, bucket_of(rng, 300, 0.76, layout))
    sure = Asked(asked_of, bucket_of(rng, 300, 0.2, layout))
    alone = evaluate({subject(0): near}, layout, ALPHA)[subject(0)]
    among = evaluate({subject(k): near for k in range(10)}, layout, ALPHA)[subject(0)]
    beside = evaluate({subject(0): near, **{subject(k): sure for k in range(1, 10)}}, layout, ALPHA)[subject(0)]
    assert among.low < alone.low <= alone.high < among.high
    assert (beside.verdict, alone.verdict) == ("INSUFFICIENT", "INSUFFICIENT")
    # Nine are FAIL, so one bound is left to FAIL; ten may still PASS, and the wider of the two is shown.
    assert (beside.low, beside.high) == (among.low, among.high)


def test_false_verdicts_are_as_rare_as_promised() -> None:
    rng = np.random.default_rng(4)
    asked_of = requirement("accuracy", minimum=0.8)
    layout = Layout.of([asked_of], "binary", CLASSES, "probability")
    wrong = 0
    for _ in range(200):
        asked = {subject(k): Asked(asked_of, bucket_of(rng, 200, 0.8, layout)) for k in range(8)}
        wrong += any(one.verdict == "FAIL" for one in evaluate(asked, layout, ALPHA).values())
    assert wrong <= 12, "8 at the bound, each evaluation with a chance of 0.025 of any FAIL"


def subject(number: int) -> Subject:
    return Subject(f"{number}", 0, "champion", "v", None)


def test_as_many_labels_as_are_needed_are_enough() -> None:
    wanted = [requirement("accuracy", least=least, minimum=0.5) for least in (99, 100, 101)]
    layout = Layout.of(wanted, "binary", CLASSES, "probability")
    bucket = bucket_of(np.random.default_rng(1), 100, 0.95, layout)
    asked = {
        Subject(f"{one.least_labels}", 0, "champion", "v", None): Asked(one, bucket)
        for one in wanted
    }  # fmt: skip
    found = {key.requirement: one for key, one in evaluate(asked, layout, ALPHA).items()}
    assert {name: one.verdict for name, one in found.items()} == {"99": "PASS", "100": "PASS", "101": "INSUFFICIENT"}
    for one in wanted[:2]:
        assert found[str(one.least_labels)] == judge(bucket, layout, one, ALPHA / 2), "these two share the chance"
