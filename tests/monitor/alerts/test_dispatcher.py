"""Alarms reach real channels, whatever another channel does, and nothing waits for them."""

from __future__ import annotations

import io
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import matplotlib.image
import pytest

from monitor.alerts import dispatcher as module
from monitor.alerts.channels import addressed
from monitor.alerts.deliver import deliver
from monitor.alerts.dispatcher import Dispatcher
from monitor.alerts.trial import send_test
from monitor.judge.incident import Letter
from monitor.rows import Layout
from monitor.settings import Alerts
from monitor.store import outbox
from monitor.store.cohorts import Timing
from monitor.store.state import State
from tests.integration.deployment import until
from tests.monitor.alerts.conftest import posted
from tests.monitor.alerts.sinks import DRIP, PASSWORD, Certificates, MailSink, WebSink

Settings = Callable[..., Alerts]
Dispatch = Callable[[Alerts], Dispatcher]

SECRETS = (PASSWORD, "pass%2Fword", "hunter2", "hunter3", "hunter4", "pass/word")


def part(mail: EmailMessage, kind: str) -> EmailMessage:
    """The part of a mail that is of a kind."""
    [found] = [one for one in mail.walk() if one.get_content_type() == kind]
    assert isinstance(found, EmailMessage)
    return found


def test_a_mail_arrives_encrypted_with_text_html_picture_and_thread(
    settings: Settings, dispatch: Dispatch, mailbox: MailSink, letter: Letter
) -> None:
    sender = dispatch(settings(urls=[]))
    sender.offer(posted(letter, sender))
    until(lambda: sender.done() == [one.id for one in posted(letter, sender)], "it was not delivered")
    [mail], [encrypted] = mailbox.mails, mailbox.encrypted
    assert encrypted
    assert mail["Subject"] == "[FAIL] flights: accuracy below 0.68 in June 2013 (0.612, 0.605 to 0.619)"
    assert (mail["From"], mail["To"]) == ("Monitor <monitor@flights.example>", "ann@flights.example")
    assert mail["Message-ID"] == f"<{letter.incident.id}-1@flights.example>"
    assert mail["In-Reply-To"] is None
    assert mail["Date"] == "Thu, 04 Jul 2013 00:00:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = part(mail, "text/plain").get_content(), part(mail, "text/html").get_content()
    for piece in (
        "0.612",
        "0.605 to 0.619",
        "at least 0.68",
        "21,000 of 24,000",
        "scorer champion rollback",
        "Apr 2013",
    ):
        assert piece in text
        assert piece in html
    picture = part(mail, "image/png")
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html
    pixels = matplotlib.image.imread(io.BytesIO(picture.get_content()))
    assert pixels.shape[1] == 1_200
    assert pixels.std() > 0.01  # something is drawn


def test_a_later_letter_is_an_answer_to_the_first(
    settings: Settings, dispatch: Dispatch, mailbox: MailSink, letter: Letter
) -> None:
    over = replace(letter, id=f"{letter.incident.id}-2", event="resolved", incident=replace(letter.incident, letters=2))
    sender = dispatch(settings(urls=[]))
    sender.offer([*posted(letter, sender), *posted(over, sender, 2)])
    until(lambda: len(mailbox.mails) == 2, "two mails did not arrive")
    first, second = mailbox.mails
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert second["Subject"].startswith("[RESOLVED] flights: accuracy below 0.68")


def test_tls_from_the_first_byte(settings: Settings, tls: Certificates, letter: Letter, dispatch: Dispatch) -> None:
    with MailSink(tls, tls=True) as mailbox:
        sender = dispatch(settings(smtp=mailbox.url, urls=[]))
        sender.offer(posted(letter, sender))
        until(lambda: bool(sender.done()), "it was not delivered")
        assert (len(mailbox.mails), mailbox.encrypted) == (1, [True])


def test_a_server_that_is_not_who_it_says_gets_neither_password_nor_mail(
    settings: Settings, dispatch: Dispatch, mailbox: MailSink, letter: Letter
) -> None:
    sender = dispatch(settings(smtp_ca=None, urls=[]))
    sender.offer(posted(letter, sender))
    until(lambda: "certificate verify failed" in sender.standings()[0].error, "nothing is said of the certificate")
    assert (mailbox.attempts, mailbox.mails, sender.done()) == (0, [], [])


def test_a_webhook_gets_the_text(settings: Settings, dispatch: Dispatch, web: WebSink, letter: Letter) -> None:
    sender = dispatch(settings(smtp=None, mail_to=[]))
    sender.offer(posted(letter, sender))
    until(lambda: bool(sender.done()), "it was not delivered")
    [post] = web.posts
    assert post["title"] == "[FAIL] flights: accuracy below 0.68 in June 2013 (0.612, 0.605 to 0.619)"
    assert "scorer champion rollback" in post["message"]
    assert post["type"] == "failure"


@pytest.mark.parametrize("fault", ["webhook 500", "mail rejected", "mail server gone"])
def test_a_channel_that_fails_repeats_nothing_on_another_and_is_tried_again(
    fault: str, settings: Settings, dispatch: Dispatch, mailbox: MailSink, web: WebSink, letter: Letter
) -> None:
    alerts = settings(**({"smtp": "smtp://me:hunter2@127.0.0.1:1"} if fault == "mail server gone" else {}))
    web.answer = 500 if fault == "webhook 500" else 200
    mailbox.answer = "550 no such user" if fault == "mail rejected" else "250 OK"
    sender = dispatch(alerts)
    mail, hook = posted(letter, sender)
    failing, working = (hook, mail) if fault == "webhook 500" else (mail, hook)
    waiting = [mail, hook]
    sender.offer(waiting)
    at_fault = 1 if failing == hook else 0
    until(lambda: sender.standings()[at_fault].failures >= 2, "it was not tried again")
    until(lambda: sender.done() == [working.id], "the other channel did not get it")
    waiting.remove(working)  # struck out
    sender.offer(waiting)
    assert sender.done() == []
    error = sender.standings()[at_fault].error
    assert {"webhook 500": "500", "mail rejected": "550", "mail server gone": "refused"}[fault] in error
    web.answer, mailbox.answer = 200, "250 OK"
    if fault != "mail server gone":
        until(lambda: sender.done() == [failing.id], "it was not delivered after all")
    assert len(mailbox.mails) == (fault != "mail server gone")
    assert len(web.posts) == 1


@pytest.mark.parametrize("hanging", ["mail", "webhook", "webhook that drips"])
def test_a_channel_that_hangs_holds_up_nothing_and_is_given_up_in_time(
    hanging: str, settings: Settings, dispatch: Dispatch, mailbox: MailSink, web: WebSink, letter: Letter
) -> None:
    mailbox.answer, web.answer = ("hang", 200) if hanging == "mail" else ("250 OK", 0 if hanging == "webhook" else DRIP)
    sender = dispatch(settings(timeout_seconds=12.0))
    mail, hook = posted(letter, sender)
    sender.offer([mail, hook])
    until(lambda: sender.done() == [hook.id if hanging == "mail" else mail.id], "the other channel did not get it")
    until(lambda: (mailbox if hanging == "mail" else web).attempts > 0, "it was not tried")
    standing = 0 if hanging == "mail" else 1
    until(lambda: sender.standings()[standing].failures > 0, "it was waited for without end")
    mailbox.answer, web.answer = "250 OK", 200
    until(lambda: len(sender.done()) == 2, "it was not delivered after all")


def test_a_process_that_does_not_start_is_a_failure_like_any_other(
    settings: Settings, dispatch: Dispatch, web: WebSink, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("monitor.alerts.post.sys.executable", "/nowhere/python")
        sender = dispatch(settings(smtp=None, mail_to=[]))
        sender.offer(posted(letter, sender))
        until(lambda: sender.standings()[0].failures > 0, "it was not tried")
    until(lambda: len(sender.done()) == 1, "it was not delivered after all")
    assert len(web.posts) == 1


def test_nothing_goes_out_while_it_may_not(
    settings: Settings, web: WebSink, letter: Letter, request: pytest.FixtureRequest
) -> None:
    """A process that wakes after its lease has run out still has the letters that it was offered before."""
    asked, may = [0], threading.Event()

    def allowed() -> bool:
        asked[0] += 1
        return may.is_set()

    sender = Dispatcher(settings(smtp=None, mail_to=[]), 0.01, allowed=allowed)
    request.addfinalizer(sender.close)
    sender.offer(posted(letter, sender))
    until(lambda: asked[0] > 2, "it does not ask")
    assert (web.attempts, sender.done()) == (0, [])
    may.set()
    until(lambda: len(sender.done()) == 1, "it was not delivered after all")


def test_closing_ends_what_is_under_way(
    settings: Settings, dispatch: Dispatch, mailbox: MailSink, letter: Letter
) -> None:
    mailbox.answer = "hang"
    sender = dispatch(settings(urls=[]))
    sender.offer(posted(letter, sender))
    until(lambda: mailbox.attempts > 0, "it was not tried")
    process = sender._lines[sender.channels[0].name]._courier._process
    assert process is not None
    assert process.poll() is None
    sender.close()
    process.wait(10)  # for well below the minute that it might take
    mailbox.answer = "250 OK"
    assert mailbox.mails == []


def test_a_delivery_whose_monitor_was_killed_sends_nothing_as_the_next_one_will(
    settings: Settings, dispatch: Dispatch, mailbox: MailSink, letter: Letter
) -> None:
    [channel] = dispatch(settings(urls=[])).channels
    assert deliver(channel, letter, 10.0, os.getpid()) == "the monitor is gone"
    assert mailbox.mails == []
    assert deliver(channel, letter, 10.0, os.getppid()) == ""
    assert len(mailbox.mails) == 1


def test_what_did_not_go_through_survives_a_restart_and_what_did_is_not_repeated(
    settings: Settings, dispatch: Dispatch, mailbox: MailSink, web: WebSink, letter: Letter, tmp_path: Path
) -> None:
    web.answer = 500
    alerts = settings()
    layout, timing = Layout({}), Timing(0, 10**15, 10**9, 10**9, 10**15)
    state = State(tmp_path / "state.duckdb", layout, timing)
    sender = dispatch(alerts)
    with state.step() as step:
        step.tick(1)
        for name, payload in addressed([letter], sender.channels):
            step.send("mail", name, payload)
    sender.offer(state.unsent("mail"))
    until(
        lambda: bool(sender.done()) and sender.standings()[1].failures > 0, "one through, one failed: it did not come"
    )
    with state.step() as step:
        step.sent(sender.done())
    sender.close()
    state.close()

    state = State(tmp_path / "state.duckdb", layout, timing)
    web.answer = 200
    again = dispatch(alerts)
    again.offer(state.unsent("mail"))
    until(lambda: bool(again.done()), "it was not delivered after the restart")
    with state.step() as step:
        step.sent(again.done())
    again.offer(state.unsent("mail"))
    assert (state.unsent("mail"), again.done()) == ([], [])
    assert (len(mailbox.mails), len(web.posts)) == (1, 1)
    state.close()


def test_what_is_through_is_not_sent_again_before_it_is_struck_out(
    settings: Settings, dispatch: Dispatch, mailbox: MailSink, letter: Letter
) -> None:
    sender = dispatch(settings(urls=[]))
    [first], [second] = posted(letter, sender), posted(replace(letter, id="second"), sender, 2)
    sender.offer([first])
    until(lambda: sender.done() == [first.id], "it was not delivered")
    sender.offer([first, second])
    until(lambda: second.id in sender.done(), "the second was not delivered")
    assert sender.done() == [first.id, second.id]
    assert (len(mailbox.mails), sender.standings()[0].waiting) == (2, 0)


def test_what_nobody_takes_for_days_is_given_up(
    settings: Settings, dispatch: Dispatch, web: WebSink, letter: Letter, caplog: pytest.LogCaptureFixture
) -> None:
    web.answer = 500
    sender = dispatch(settings(smtp=None, mail_to=[], give_up_days=1))
    now = int(time.time() * 1e6)
    fresh = replace(letter, id="fresh-1", time=now)
    sender.offer([*posted(letter, sender), *posted(fresh, sender, 2)])
    until(lambda: sender.standings()[0].failures >= 3, "it was not tried again")
    assert sender.done() == [posted(letter, sender)[0].id]
    assert sender.standings()[0].given_up == 1
    assert "is given up" in caplog.text


def test_a_channel_that_the_settings_no_longer_name(
    settings: Settings, dispatch: Dispatch, web: WebSink, letter: Letter
) -> None:
    before, after = dispatch(settings()), dispatch(settings(urls=[]))
    mail, hook = posted(letter, before)
    after.offer([hook])
    assert after.done() == [hook.id]
    after.offer([])
    assert after.done() == []
    assert [one.label for one in before.channels] == ["mail to ann@flights.example", "json"]
    assert web.posts == []
    assert mail.id != hook.id


def test_memory_is_bounded(
    settings: Settings, dispatch: Dispatch, web: WebSink, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING", 2)
    web.answer = 500
    sender = dispatch(settings(smtp=None, mail_to=[]))
    many = [outbox.Letter(f"{n}/{posted(letter, sender)[0].id}", posted(letter, sender)[0].payload) for n in range(5)]
    sender.offer(many)
    sender.offer(many)
    assert sender.standings()[0].waiting == 2


def test_no_secret_is_logged_or_shown(
    settings: Settings,
    dispatch: Dispatch,
    mailbox: MailSink,
    web: WebSink,
    letter: Letter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    web.answer = 500
    mailbox.answer = f"550 no {PASSWORD} here"
    sender = dispatch(settings())
    sender.offer(posted(letter, sender))
    until(lambda: all(one.failures for one in sender.standings()), "both should fail")
    logged = "\n".join(one.getMessage() for one in caplog.records if not one.name.startswith("mail."))  # the sink's own
    shown = logged + repr(sender.channels) + repr(sender.standings()) + repr(settings())
    assert "did not go through" in shown
    for secret in SECRETS:
        assert secret not in shown


def test_a_test_alarm_is_sent_to_every_channel_and_each_result_is_told(
    settings: Settings, mailbox: MailSink, web: WebSink
) -> None:
    heartbeat = f"http://{web.address}/hunter4"
    results = send_test(settings(heartbeat_url=heartbeat), "flights", 1_700_000_000_000_000)
    assert [(one.label, one.error) for one in results] == [
        ("mail to ann@flights.example", ""),
        ("json", ""),
        ("heartbeat", ""),
    ]
    assert mailbox.mails[0]["Subject"] == "[WARNING] flights: this is a test"
    assert len(list(part(mailbox.mails[0], "image/png").get_content())) > 1_000
    assert (len(web.posts), web.fetched) == (1, 1)
    web.answer, mailbox.answer = 500, "451 later"
    results = send_test(settings(heartbeat_url=heartbeat), "flights", 1_700_000_000_000_000)
    assert "451" in results[0].error
    assert "500" in results[1].error
    assert results[2].error == "it answers 500"
    assert "hunter" not in repr(results)


def test_without_channels_there_is_nothing_to_wait_for(dispatch: Dispatch, letter: Letter) -> None:
    sender = dispatch(Alerts())
    assert (sender.channels, posted(letter, sender)) == ((), [])
    sender.offer([])
    sender.beat()
    assert (sender.done(), sender.standings()) == ([], [])
