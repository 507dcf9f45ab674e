"""The brake on dead letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer.dead_letter_share import WINDOW, DeadLetterShare
from scorer.errors import TooManyDeadLetters


def test_more_than_the_share_stops_before_the_commit() -> None:
    share = DeadLetterShare(0.5)
    share.add(5_000, 5_000, "x")
    with pytest.raises(TooManyDeadLetters, match="5001 of the last 10000 .* broken frame"):
        share.add(1, 1, "broken frame")


def test_old_dead_letters_leave_the_window() -> None:
    share = DeadLetterShare(0.5)
    for _ in range(10):
        share.add(4_000, 4_000, "x")
        share.committed()
        for _ in range(10):
            share.add(1_000, 0, "")
            share.committed()


def test_an_aborted_batch_does_not_count_twice() -> None:
    share = DeadLetterShare(0.5)
    for _ in range(100):
        share.add(4_000, 4_000, "x")
        share.aborted()


def test_a_limit_of_one_never_stops() -> None:
    share = DeadLetterShare(1.0)
    for _ in range(5):
        share.add(30_000, 30_000, "x")
        share.committed()


@given(st.lists(st.tuples(st.integers(0, 3_000), st.floats(0, 1)), max_size=60), st.floats(0.01, 0.99))
def test_it_stops_when_and_only_when_the_window_is_above_the_limit(
    batches: list[tuple[int, float]], limit: float
) -> None:
    share = DeadLetterShare(limit)
    seen: list[tuple[int, int]] = []
    for events, fraction in batches:
        dead = int(events * fraction)
        seen.append((events, dead))
        # The reference: whole batches from the right until the window is full.
        total = bad = 0
        for e, d in reversed(seen):
            if total >= WINDOW:
                break
            total, bad = total + e, bad + d
        try:
            share.add(events, dead, "x")
            stopped = False
        except TooManyDeadLetters:
            stopped = True
        assert stopped == (bad > limit * max(total, WINDOW))
        share.committed()
