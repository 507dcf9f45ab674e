"""The three pages of a process tree."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from scorer.errors import SettingsError
from scorer.observe.http import Server, for_machines


@pytest.fixture
def server() -> Iterator[Server]:
    """One that is healthy and not ready."""
    pages = for_machines(lambda: (True, {}), lambda: (False, {"why": "starting"}), lambda: b"metric 1\n")
    made = Server("127.0.0.1:0", pages, setting="scorer.http")
    made.start()
    yield made
    made.stop()


def get(server: Server, path: str) -> tuple[int, str]:
    """Status and body."""
    try:
        with urllib.request.urlopen(f"http://{server.address}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_health_ready_and_metrics(server: Server) -> None:
    assert get(server, "/health")[0] == 200
    status, body = get(server, "/ready")
    assert (status, json.loads(body)) == (503, {"why": "starting"})
    assert get(server, "/metrics") == (200, "metric 1\n")
    assert get(server, "/other")[0] == 404


def test_a_port_that_is_taken_is_a_clear_error(server: Server) -> None:
    with pytest.raises(SettingsError, match=r"scorer\.http: cannot listen on"):
        Server(server.address, [], setting="scorer.http")
