"""``monitor run`` in a process that is killed before or after its nth statement to DuckDB; for test_service_killed.

``python -m tests.monitor.dying SETTINGS STATEMENTS before|after``
"""

from __future__ import annotations

import sys
from typing import Any
from unittest.mock import patch

from monitor.cli import main
from monitor.store import schema
from tests.monitor.store.killed import Dying


def run(settings: str, statements: float, after: bool) -> None:
    """Run until killed."""
    plain = schema.connect

    def dying(*args: Any) -> Any:
        return Dying(plain(*args), statements, after)

    with patch.object(schema, "connect", dying):
        sys.argv = ["monitor", "--settings", settings, "run"]
        main()


if __name__ == "__main__":
    run(sys.argv[1], float(sys.argv[2]), sys.argv[3] == "after")
