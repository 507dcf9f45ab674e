"""The page for people: every question has one place on it and one command, and nothing in it runs or leads away."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import typer.main

import monitor.cli.app
import scorer.cli.app
from monitor.judge.candidates.candidate import Candidate, Transition
from monitor.judge.candidates.check import Check
from monitor.store.reading import Snapshot
from monitor.web.pages import HEADERS, Pages
from monitor.web.questions import QUESTIONS
from monitor.web.shown import Shown, gathered, html, listed
from scorer.observe.http import Server
from tests.monitor.reports.stream import ASKED, published
from tests.monitor.reports.test_commands import REQUIREMENTS, SETTINGS
from tests.monitor.reports.test_page import EVIL, Page

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
NOW = 2_000_000_000_000_000


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("page"), rows=900, hours=72)[0]


@pytest.fixture(scope="module")
def shown(snapshot: Path) -> Shown:
    with Snapshot(snapshot) as opened:
        return gathered(opened, ASKED, ["flights-day-2013-06-03.html"], NOW)


@pytest.fixture
def served(snapshot: Path, tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "flights-week-2013-06-03.html").write_text("<p>a week</p>")
    for place in (tmp_path, tmp_path / "reports"):
        (place / "secret.html").write_text("secret")
    made = Server("127.0.0.1:0", Pages(snapshot, tmp_path / "reports", ASKED).routes, setting="monitor.page")
    made.start()
    yield made
    made.stop()


def get(address: str, path: str) -> tuple[int, str, dict[str, str]]:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=30) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers.items())
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), dict(error.headers.items())


def sections(text: str) -> dict[str, str]:
    return dict(re.findall(r'<section id="(\w+)">(.*?)</section>', text, re.DOTALL))


def commands() -> set[str]:
    def below(words: str, command: object) -> Iterator[str]:
        children = getattr(command, "commands", None) or {}
        for name, child in children.items():
            yield from below(f"{words} {name}", child)
        if not children:
            yield words

    apps = {"scorer": scorer.cli.app.build(), "monitor": monitor.cli.app.build()}
    return {found for name, app in apps.items() for found in below(name, typer.main.get_command(app))}


def test_what_people_ask_has_one_command_and_one_place(shown: Shown) -> None:
    """Promise 10, word by word."""
    asked = {one.text for one in QUESTIONS}
    assert asked == {
        "Which version scored this?",
        "Why did the flip not take?",
        "Is the model still good?",
        "What happens if I promote?",
    }
    text, known = html(shown), commands()
    places = sections(text)
    assert list(places) == [one.name for one in QUESTIONS]
    for one in QUESTIONS:
        assert text.count(f"<h2>{one.text}</h2>") == 1
        assert f"<h2>{one.text}</h2>" in places[one.name]
        assert f"<code>{one.command}</code>" in places[one.name]
        command = re.sub(r" [A-Z]+", "", one.command)
        assert command in known
        assert re.search(rf"\| {re.escape(one.text)} \| `{command}", README), f"README does not answer {one.text}"


def test_every_place_answers_its_question(shown: Shown) -> None:
    places = {name: Page(f"<div>{text}</div>").words for name, text in sections(html(shown)).items()}
    first = shown.status.requirements[0]
    assert f"{first.verdict} {first.name}" in places["good"]
    assert len(shown.status.requirements) >= len(ASKED.requirements)
    assert "2013-06-03" in places["good"], "the report is not linked"
    day, versions = shown.days[0]
    for version, n in versions.items():
        assert f"{version} {n:,}" in places["versions"]
    assert day.name in places["versions"]
    assert "v2 one refused : its digest is wrong" in places["flips"]
    assert ("v1", "challenger") in {(one.version, one.role) for one in shown.promotions}
    for one in shown.promotions:
        assert one.requirements
        assert f"{one.version}, {one.role}: {one.conclusion}" in places["promotion"]


def test_candidates_are_shown_with_what_they_wait_for(shown: Shown) -> None:
    move = Transition(1, None, "submitted", 7, "ann", "it is newer")
    candidate = Candidate("1", "v7", "ab", "submitted", "v2", 1, history=(move,))
    checks = (Check("gate brier", "open", "evidence 3, needed 33"), Check("pairs", "passed", "all of them"))
    words = Page(sections(html(replace(shown, candidates=((candidate, checks),))))["promotion"]).words
    assert "v7 submitted 1970-01-01 00:00 UTC it is newer gate brier: evidence 3, needed 33" in words
    assert "all of them" not in words


def test_the_days_are_those_of_the_snapshot(shown: Shown, snapshot: Path) -> None:
    with Snapshot(snapshot) as opened:
        total = sum(one.predictions for one in opened.coverage())
    assert sum(sum(versions.values()) for _, versions in shown.days) == total
    assert [day.begin for day, _ in shown.days] == sorted((day.begin for day, _ in shown.days), reverse=True)


def test_no_text_from_data_becomes_markup(shown: Shown) -> None:
    row = replace(shown.status.requirements[0], name=EVIL, reason=EVIL, version=EVIL, segment=(EVIL, EVIL))
    promotion = shown.promotions[0]
    beside = replace(promotion.requirements[0], candidate=row, champion=row)
    move = Transition(1, None, "submitted", 7, EVIL, EVIL)
    candidate = Candidate("1", EVIL, "ab", "submitted", EVIL, 1, approved=EVIL, history=(move,))
    page = html(
        replace(
            shown,
            candidates=((candidate, (Check(EVIL, "open", EVIL),)),),
            status=replace(shown.status, model=EVIL, champion=EVIL, challengers=(EVIL,), requirements=(row,)),
            days=((shown.days[0][0], {EVIL: 3}),),
            flips=tuple(one._replace(pointer=EVIL, version=EVIL, reason=EVIL, instance=EVIL) for one in shown.flips),
            promotions=(replace(promotion, version=EVIL, requirements=(beside,), unscored={EVIL: 7}),),
        )
    )
    read = Page(page)
    assert not {"script", "img"} & set(read.tags)
    assert not [name for name, _ in read.attributes if name.startswith("on")]
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_only_reports_are_served(served: Server) -> None:
    assert get(served.address, "/reports/flights-week-2013-06-03.html")[:2] == (200, "<p>a week</p>")
    for path in ("flights-week-2013-06-10.html", "..%2fsecret.html", "%2e%2e/secret.html", "secret.html", "", "%00"):
        code, text, _ = get(served.address, f"/reports/{path}")
        assert code == 404
        assert text != "secret"


def test_every_answer_forbids_scripts(served: Server) -> None:
    for path in ("/", "/status.json", "/reports/flights-week-2013-06-03.html", "/reports/none.html"):
        headers = get(served.address, path)[2]
        for name, value in HEADERS.items():
            assert headers[name.lower()] == value
    assert "script-src" not in HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in HEADERS["Content-Security-Policy"]


def test_reports_are_those_of_the_model() -> None:
    names = ["a-day-2013-06-03.html", "a-day-2013-06-04.html", "a-b-day-2013-06-04.html", "a-day-2013-06-04.json", "x"]
    assert listed(names, "a") == {"day": ("a-day-2013-06-04.html", "a-day-2013-06-03.html")}
    assert listed([f"a-day-2013-06-{n:02}.html" for n in range(1, 31)], "a")["day"][-1] == "a-day-2013-06-19.html"


def test_without_a_snapshot_it_is_said(tmp_path: Path) -> None:
    pages = Pages(tmp_path / "none", tmp_path / "reports", ASKED)
    with closing(Stopping(Server("127.0.0.1:0", pages.routes, setting="monitor.page"))) as server:
        for path in ("/", "/status.json"):
            code, text, _ = get(server.address, path)
            assert code == 503
            assert "start 'monitor run'" in text.replace("&#39;", "'")


class Stopping:
    """A server that is closed."""

    def __init__(self, server: Server) -> None:
        self._server, self.address, self.close = server, server.address, server.stop
        server.start()


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    (tmp_path / "scorer.toml").write_text(SETTINGS + 'page = "127.0.0.1:0"\n')
    (tmp_path / "requirements.toml").write_text(REQUIREMENTS)
    (tmp_path / "state").mkdir()
    published(tmp_path / "state", rows=300, hours=48)
    arguments = [str(Path(sys.executable).parent / "monitor"), "web"]
    with subprocess.Popen(arguments, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.match(r"http://(\S+)/ shows flights", said)
        assert found, said
        code, text, _ = get(found[1], "/")
        assert (code, "<h2>Is the model still good?</h2>" in text) == (200, True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stderr.read() == ""
