"""Compiled code that scores stays inside its arrays, whatever version and rows it is given."""

from __future__ import annotations

from pathlib import Path

from tests.wire.test_bounds import run


def test_no_index_is_out_of_its_array(tmp_path: Path) -> None:
    tests = [f"tests/model/test_{name}.py" for name in ("categories", "model", "trees")]
    done = run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)
    )
    assert done.returncode == 0, done.stdout
