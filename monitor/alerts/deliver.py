"""Delivers one letter to one channel, as a process of its own: ``python -m monitor.alerts.deliver``.

It reads what ``order`` makes as JSON from standard input and writes why it did not
work, or nothing, to standard output. A process can be ended at any time, whatever a channel does to it; and the
libraries that draw and send take no memory of the monitor's.
"""

from __future__ import annotations

import json
import os
import signal
import smtplib
import sys
from dataclasses import asdict
from typing import Any

from monitor.alerts import chat, mail
from monitor.alerts.channels import Channel, server
from monitor.alerts.rendering import render
from monitor.judge.incident import Letter

_LATER = 5
"""Seconds after which it ends itself, should nobody be left to do so."""


def order(channel: Channel, payload: bytes, seconds: float) -> bytes:
    """What is to be written to the standard input: ``payload`` is ``Letter.to_json``'s."""
    given = {"channel": asdict(channel), "letter": payload.decode(), "seconds": seconds, "parent": os.getpid()}
    return json.dumps(given).encode()


def deliver(channel: Channel, letter: Letter, seconds: float, parent: int) -> str:
    """Send the letter; why it did not work, "" where it did. ``seconds``: how long each answer may take.

    Nothing is sent once the process ``parent``, whose child this is, is gone: its successor sends the letter again.
    """
    words = render(letter)
    if os.getppid() != parent:
        return "the monitor is gone"
    try:
        if channel.recipient:
            mail.send(channel, mail.message(channel, letter, words), seconds)
        else:
            chat.send(channel, letter, words)
    except (OSError, smtplib.SMTPException, chat.NotTaken) as error:
        return channel.masked(str(error) if isinstance(error, chat.NotTaken) else _said(channel, error))
    return ""


def _said(channel: Channel, error: OSError | smtplib.SMTPException) -> str:
    """What went wrong, with which mail server."""
    if not channel.recipient:
        return f"{type(error).__name__}: {error}"
    _, host, port, _, _ = server(channel)
    return f"the mail server {host}:{port} (alerts.smtp): {type(error).__name__}: {error}"


def main(given: dict[str, Any]) -> str:
    """``deliver``, of what ``order`` made."""
    signal.alarm(int(given["seconds"]) + _LATER)
    return deliver(
        Channel(**given["channel"]), Letter.of_json(given["letter"].encode()), given["seconds"], given["parent"]
    )


if __name__ == "__main__":
    sys.stdout.write(main(json.load(sys.stdin)))
