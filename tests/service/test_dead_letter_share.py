"""The brake on dead letters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorer.errors import TooManyDeadLetters
from scorer.service.dead_letter_share import WINDOW, DeadLetterShare


def test_more_than_the_share_stops_before_the_commit() -> None:
    share = DeadLetterShare(0.5)
    share.add(9_000, [], "")
    share.add(5_000, range(5_000), "x")
    with pytest.raises(TooManyDeadLetters, match=r"5001 of the last 10000 .* broken frame"):
        share.add(1, [0], "broken frame")


def test_old_dead_letters_leave_the_window() -> None:
    share = DeadLetterShare(0.5)
    for _ in range(10):
        share.add(4_000, range(4_000), "x")
        share.committed()
        share.add(10_000, [], "")
        share.committed()


def test_an_aborted_batch_does_not_count_twice() -> None:
    share = DeadLetterShare(0.5)
    for _ in range(100):
        share.add(4_000, range(4_000), "x")
        share.aborted()


def test_a_limit_of_one_never_stops() -> None:
    share = DeadLetterShare(1.0)
    for _ in range(5):
        share.add(30_000, range(30_000), "x")
        share.committed()


@given(st.lists(st.tuples(st.integers(0, 4_000), st.floats(0, 1)), max_size=40), st.floats(0.01, 0.99))
def test_it_stops_when_and_only_when_the_window_is_above_the_limit(
    batches: list[tuple[int, float]], limit: float
) -> None:
    share, seen = DeadLetterShare(limit), np.zeros(0, np.bool_)
    for events, fraction in batches:
        dead = range(int(events * fraction))
        seen = np.append(seen, np.arange(events) < len(dead))
        try:
            share.add(events, dead, "x")
            stopped = False
        except TooManyDeadLetters:
            stopped = True
        assert stopped == (seen[-WINDOW:].sum() > limit * WINDOW)
        share.committed()


def test_events_that_are_refused_when_written_count_too() -> None:
    share = DeadLetterShare(0.5)
    share.add(9_000, range(3_000), "")
    share.refused(2_000, "x")
    share.aborted()
    share.add(9_000, range(3_000), "")
    with pytest.raises(TooManyDeadLetters, match=r"5001 of the last 10000 .* too large"):
        share.refused(2_001, "too large")
