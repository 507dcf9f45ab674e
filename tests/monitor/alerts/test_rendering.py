"""Letters say in plain words what happened, and nothing in them can break out of its place."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from monitor.alerts.rendering import render, subject
from monitor.judge.facts import Arrivals, Coverage, Flip, Rules, Unscored
from monitor.judge.incident import Incident, Letter
from monitor.judge.incidents import Incidents
from monitor.judge.signs import signs
from tests.monitor.judge.made import DAY, HOUR, at, facts, verdict

NOW = at("2013-07-04")
VOID = {"meta", "img", "br", "link"}


class Balanced(HTMLParser):
    """Raises where a tag is closed that is not the last one opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def letters() -> list[Letter]:
    """One of every kind of sign, with words that HTML would take for tags."""
    given = facts(
        verdicts=[
            verdict("2013-05", "PASS"),
            verdict(),
            verdict(requirement="b", name="<b>brier</b>", segment=("origin", "<i>&")),
            verdict(requirement="c", says="INSUFFICIENT", alarms=1),
            verdict(role="challenger", version="v2"),
        ],
        challengers=["v2"],
        topics={
            "events": Arrivals(NOW - DAY, NOW, NOW),
            "predictions": Arrivals(NOW - 9 * DAY, NOW - HOUR, NOW),
            "labels": Arrivals(NOW - 9 * DAY, None, NOW),
        },
        coverage=Coverage(NOW - DAY, NOW, 1_000, 1),
        unscored=[Unscored("v2", 1_000, 500, "<script>")],
        flips=[Flip("champion", "scorer-0", "v1", NOW, False, "<script>alert(1)</script>")],
    )
    kept, found = Incidents("flights"), list[Letter]()
    everything = signs(given, Rules()) + signs(replace(given, topics={"events": Arrivals(0, 0, NOW)}), Rules())
    everything += signs(replace(given, topics={"events": Arrivals(0, NOW, 0)}), Rules())
    for sign in everything:
        kept = Incidents("flights")
        for tick in range(30):
            kept, told = kept.take([sign], NOW + tick)
            found += told
    return found


def shown(html: str) -> str:
    """The text of a page whose tags fit together."""
    parser = Balanced()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return " ".join("".join(parser.text).split())


def test_every_kind_of_letter_says_what_happened_in_text_and_html() -> None:
    found = {letter.incident.key: letter for letter in letters()}
    assert {letter.incident.kind for letter in found.values()} == {
        "requirement", "falling", "challenger", "unscored", "no labels", "no predictions", "stale stream", "coverage",
        "behind", "flip",
    }  # fmt: skip
    for letter in found.values():
        words = render(letter)
        page = shown(words.html)
        for text in (page, " ".join(words.text.split())):
            for name, value in letter.sign.numbers:
                assert name in text
                assert value in text
            for advice, command in letter.sign.advice:
                assert advice in text
                assert command in text
            assert letter.sign.text in text
            assert letter.incident.id in text
        assert "<script>" not in words.html
        assert "<b>" not in words.html
        assert max(map(len, words.text.splitlines())) < 120
        assert "\n\n\n" not in words.text
        assert ("cid:trend" in words.html) == (words.picture is not None)
        assert set(re.findall(r'(?:src|href)="([^"]*)"', words.html)) <= {"cid:trend"}, "it fetches from outside"


def letter(event: str, **other: object) -> Letter:
    first = next(one for one in letters() if one.incident.key == "requirement/accuracy//month/once")
    incident = replace(first.incident, opened=NOW - 3 * DAY)
    return replace(first, incident=incident, event=event, time=NOW, **other)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "start", "piece"),
    [
        ("opened", "[FAIL] flights: accuracy below 0.68 in June 2013", "What to do next"),
        ("again", "[FAIL again] flights: accuracy", "has come back"),
        ("reminder", "[FAIL for 3 days] flights: accuracy", "has lasted for 3 days, since 1 July 2013, 00:00 UTC"),
        ("resolved", "[RESOLVED] flights: accuracy", "over, after 3 days. It began on 1 July 2013, 00:00 UTC."),
    ],
)
def test_each_event_has_its_words(event: str, start: str, piece: str) -> None:
    words = render(letter(event))
    assert words.subject.startswith(start)
    assert piece in words.text
    assert piece in shown(words.html)
    assert ("What to do next" in words.text) == (event != "resolved")


def test_headlines_of_other_incidents_are_listed() -> None:
    others = [Incident("id", "flip", "x", "ALARM", f"{n} <b>", 0, 0, resolved=n or None) for n in range(60)]
    words = render(letter("opened", others=tuple(others)))
    assert "  * open: 0 <b>\n  * resolved: 1 <b>\n" in words.text
    assert "  * and 10 more\n" in words.text
    assert "resolved: 49 <b>" in shown(words.html)
    assert words.subject.endswith("and 60 more")


def test_a_subject_is_one_line() -> None:
    incident = Incident("id", "flip", "x", "ALARM", "one\r\nBcc: two", 0, 0)
    one = letter("opened")
    assert subject(replace(one, incident=incident)) == "[ALARM] flights: one Bcc: two"
