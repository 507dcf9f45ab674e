"""A monitor that is killed at any moment comes to what it would have come to: nothing lost, nothing twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.monitor.store.killed import INTERVALS, WORLD
from tests.monitor.store.run import contents, run
from tests.monitor.store.world import world


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_between_and_within_steps_it_comes_to_what_one_run_does(tmp_path: Path, seed: int) -> None:
    run(tmp_path / "plain", world(WORLD, intervals=INTERVALS))
    done = subprocess.run(
        [sys.executable, "-m", "tests.monitor.store.killed", str(tmp_path / "killed"), str(seed), "25"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10
    assert contents(tmp_path / "killed") == contents(tmp_path / "plain")
