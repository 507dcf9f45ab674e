"""A mail server and a web server on this machine that keep what they are sent, and misbehave where a test says so."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import threading
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.ports import free_ports

DRIP = -1
"""An answer without end, a line every tenth of a second."""

PASSWORD = "pass/word@hunter2"  # noqa: S105  # of the sink


@dataclass(frozen=True)
class Certificates:
    """Those of a server, and the file of the authority behind them."""

    context: ssl.SSLContext
    ca: Path


def certificates(directory: Path) -> Certificates:
    """New ones for 127.0.0.1."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    return Certificates(context, directory / "ca.pem")


class MailSink:
    """Takes mail from ``me`` with the password, over TLS alone. ``answer`` is what it says of the next ones."""

    def __init__(self, certificates: Certificates, *, tls: bool) -> None:
        self.answer, self.mails, self.encrypted = "250 OK", list[EmailMessage](), list[bool]()
        self.attempts = 0
        self.released = threading.Event()
        self._tls = tls
        options: dict[str, Any] = {"authenticator": self._authenticate, "ident": "sink"}
        if tls:
            options |= {"ssl_context": certificates.context, "auth_require_tls": False}
        else:
            options |= {"tls_context": certificates.context, "require_starttls": True, "auth_required": True}
        self._controller = Controller(self, hostname="127.0.0.1", port=free_ports(1)[0], **options)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._controller.stop()

    @property
    def url(self) -> str:
        """Its address in the settings."""
        password = PASSWORD.replace("/", "%2F").replace("@", "%40")
        return f"{'smtps' if self._tls else 'smtp'}://me:{password}@127.0.0.1:{self._controller.port}"

    def _authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"me", PASSWORD.encode())
        return AuthResult(success=right)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name there
        """One mail has come."""
        self.attempts += 1
        while self.answer == "hang" and not self.released.is_set():
            await asyncio.sleep(0.02)
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            assert session.authenticated
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
            self.encrypted.append(session.ssl is not None or self._tls)
        return self.answer


class WebSink:
    """Takes what is posted; ``answer`` is the status of the next answers, 0 for none, or DRIP."""

    def __init__(self) -> None:
        self.answer, self.posts, self.fetched = 200, list[dict[str, Any]](), 0
        self.attempts = 0
        self.released = threading.Event()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            headers_sent = False

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # whoever asked has gone
                    super().handle()

            def do_POST(self) -> None:  # its name there
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.attempts += 1
                if sink.answer == 0:
                    sink.released.wait()
                while sink.answer == DRIP and not sink.released.wait(0.1):
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n" if not self.headers_sent else b"X: drip\r\n")
                    self.headers_sent = True
                if sink.answer == 200:
                    sink.posts.append(json.loads(body))
                self._say()

            def do_GET(self) -> None:  # its name there
                sink.fetched += 1
                while sink.answer == DRIP and not sink.released.wait(0.1):
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n" if not self.headers_sent else b"X: drip\r\n")
                    self.headers_sent = True
                self._say()

            def _say(self) -> None:
                self.send_response(sink.answer or 500)
                self.send_header("Content-Length", "0")
                if sink.answer == 302:
                    self.send_header("Location", "http://[hunter2")  # which is no address
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing on standard error."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"
