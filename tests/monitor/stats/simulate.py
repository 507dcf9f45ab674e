"""``python -m tests.monitor.stats.simulate [runs] [gate]``: promises of ``monitor.stats``, simulated long."""

from __future__ import annotations

import sys

from tests.monitor.stats.coverage import coverages
from tests.monitor.stats.gates import gates
from tests.monitor.stats.trials import Finding, findings


def main(runs: int, gate: bool) -> int:
    """Print the table, that of the gate or of all else; returns how many promises are broken."""
    print("| simulated | found | promised | runs | |\n|---|---|---|---|---|")
    broken = 0
    for source in (gates,) if gate else (findings, coverages):
        one: Finding
        for one in source(runs):
            broken += not one.kept
            mark = "" if not one.promise else "kept" if one.kept else "BROKEN"
            print(f"| {one.what} | {one.value:.4g} | {one.promise} | {one.runs:,} | {mark} |", flush=True)
    return broken


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000, "gate" in sys.argv[2:]) > 0)
