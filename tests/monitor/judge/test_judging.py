"""Verdicts are a function of rows and ticks: not of order, batches, redelivery or restarts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.monitor.judge.world import contents, run, shuffled, stream


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.sampled_from([None, 0.0]))
def test_order_batches_redelivery_and_restarts_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, seed: int, implicit: float | None
) -> None:
    path = tmp_path_factory.mktemp("state")
    made = stream(seed, 300, 80)
    whole = run(path / "whole", made, implicit=implicit)
    rng = np.random.default_rng(seed)
    restart = sorted(rng.integers(1, len(made.intervals), 3).tolist())
    other = run(path / "other", made, shuffled(rng), implicit=implicit, restart=restart)
    assert [sorted(one.subject for one in some) for some in whole.found] == [
        sorted(one.subject for one in some) for some in other.found
    ]
    assert whole.found == other.found
    assert contents(path / "whole") == contents(path / "other")
    assert whole.judge.verdicts == other.judge.verdicts
    assert whole.judge.cells.buckets.kept == other.judge.cells.buckets.kept
