"""When a partition counts as standing still."""

from __future__ import annotations

from scorer.stream.progress import Progress, stalled
from scorer.stream.seam import Position

A, B = ("t", 0), ("t", 1)


def positions(a: int | None, b: int | None) -> list[Position]:
    """Where both partitions stand."""
    return [Position(*A, a), Position(*B, b)]


def test_only_what_waits_and_does_not_move_is_stalled() -> None:
    progress = Progress()
    progress.update(positions(5, 5), {A: 10, B: 5}, 0.0)
    standings = progress.update(positions(5, 5), {A: 10, B: 5}, 30.0)
    assert [(s.lag, s.still) for s in standings] == [(5, 30.0), (0, 0.0)]
    assert stalled(standings, 30.0) == ["t-0 has not moved from offset 5 for 30 s, 5 events are waiting"]
    assert not stalled(progress.update(positions(6, 5), {A: 10, B: 5}, 31.0), 30.0)


def test_without_an_answer_of_the_brokers_or_a_first_position_it_may_be_waiting() -> None:
    progress = Progress()
    progress.update(positions(5, None), {B: 3}, 0.0)
    known, unknown = stalled(progress.update(positions(5, None), {B: 3}, 40.0), 30.0)
    assert known == "t-0 has not moved from offset 5 for 40 s, its end is unknown"
    assert unknown == "t-1 has not moved from offset ? for 40 s, nothing is committed, or nobody can tell what"


def test_a_partition_that_comes_back_starts_anew() -> None:
    progress = Progress()
    progress.update(positions(5, 5), {A: 10, B: 10}, 0.0)
    progress.update([Position(*B, 6)], {B: 10}, 20.0)
    assert not stalled(progress.update(positions(5, 7), {A: 10, B: 10}, 40.0), 30.0)
