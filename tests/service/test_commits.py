"""When to commit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scorer.service.commits import IDLE_SECONDS, CommitRule


def test_under_load_a_transaction_lasts_as_long_as_it_may() -> None:
    rule = CommitRule(longest=0.1, drained=0.02)
    rule.wrote(10.0)
    rule.wrote(10.05)
    assert not rule.due(10.09, drained=False)
    assert rule.due(10.1, drained=False)


def test_a_drained_input_is_committed_at_once_unless_a_commit_was_just_now() -> None:
    rule = CommitRule(longest=0.1, drained=0.02)
    rule.wrote(10.0)
    assert rule.due(10.0, drained=True)
    rule.ended(10.001)
    rule.wrote(10.002)
    assert not rule.due(10.003, drained=True)
    assert rule.deadline(10.003) == 10.001 + 0.02
    assert rule.due(10.021, drained=True)


def test_with_nothing_written_there_is_nothing_to_commit() -> None:
    rule = CommitRule(longest=0.1, drained=0.02)
    assert not rule.due(99.0, drained=True)
    assert rule.deadline(99.0) == 99.0 + IDLE_SECONDS


@given(
    st.floats(0.001, 1.0),
    st.floats(0.0, 0.1),
    st.lists(st.tuples(st.floats(0.0, 0.3), st.booleans(), st.booleans()), max_size=50),
)
def test_a_read_never_waits_beyond_the_commit_and_the_commit_is_then_due(
    longest: float, drained: float, steps: list[tuple[float, bool, bool]]
) -> None:
    rule, now = CommitRule(longest, drained), 100.0
    for passed, wrote, is_drained in steps:
        now += passed
        if wrote:
            rule.wrote(now)
        deadline = rule.deadline(now)
        assert deadline >= now
        if rule.due(now, drained=is_drained):
            rule.ended(now)
        elif rule.due(now + 1e9, drained=False):  # something is open
            assert deadline <= now + longest
            assert rule.due(deadline + 1e-9, drained=True)
