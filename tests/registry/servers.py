"""A server that loses answers, and one way to wait for something."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

from sandbox.ports import free_ports


def until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Wait until ``condition`` holds; fail, saying ``what`` did not happen, when it takes far too long."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < end, f"after {seconds:g} s still not: {what}"
        pause.wait(0.005)


def nobody() -> str:
    """The address of a server that is not there."""
    return f"redis://127.0.0.1:{free_ports(1)[0]}/0"


class Proxy:
    """Passes one connection after the other on to a server, and calls ``meanwhile`` before each request arrives there.

    Where ``meanwhile`` answers false, the request is still passed on, and the connection is closed before the answer
    comes back: the server has done what was asked, and the client cannot know.
    """

    def __init__(self, port: int, meanwhile: Callable[[bytes], bool]) -> None:
        self._target, self._meanwhile = port, meanwhile
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self._target)) as server:
                self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        while request := client.recv(1 << 16):
            go_on = self._meanwhile(request)
            server.sendall(request)
            answer = server.recv(1 << 16)
            if not go_on:
                return
            client.sendall(answer)
