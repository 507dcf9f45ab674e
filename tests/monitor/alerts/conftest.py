"""Fixtures of the tests of the alarms' ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from monitor.alerts.channels import addressed
from monitor.alerts.dispatcher import Dispatcher
from monitor.judge.facts import Rules
from monitor.judge.incident import Letter
from monitor.judge.incidents import Incidents
from monitor.judge.signs import signs
from monitor.settings import Alerts
from monitor.store import outbox
from tests.monitor.alerts.sinks import Certificates, MailSink, WebSink, certificates
from tests.monitor.judge.made import at, facts, verdict


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates of the mail server."""
    return certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def mailbox(tls: Certificates) -> Iterator[MailSink]:
    """A mail server with STARTTLS."""
    with MailSink(tls, tls=False) as sink:
        yield sink


@pytest.fixture
def web() -> Iterator[WebSink]:
    """A web server."""
    with WebSink() as sink:
        yield sink


@pytest.fixture
def settings(mailbox: MailSink, web: WebSink, tls: Certificates) -> Callable[..., Alerts]:
    """Makes settings with both as channels."""

    def make(**other: Any) -> Alerts:
        values = {
            "smtp": mailbox.url,
            "smtp_ca": tls.ca,
            "mail_from": "Monitor <monitor@flights.example>",
            "mail_to": ["ann@flights.example"],
            "give_up_days": 36_500,  # the letters of these tests are from 2013
            "urls": [f"json://user:hunter3@{web.address}/hook/hunter4"],
        }
        return Alerts.model_validate(values | other)

    return make


@pytest.fixture
def dispatch() -> Iterator[Callable[[Alerts], Dispatcher]]:
    """Makes dispatchers that try again at once, and closes them."""
    made: list[Dispatcher] = []

    def make(alerts: Alerts) -> Dispatcher:
        made.append(Dispatcher(alerts, pause=0.02))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def letter() -> Letter:
    """The accuracy of June was too low."""
    months = {"2013-03": 0.75, "2013-04": 0.74, "2013-05": 0.72, "2013-06": 0.612}
    made = [
        verdict(month, "PASS" if value > 0.68 else "FAIL", value=value, low=value - 0.007, high=value + 0.007)
        for month, value in months.items()
    ]
    given = facts(verdicts=made)
    return Incidents("flights").take(signs(given, Rules()), at("2013-07-04"))[1][0]


def posted(letter: Letter, dispatcher: Dispatcher, tick: int = 1) -> list[outbox.Letter]:
    """What the outbox holds of a letter."""
    return [outbox.Letter(f"mail/{tick}/{name}", data) for name, data in addressed([letter], dispatcher.channels)]
