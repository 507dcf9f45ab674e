"""A mail server on this machine that keeps what it is sent: where the demo's alarms arrive."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.ports import HOST, free_ports

SENDER, RECIPIENT = "monitor@flights.example", "on-call@flights.example"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail: its subject, its text, and the file that holds all of it."""

    subject: str
    text: str
    file: Path


class Mailbox:
    """Takes mail for anybody, into ``folder``, one file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.eml"):
            old.unlink()
        self._lock = threading.Lock()
        self._mails: list[Mail] = []
        self._port = free_ports(1)[0]
        self._controller = Controller(self, hostname=HOST, port=self._port)

    @property
    def url(self) -> str:
        """Where to send mail, as the settings have it."""
        return f"smtp+plain://{HOST}:{self._port}"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._controller.stop()

    @property
    def mails(self) -> list[Mail]:
        """What has arrived, in its order."""
        with self._lock:
            return list(self._mails)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name there
        """One mail has come."""
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        with self._lock:
            file = self.folder / f"{len(self._mails) + 1:02}.eml"
            file.write_bytes(content)
            self._mails.append(_mail(content, file))
        return "250 OK"


def _mail(content: bytes, file: Path) -> Mail:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101  # by the policy
    body = message.get_body(("plain",))
    return Mail(str(message["Subject"]), body.get_content() if body is not None else "", file)
