"""The heartbeat's address is fetched while the monitor works, and only then."""

from __future__ import annotations

import logging
import sys
import threading

import pytest
from pydantic import SecretStr

from monitor.alerts import fetching
from monitor.alerts.dispatcher import Dispatcher
from monitor.alerts.heartbeat import Heartbeat, fetch
from monitor.settings import Alerts
from tests.integration.deployment import until
from tests.monitor.alerts.sinks import DRIP, WebSink


def test_it_is_fetched_for_as_long_as_the_loop_goes_round(web: WebSink) -> None:
    heartbeat = Heartbeat(SecretStr(f"http://{web.address}/beat"), 0.01)
    for beats in range(1, 4):
        heartbeat.beat()
        until(lambda: web.fetched == beats, "it was not fetched")  # noqa: B023  # it is over within the turn
    threading.Event().wait(0.2)  # twenty intervals without a beat
    assert web.fetched == 3
    heartbeat.close()
    until(lambda: not _threads(), "its thread does not end")


def test_it_is_fetched_once_in_an_interval_however_often_the_loop_goes_round(web: WebSink) -> None:
    dispatcher = Dispatcher(
        Alerts.model_validate({"heartbeat_url": f"http://{web.address}/", "heartbeat_seconds": 3600})
    )
    for _ in range(100):
        dispatcher.beat()
    until(lambda: web.fetched == 1, "it was not fetched")
    for _ in range(100):
        dispatcher.beat()
    dispatcher.close()
    until(lambda: not _threads(), "its thread does not end")
    assert web.fetched == 1


def test_an_address_that_fails_is_told_once_without_the_address(web: WebSink, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    web.answer = 503
    heartbeat = Heartbeat(SecretStr(f"http://{web.address}/hunter2"), 0.01)
    for beats in range(1, 4):
        heartbeat.beat()
        until(lambda: web.fetched == beats, "it was not fetched")  # noqa: B023  # it is over within the turn
    web.answer = 200
    heartbeat.beat()
    until(lambda: "answers again" in caplog.text, "nothing is said when it is well again")
    heartbeat.close()
    assert caplog.text.count("it answers 503") == 1
    assert "hunter2" not in caplog.text


def test_what_cannot_be_fetched_is_no_crash() -> None:
    assert fetch(SecretStr("http://127.0.0.1:1/hunter2")) == "ConnectionRefusedError"
    assert fetch(SecretStr("http://no-such-host.invalid/hunter2")) == "gaierror"


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "alerts-heartbeat"]


def test_a_redirection_to_nowhere_does_not_end_it(web: WebSink) -> None:
    web.answer = 302
    heartbeat = Heartbeat(SecretStr(f"http://{web.address}/hunter2"), 0.01)
    for beats in (1, 2):
        heartbeat.beat()
        until(lambda: web.fetched == beats, "it was not fetched")  # noqa: B023  # it is over within the turn
    heartbeat.close()


def test_an_answer_that_drips_without_end_is_cut_off(web: WebSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "ANSWER_SECONDS", 1.0)
    web.answer = DRIP
    assert fetch(SecretStr(f"http://{web.address}/hunter2")) == "no answer within 1 s"
    assert web.fetched == 1


def test_a_process_that_cannot_start_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere")
    assert fetch(SecretStr("http://127.0.0.1:1/hunter2")) == "its process does not start: No such file or directory"
