"""The ratchet tightens by what was shown, and never loosens."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.judge.candidates.ratchet import tightened
from monitor.judge.floors import Floors, demands, stricter
from monitor.judge.verdicts import Verdict, identity
from scorer.quality.metrics import METRICS, ONCE
from scorer.quality.parameters import Parameters
from scorer.quality.requirement import Requirement
from tests.monitor.reports.test_requirements import verdict

ACCURACY = Requirement(METRICS["accuracy"], Parameters(), "day", ONCE, 20, minimum=0.6)
BRIER = Requirement(METRICS["brier"], Parameters(), "day", ONCE, 20, maximum=0.25)
FLOORS = Floors().meet([ACCURACY, BRIER], 1)
MARGINS = {"accuracy": 0.05, "brier": 0.01}


def of(asked: Requirement, day: int, low: float, high: float, said: str = "PASS", **more: object) -> Verdict:
    made = verdict(day, said, role="challenger", version="v2")
    return replace(made, requirement=identity(asked), low=low, high=high, **more)  # type: ignore[arg-type]


def bounds(*verdicts: Verdict, floors: Floors = FLOORS) -> tuple[float | None, float | None]:
    after = tightened(floors, verdicts, MARGINS, "v2", 9)
    return after.of[identity(ACCURACY)].requirement.minimum, after.of[identity(BRIER)].requirement.maximum


def test_what_was_shown_less_the_margin_is_required_now() -> None:
    after = tightened(FLOORS, [of(ACCURACY, 0, 0.71239, 0.8)], MARGINS, "v2", 9)
    floor = after.of[identity(ACCURACY)]
    assert (floor.requirement.minimum, floor.revision, floor.time, floor.actor) == (0.6623, 2, 9, "monitor")
    assert floor.why == "v2 has shown it, less 0.05"
    assert after.of[identity(BRIER)] == FLOORS.of[identity(BRIER)]
    assert bounds(of(BRIER, 0, 0.1, 0.20001)) == (0.6, 0.2101)


def test_only_the_newest_closed_window_that_passes_counts_and_its_worst_segment() -> None:
    old, new = of(ACCURACY, 0, 0.9, 1.0), of(ACCURACY, 1, 0.7, 0.8)
    assert bounds(old, new) == bounds(new, old) == (0.65, 0.25)
    assert bounds(old, replace(new, verdict="FAIL")) == (0.6, 0.25)
    assert bounds(old, replace(new, provisional=True)) == (0.85, 0.25)
    parts = [replace(new, segment=("origin", at), low=low) for at, low in (("JFK", 0.9), ("LGA", 0.7))]
    assert bounds(*parts) == bounds(*reversed(parts)) == (0.65, 0.25)
    assert bounds(parts[0], replace(parts[1], verdict="INSUFFICIENT")) == (0.6, 0.25)


def test_what_does_not_count_changes_nothing() -> None:
    good = of(ACCURACY, 0, 0.9, 1.0)
    for one in (replace(good, version="v1"), replace(good, role="champion"), replace(good, requirement="another"),
                replace(good, low=0.62), replace(good, low=float("-inf"))):  # fmt: skip
        assert tightened(FLOORS, [one], MARGINS, "v2", 9) == FLOORS
    assert tightened(FLOORS, [good], {}, "v2", 9) == FLOORS
    dropped = FLOORS.loosen(identity(ACCURACY), None, 2, "ann", "")
    assert tightened(dropped, [good], MARGINS, "v2", 9) == dropped
    free = Floors().meet([replace(ACCURACY, guarded=False)], 1)
    assert tightened(free, [good], MARGINS, "v2", 9) == free


@given(
    st.lists(
        st.builds(
            of,
            st.sampled_from([ACCURACY, BRIER]),
            st.integers(0, 5),
            st.floats(-1, 1) | st.just(float("-inf")),
            st.floats(-1, 1) | st.just(float("inf")),
            st.sampled_from(["PASS", "FAIL", "INSUFFICIENT"]),
            provisional=st.booleans(),
        ),
        max_size=8,
    ),
    st.floats(-0.5, 0.5),
)
def test_nothing_ever_loosens(verdicts: list[Verdict], margin: float) -> None:
    """Not even by a margin below 0, which asks for more than was shown."""
    after = tightened(FLOORS, verdicts, {"accuracy": margin, "brier": margin}, "v2", 9)
    for name, floor in FLOORS.of.items():
        now = after.of[name].requirement
        assert demands(stricter(now, floor.requirement)) == demands(now)
    assert tightened(after, verdicts, {"accuracy": margin, "brier": margin}, "v2", 9) == after
