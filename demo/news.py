"""What the monitor has to tell while the year goes by: verdicts on whole months, and mails."""

from __future__ import annotations

import time
from collections.abc import Callable

from demo import outcomes, show
from demo.mailbox import Mailbox
from demo.show import Show
from demo.verdicts import Verdicts

PATIENCE = 30.0
"""Seconds in which the monitor must have told of everything, once everything has been read."""

_PAUSE = 0.1


class News:
    """Passes on what has come since it last did."""

    def __init__(self, shown: Show, verdicts: Verdicts, mailbox: Mailbox) -> None:
        self._shown, self._verdicts, self._mailbox = shown, verdicts, mailbox
        self._judged: set[str] = set()
        self._mails = 0

    def tell(self) -> None:
        """Say what is new."""
        self._verdicts.news()
        mails = self._mailbox.mails
        for mail in mails[self._mails :]:
            self._shown.say(f"    mail      {mail.subject}")
        self._mails = len(mails)
        for month, verdicts in outcomes.by_month(self._verdicts.latest.values()).items():
            if month not in self._judged and not any(one["provisional"] for one in verdicts):
                self._judged.add(month)
                self._shown.say(show.month(month, verdicts))

    def await_all(self, predictions: int, labels: int, check: Callable[[], None]) -> None:
        """Until the monitor speaks of so many predictions and labels; ``check`` raises where that cannot be.

        Where that does not come to be, the account at the end says what is missing.
        """
        deadline = time.monotonic() + PATIENCE
        while outcomes.total(self._verdicts.latest.values()) != (predictions, labels) and time.monotonic() < deadline:
            check()
            time.sleep(_PAUSE)
            self.tell()
        for month, verdicts in outcomes.by_month(self._verdicts.latest.values()).items():
            if month not in self._judged:
                self._shown.say(show.month(f"{month} so far", verdicts))
