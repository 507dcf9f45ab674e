"""Asks the scorer in this container for a page: ``probe.py /ready``. Exit code 0 where the answer is 200, else 1."""

from __future__ import annotations

import http.client
import os
import sys

# Not urllib: that would ask whatever proxy the environment names.
_SECONDS = 4.0


def main(path: str) -> str | None:
    """What is wrong, ``None`` if nothing."""
    port = int(os.environ.get("SCORER_HTTP", ":8080").rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read(4_096).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"{path} is not answered: {error}"
    return None if answer.status == 200 else f"{path} answers {answer.status}: {text}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
