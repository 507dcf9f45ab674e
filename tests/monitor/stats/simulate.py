"""``python -m tests.monitor.stats.simulate [runs]``: the promises of ``monitor.stats``, simulated long, as a table."""

from __future__ import annotations

import sys

from tests.monitor.stats.coverage import coverages
from tests.monitor.stats.trials import Finding, findings


def main(runs: int) -> int:
    """Print the table; returns how many promises are broken."""
    print("| simulated | found | promised | runs | |\n|---|---|---|---|---|")
    broken = 0
    for source in (findings, coverages):
        one: Finding
        for one in source(runs):
            broken += not one.kept
            mark = "" if not one.promise else "kept" if one.kept else "BROKEN"
            print(f"| {one.what} | {one.value:.4g} | {one.promise} | {one.runs:,} | {mark} |", flush=True)
    return broken


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000) > 0)
