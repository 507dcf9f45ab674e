"""Pages over HTTP: a server that answers from a thread, and the pages that machines ask for."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from scorer.errors import SettingsError

Answer = Callable[[], tuple[bool, dict[str, object]]]


def for_machines(health: Answer, ready: Answer, metrics: Callable[[], bytes]) -> list[BaseRoute]:
    """/health, /ready and /metrics. ``health`` and ``ready`` return (good?, details)."""

    def judged(answer: Answer) -> Callable[[Request], Response]:
        def respond(_request: Request) -> Response:
            good, details = answer()
            return JSONResponse(details, 200 if good else 503)

        return respond

    def scrape(_request: Request) -> Response:
        return Response(metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/health", judged(health)), Route("/ready", judged(ready)), Route("/metrics", scrape)]


class Server:
    """Serves ``routes`` from a thread until ``stop``.

    Raises SettingsError, naming the ``setting`` that gave the address (host:port), where that is taken.
    """

    def __init__(self, address: str, routes: Sequence[BaseRoute], *, setting: str) -> None:
        host, _, port = address.rpartition(":")
        self._socket = _bind(host, int(port), setting)
        self.address = f"{host}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(Starlette(routes=routes), log_level=logging.WARNING, access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what is being answered, then stop."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(5.0)
        self._socket.close()

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))


def _bind(host: str, port: int, setting: str) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=64)
    except OSError as error:
        raise SettingsError(f"{setting}: cannot listen on {host}:{port}: {error.strerror}") from None
