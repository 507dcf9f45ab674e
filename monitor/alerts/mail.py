"""One letter as a mail: text, HTML and picture, by SMTP, encrypted where the server's address says so."""

from __future__ import annotations

import smtplib
import ssl
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from monitor.alerts.channels import Channel, server
from monitor.alerts.rendering import Words
from monitor.judge.incident import Letter

_POLICY = policy.SMTP.clone(max_line_length=500)
"""A subject that is folded at 78 begins with a space for those who unfold it."""


def message(channel: Channel, letter: Letter, words: Words) -> EmailMessage:
    """The mail. Its Message-ID is made of the letter's id, so a copy is known; letters of an incident are a thread."""
    mail = EmailMessage(_POLICY)
    domain = parseaddr(channel.sender)[1].rpartition("@")[2]
    first = f"<{letter.incident.id}-1@{domain}>"
    mail["From"] = channel.sender
    mail["To"] = channel.recipient
    mail["Subject"] = words.subject
    mail["Date"] = format_datetime(datetime.fromtimestamp(letter.time / 1e6, UTC))
    mail["Message-ID"] = f"<{letter.id}@{domain}>"
    if mail["Message-ID"] != first:
        mail["In-Reply-To"] = mail["References"] = first
    mail["Auto-Submitted"] = "auto-generated"  # nobody's holiday notice need answer
    mail.set_content(words.text)
    mail.add_alternative(words.html, subtype="html")
    if words.picture is not None:
        html = mail.get_payload()[1]  # type: ignore[index]  # the second of the two alternatives
        html.add_related(words.picture, "image", "png", cid="<trend>", filename="trend.png")  # type: ignore[union-attr]  # it is a message
    return mail


def send(channel: Channel, mail: EmailMessage, seconds: float) -> None:
    """Hand it to the server. OSError and SMTPException, in which it says why not."""
    kind, host, port, user, password = server(channel)
    context = ssl.create_default_context(cafile=channel.ca or None)
    client: smtplib.SMTP
    if kind == "smtps":
        client = smtplib.SMTP_SSL(host, port, timeout=seconds, context=context)
    else:
        client = smtplib.SMTP(host, port, timeout=seconds)
    with client:
        if kind == "smtp":
            client.starttls(context=context)
        if user:
            client.login(user, password)
        client.send_message(mail)
