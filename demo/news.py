"""What the monitor has to tell while the year goes by: verdicts on whole months, and mails."""

from __future__ import annotations

from demo import outcomes, show
from demo.mailbox import Mailbox
from demo.show import Show
from demo.verdicts import Verdicts


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

    def rest(self) -> None:
        """Wait for what is still to come, and say what there is of months that have not closed."""
        self._verdicts.rest()
        self.tell()
        for month, verdicts in outcomes.by_month(self._verdicts.latest.values()).items():
            if month not in self._judged:
                self._shown.say(show.month(f"{month} so far", verdicts))
