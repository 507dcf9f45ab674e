"""What files of rows ask of the machine: as much memory for a long one as for a short one, and pyarrow for Parquet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rows import support
from tests.rows.support import put, rows


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return support.write(tmp_path_factory.mktemp("version"))


_PEAK = """
import resource, sys
from pathlib import Path
from scorer.cli.app import run
assert run(["predict", "--model", sys.argv[1], "--input", sys.argv[2], "--output", sys.argv[3]]) == 0
status = Path("/proc/self/status")  # on Linux, getrusage also counts the process that this one was forked from
found = [line.split()[1] for line in status.read_text().splitlines() if "VmHWM" in line] if status.exists() else []
print(found[0] if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".avro", ".parquet"])
def test_memory_does_not_grow_with_the_file(version: Path, tmp_path: Path, ending: str) -> None:
    """KiB at the peak for a file, and for one eight times as long."""
    data = [{**row, "note": os.urandom(300).hex()} for row in rows(2000)]
    peak = []
    for times in (8, 64):
        source = put(tmp_path / f"rows{ending}", data * times)
        arguments = [sys.executable, "-c", _PEAK, str(version), str(source), str(tmp_path / f"scored{ending}")]
        # What is held while threads wait for a processor is only ever more: the least of two runs is what it needs.
        tries = [subprocess.run(arguments, capture_output=True, text=True, check=True) for _ in range(2)]
        peak.append(min(int(done.stdout) for done in tries))
    more = 56 * len(data) * 600 // 1024
    assert peak[1] - peak[0] < more / 4, f"{peak} KiB at the peak, but the second file has {more} KiB more"


def test_without_pyarrow_it_says_what_to_install(version: Path, tmp_path: Path) -> None:
    code = "import sys; sys.modules['pyarrow'] = None\nfrom scorer.cli.app import run\nsys.exit(run(sys.argv[1:]))"
    source = put(tmp_path / "rows.parquet", rows(3))
    arguments = ["predict", "--model", str(version), "--input", str(source), "--output", str(tmp_path / "scored.csv")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "scorer-monitor[parquet]" in done.stderr
    csv = put(tmp_path / "rows.csv", rows(3))
    arguments[4] = str(csv)
    subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
