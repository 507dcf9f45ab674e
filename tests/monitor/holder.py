"""A process that holds the lease of a model and writes its number, as a monitor writes records; for test_lease."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from monitor.lease import Lease
from scorer.errors import ScorerError
from scorer.registry.client import connect
from scorer.registry.keys import Keys


def main(url: str, file: Path, name: str, seconds: float) -> None:
    """Append number and ``name`` to the file whenever that is allowed; end when the lease is lost."""
    pause = threading.Event()
    with (
        file.open("a", buffering=1, encoding="utf-8") as outside,
        connect(url, timeout=0.2) as client,
        Lease(client, Keys("flights"), seconds, holder=name) as lease,
    ):
        while True:
            lease.check()
            standing = lease.standing(time.monotonic())
            if standing.writes:
                outside.write(f"{lease.number} {name} {standing.value}\n")
            pause.wait(0.002)


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
    except ScorerError as error:
        sys.stderr.write(str(error))
        sys.exit(error.exit_code)
