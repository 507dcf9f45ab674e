"""One letter by Apprise: to chats, phones, webhooks and whatever else it knows."""

from __future__ import annotations

import logging

import apprise

from monitor.alerts.channels import Channel
from monitor.alerts.rendering import Words
from monitor.judge.incident import Letter

_KINDS = {
    "FAIL": apprise.NotifyType.FAILURE,
    "ALARM": apprise.NotifyType.WARNING,
    "WARNING": apprise.NotifyType.WARNING,
}


class NotTaken(Exception):
    """Raised by ``send`` where a channel did not take a letter, with what Apprise says of it. It may be tried again."""


class _Heard(logging.Handler):
    """Keeps what Apprise says, because it returns no more than whether it worked."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(" ".join(record.getMessage().split()))


def send(channel: Channel, letter: Letter, words: Words) -> None:
    """Send it. Raises NotTaken."""
    heard, logger = _Heard(), logging.getLogger("apprise")
    logger.addHandler(heard)
    logger.propagate = False
    try:
        sender = apprise.Apprise(asset=apprise.AppriseAsset(app_id="monitor", app_desc="watches a model"))
        if not sender.add(channel.address):
            raise NotTaken("Apprise does not know such an address")
        kind = apprise.NotifyType.SUCCESS if letter.event == "resolved" else _KINDS[letter.incident.severity]
        if not sender.notify(words.text, words.subject, kind, body_format=apprise.NotifyFormat.TEXT):
            raise NotTaken("; ".join(heard.lines) or "Apprise does not say why")
    finally:
        logger.removeHandler(heard)
