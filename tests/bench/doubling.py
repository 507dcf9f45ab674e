"""As ``lossy``, but every 100th event is written twice."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.passthrough import Loop
from scorer.settings import Settings
from tests.bench.lossy import wrong

if __name__ == "__main__":
    wrong(Loop(Settings.load(Path(sys.argv[1]), {})), 2)
