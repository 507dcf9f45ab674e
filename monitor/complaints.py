"""What could not be used, counted by kind and logged so that a flood of it does not become a flood of lines."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable

from monitor.records import Bad

LOGGER = logging.getLogger(__name__)


class Complaints:
    """Logs the first of each kind, and then each time that their number has grown tenfold."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._next: dict[str, int] = {}

    def bad(self, what: str, records: Iterable[Bad]) -> None:
        """Records that were left out; ``what`` says what they should have been."""
        for record in records:
            kind = f"bad {what} ({record.code})"
            self.grown(kind, self.counts[kind] + 1, f"{record.where}: {record.text}")

    def grown(self, kind: str, count: int, text: str) -> None:
        """There are ``count`` of a kind by now; ``text`` describes the last one, or what it means."""
        self.counts[kind] = count
        if count >= self._next.get(kind, 1):
            LOGGER.warning("%s, %d so far: %s", kind, count, text)
            self._next[kind] = 10 ** len(str(count))
