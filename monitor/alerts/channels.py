"""Where alarms go: each recipient of mail, and each address that Apprise knows, is a channel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from monitor.judge.incident import Letter
from monitor.settings import Alerts
from monitor.values import SMTP
from scorer.observe.logs import mask

_SHORTEST_SECRET = 4


@dataclass(frozen=True, slots=True, repr=False)
class Channel:
    """One of them. ``name`` and ``label`` may be shown, the rest holds secrets.

    Mail: ``address`` is the server's, ``recipient`` who gets it from ``sender``, ``ca`` a file of certificates or "".
    Others: ``address`` is Apprise's, all else is empty.
    """

    name: str
    label: str
    address: str
    recipient: str = ""
    sender: str = ""
    ca: str = ""

    def __repr__(self) -> str:
        return f"Channel({self.name!r})"

    def masked(self, text: str) -> str:
        """``text`` without anything of the address that may be a secret."""
        parts = re.split(r"[/:@?&=,\s]+", self.address.partition("://")[2])
        parts += [unquote(part) for part in parts]
        for part in sorted({part for part in parts if len(part) >= _SHORTEST_SECRET}, key=len, reverse=True):
            if not self.recipient or part != urlsplit(self.address).hostname:
                text = text.replace(part, "***")
        return mask(text)


def channels(alerts: Alerts) -> tuple[Channel, ...]:
    """All that the settings name, mail first. A name stays the same as long as the address does."""
    found = []
    if alerts.smtp is not None:
        server = alerts.smtp.get_secret_value()
        ca = "" if alerts.smtp_ca is None else str(alerts.smtp_ca)
        for recipient in alerts.mail_to:
            name = f"mail-{_digest(recipient)}"
            found.append(Channel(name, f"mail to {recipient}", server, recipient, alerts.mail_from, ca))
    for url in alerts.urls:
        address = url.get_secret_value()
        kind = re.sub(r"[^a-z0-9]", "", address.partition("://")[0].lower())
        found.append(Channel(f"{kind}-{_digest(address)}", kind, address))
    return tuple({channel.name: channel for channel in found}.values())


def addressed(letters: Iterable[Letter], channels: Iterable[Channel]) -> Iterator[tuple[str, bytes]]:
    """Name and payload of each letter to each channel, for the outbox: what one has taken goes out to it no more."""
    channels = list(channels)
    for letter in letters:
        payload = letter.to_json()
        for channel in channels:
            yield f"{letter.id}@{channel.name}", payload


def server(channel: Channel) -> tuple[str, str, int, str, str]:
    """Of a mail server's address: kind, host, port, user and password."""
    parts = urlsplit(channel.address)
    port = parts.port or SMTP[parts.scheme]
    return parts.scheme, parts.hostname or "", port, unquote(parts.username or ""), unquote(parts.password or "")


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]
