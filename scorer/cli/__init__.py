"""The command ``scorer``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    # The fork server, and every worker after it, imports this module again: it must not wait for the command line.
    from scorer.cli.app import run  # noqa: PLC0415

    raise SystemExit(run(sys.argv[1:]))
