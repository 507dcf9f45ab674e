"""Compiled code touches no byte that is not its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program of these tests to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("part", ["decode", "containers", "encode", "collections", "hash"])
def test_no_byte_beside_payload_or_buffer_is_touched(part: str) -> None:
    done = run("-m", "tests.wire.guarded", part)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


@pytest.mark.parametrize("part", ["overread", "overwrite"])
def test_a_step_over_the_edge_would_be_seen(part: str) -> None:
    done = run("-m", "tests.wire.guarded", part)
    assert done.returncode in (-signal.SIGSEGV, -signal.SIGBUS)


def test_no_index_is_out_of_its_array(tmp_path: Path) -> None:
    tests = [
        f"tests/wire/test_{name}.py"
        for name in ("decode", "decode_properties", "containers", "encode", "encode_properties", "spelling")
    ]
    done = run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)
    )
    assert done.returncode == 0, done.stdout
