"""Fetches one address, as a process of its own: ``python -m monitor.alerts.fetching``.

It reads the address from standard input and writes why it did not work, or nothing, to standard output. A process can
be ended at any time, however slowly a server answers; and an address may be a secret, so it is no argument.
"""

from __future__ import annotations

import signal
import sys
import urllib.error
import urllib.request
from http.client import HTTPException

ANSWER_SECONDS = 10.0
"""How long all of it may take."""

_LATER = 5
"""Seconds after which it ends itself, should nobody be left to do so."""


def fetched(url: str) -> str:
    """Fetch the address; why it did not work, without the address, and "" where it did."""
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS):  # noqa: S310  # http(s) by the settings
            return ""
    except urllib.error.HTTPError as error:
        return f"it answers {error.code}"
    except (OSError, HTTPException, ValueError) as error:  # some quote the address; a redirection may lead to none
        return type(error.reason if isinstance(error, urllib.error.URLError) else error).__name__


if __name__ == "__main__":
    signal.alarm(int(ANSWER_SECONDS) + _LATER)
    sys.stdout.write(fetched(sys.stdin.read()))
