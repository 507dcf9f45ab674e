"""Verdicts go to JSON and come back, and requirements keep their names."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.judge.verdicts import Segment, Subject, Verdict, identity
from scorer.quality.metrics import CONTINUOUSLY, METRICS, ONCE
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement, Segments

VERDICT = Verdict(
    "accuracy//month/continuously", "accuracy", "accuracy", "month", 516, 1, 2, "champion", "v1", None, CONTINUOUSLY,
    "PASS", 0.8, 0.0, 0.7, 0.9, 1000, 1200, 0.68, None, True, True, 0, "", 3,
)  # fmt: skip
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(
    NUMBERS, st.one_of(st.none(), NUMBERS), st.one_of(NUMBERS, st.just(-math.inf)), st.text(),
    st.one_of(st.none(), st.tuples(st.text(), st.text())),
)  # fmt: skip
def test_a_verdict_comes_back_from_json(
    value: float, error: float | None, low: float, reason: str, segment: Segment | None
) -> None:
    verdict = replace(
        VERDICT, value=value, error=error, low=low, high=math.inf, reason=reason, segment=segment, level=value
    )
    text = verdict.to_json()
    assert Verdict.of_json(text) == verdict
    assert Verdict.of_json(text).to_json() == text
    assert json.loads(text)["high"] is None


def test_a_verdict_is_known_by_its_subject() -> None:
    segment = ("origin", "JFK")
    told = replace(VERDICT, segment=segment, role="challenger").subject
    assert told == Subject("accuracy//month/continuously", 516, "challenger", "v1", segment)


def test_a_requirement_keeps_its_name_while_its_bounds_change() -> None:
    wanted = Requirement(
        METRICS["precision"], Parameters(threshold=0.4, klass="late"), "week", ONCE, 500, minimum=0.4,
        segments=(Segments("origin", ()), Segments("carrier", ("AA", "UA"))), season=(9, 10),
    )  # fmt: skip
    assert identity(wanted) == 'precision/threshold=0.4,class="late"/week/once/carrier=["AA","UA"];origin=*/9,10'
    assert identity(replace(wanted, minimum=0.5, least_labels=7, guarded=False)) == identity(wanted)
    plain = replace(wanted, parameters=Parameters(), segments=(), season=())
    assert identity(plain) == "precision//week/once"
    others = [
        plain,
        wanted,
        replace(wanted, window="day"),
        replace(wanted, judged=CONTINUOUSLY),
        replace(wanted, season=()),
        replace(wanted, segments=()),
        replace(wanted, parameters=Parameters(threshold=0.4)),
        replace(wanted, metric=METRICS["recall"]),
    ]
    assert len({identity(one) for one in others}) == len(others)
