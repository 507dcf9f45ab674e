"""Writes the flights from April to December 2013 as a corpus: raw inputs, when they were scheduled, were they late.

``python -m demo.corpus build/flights.csv``; then
``scorer models baseline coefficients/flights/2013-q1-boosted --corpus build/flights.csv --label late --time scheduled``
measures what the requirements in coefficients/flights come from.
"""

from __future__ import annotations

import sys
from pathlib import Path

from demo import flights
from demo.pipelines import RAW


def main(file: str) -> None:
    """Write all flights; those that never arrived have no label."""
    later = flights.replayed(flights.load())
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    later[["scheduled", *RAW, "late"]].to_csv(path, index=False, date_format="%Y-%m-%dT%H:%M:%SZ", lineterminator="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
