"""The command ``monitor``."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    from monitor.cli.app import run  # noqa: PLC0415  # a help text need not wait for it

    code = run(sys.argv[1:])
    # Nothing is left to do, but a Kafka client that waits for its broker would hold up the interpreter's end.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
