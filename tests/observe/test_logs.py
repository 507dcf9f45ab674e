"""What is logged, and what never is."""

from __future__ import annotations

import json
import logging

import pytest

from scorer.observe import logs


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("redis://user:geheim@host:6379/0 is away", "redis://***host:6379/0 is away"),
        ("rediss://:geheim@host", "rediss://***host"),
        ("sasl.password=geheim, other=1", "sasl.password=***, other=1"),
        ("nothing secret: a@b", "nothing secret: a@b"),
    ],
)
def test_secrets_are_masked(text: str, masked: str) -> None:
    assert logs.mask(text) == masked


def test_the_clients_repetitions_are_throttled() -> None:
    throttle = logs.Throttle(10.0)

    def passes(text: str, at: float) -> bool:
        record = logging.LogRecord("scorer.kafka", logging.ERROR, "", 0, text, None, None)
        record.created = at
        return throttle.filter(record)

    assert passes("connect to broker 1 failed after 12ms", 100.0)
    assert not passes("connect to broker 1 failed after 34ms", 105.0)
    assert passes("something else", 105.0)
    assert passes("connect to broker 1 failed after 56ms", 110.0)


@pytest.mark.parametrize("form", ["text", "json"])
def test_lines_are_masked_and_machines_can_read_them(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.root.handlers[:], logging.root.level
    try:
        logs.configure(form, "info", "scorer-0")
        logging.getLogger("scorer.x").warning("cannot reach %s", "redis://:geheim@host")
        logging.getLogger("scorer.x").debug("not shown")
        line = capsys.readouterr().err.strip()
    finally:
        logging.root.handlers[:], logging.root.level = before
    assert "geheim" not in line
    assert "not shown" not in line
    if form == "json":
        fields = json.loads(line)
        assert (fields["level"], fields["message"]) == ("warning", "cannot reach redis://***host")


@pytest.mark.parametrize("text", ["bad: sasl.password=geheim", 'bad: {"sasl.password=geheim"}'])
def test_a_secret_at_the_end_leaves_the_line_whole(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.root.handlers[:], logging.root.level
    try:
        logs.configure("json", "info", "scorer-0-1")
        logging.getLogger("scorer.x").warning(text)
        line = capsys.readouterr().err.strip()
    finally:
        logging.root.handlers[:], logging.root.level = before
    assert "geheim" not in line
    assert json.loads(line)["process"] == "scorer-0-1"


def test_a_reason_says_nothing_of_what_was_met_in_a_sensitive_field() -> None:
    assert logs.reason("born", "field `born`: the time 7 does not fit", ("born",)) == "field `born`: ***"
    assert logs.reason("born", "field `born`: the time 7 does not fit", ("name",)).endswith("the time 7 does not fit")
    assert logs.reason(None, "the payload is empty", ("born",)) == "the payload is empty"
