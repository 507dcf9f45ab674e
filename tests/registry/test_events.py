"""The queue of events between the watching thread and the loop."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from scorer.registry.events import EventQueue, Outcome, PointerEvent


def event(number: int, outcome: Outcome = "applied") -> PointerEvent:
    return PointerEvent(float(number), outcome, "champion", f"v{number}", None, None, float(number))


def test_events_are_taken_once_and_in_order() -> None:
    queue = EventQueue()
    for number in range(3):
        queue.put(event(number))
    assert queue.take() == [event(0), event(1), event(2)]
    assert queue.take() == []


@given(st.lists(st.sampled_from(get_args(Outcome)), max_size=40), st.integers(1, 10))
def test_applied_events_are_dropped_last_and_drops_are_counted(outcomes: list[Outcome], capacity: int) -> None:
    queue = EventQueue(capacity)
    events = [event(number, outcome) for number, outcome in enumerate(outcomes)]
    for each in events:
        queue.put(each)
    assert queue.dropped == max(0, len(events) - capacity)
    assert len(queue) == min(len(events), capacity)
    left = queue.take()
    assert left == [each for each in events if each in left]
    applied = [each for each in events if each.event == "applied"]
    assert [each for each in left if each.event == "applied"] == applied[-capacity:][: len(applied)]
