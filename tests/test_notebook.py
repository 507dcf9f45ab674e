"""docs/notebook-to-champion.md is run as it stands, from an empty directory to a champion and back."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from redis import Redis

from sandbox.services import KAFKA, REDIS
from scorer.cli.app import run
from tests.conftest import SharedKafka, SharedRedis

PAGE = Path(__file__).parents[1] / "docs" / "notebook-to-champion.md"
MODEL = "parcels"
COMMANDS = {
    "models import",
    "models baseline",
    "models test",
    "models diff",
    "models push",
    "predict",
    "topics create",
    "check",
    "run",
    "champion set",
    "champion rollback",
    "status",
}

FILES = ("json", "toml")
"""Languages of blocks that are files, which the sentence before them names."""

LOG = Path("scorer.log")
"""What is printed by the scorer that runs behind."""

_BLOCK = re.compile(r"(?P<before>[^\n]*)\n\n```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"`([\w./-]+)`:$")
_TOKEN = re.compile(
    r"(?P<lines>(?<![^\n])…\n)|(?P<some>…)|(?P<digest>\([0-9a-f]{8}\))"
    r"|(?P<measured>[-+]?[0-9][0-9,]*(?:\.[0-9]+(?:e[-+]?[0-9]+)?|e[-+]?[0-9]+))|(?P<blanks> +)|(?P<other>.)",
    re.DOTALL,
)
_PATTERN = {
    "lines": r"(?:[^\n]*\n)*?",
    "some": r"[^\n]*",
    "digest": r"\([0-9a-f]{8}\)",
    "measured": r"[-+]?[0-9][0-9,]*(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?",
    "blanks": " +",
}
"""What machines and releases of libraries differ in may differ from the page: digests, and numbers with a fraction."""


@dataclass(frozen=True)
class Block:
    """A block of the page: its language, its text, and the line of the page on which that begins.

    ``file`` is the one that the sentence before it names, for a block that is a file.
    """

    language: str
    text: str
    line: int
    file: str | None


@dataclass(frozen=True)
class Command:
    """A command of a console, and what the page says that it prints."""

    words: str
    shown: str


def blocks(page: str) -> list[Block]:
    """All blocks of the page, in order."""
    found = []
    for match in _BLOCK.finditer(page):
        named = _FILE.search(match["before"]) if match["language"] in FILES else None
        line = page.count("\n", 0, match.start("text")) + 1
        found.append(Block(match["language"], match["text"], line, None if named is None else named[1]))
    assert len(found) == page.count("\n```") // 2, "a block does not stand alone between empty lines"
    return found


def commands(console: str) -> list[Command]:
    """The commands behind ``$``, and the lines that follow each."""
    found = []
    for text in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        words, _, shown = text.replace("\\\n", "").partition("\n")
        found.append(Command(words, shown))
    return found


def assert_shown(shown: str, printed: str, where: str) -> None:
    """What was printed is what the page shows, but for what is left out there and what differs between machines."""
    pattern = "".join(
        _PATTERN.get(str(one.lastgroup), re.escape(one.group())) for one in _TOKEN.finditer(shown.strip() + "\n")
    )
    assert re.fullmatch(pattern, printed.strip() + "\n"), f"{where} shows\n{shown}\nbut this was printed:\n{printed}"


class Reader:
    """Someone who does what the page says, block by block, in the working directory."""

    def __init__(self, printed: Callable[[], str]) -> None:
        """``printed`` gives what was printed since it was asked last."""
        self.printed = printed
        self.notebook: dict[str, object] = {"__name__": "notebook"}
        self.ran: list[str] = []
        self.behind: subprocess.Popen[bytes] | None = None

    def do(self, block: Block) -> None:
        """Do what one block says. Python prints nothing, unless a block of text follows that shows it."""
        where = f"{PAGE.name}:{block.line}"
        if block.file is not None:
            file = Path(block.file)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.language == "python":
            code = compile("\n" * (block.line - 1) + block.text, PAGE, "exec")
            exec(code, self.notebook)  # noqa: S102  # the page's own Python, as a notebook runs it
        elif block.language == "text":
            assert_shown(block.text, self.printed(), where)
        else:
            assert block.language == "console", f"{where}: what is {block.language}?"
            for command in commands(block.text):
                self.enter(command, where)

    def enter(self, command: Command, where: str) -> None:
        """Enter one command, and compare what it prints."""
        program, *arguments = shlex.split(command.words)
        self.printed()
        if program == "sandbox":
            return  # the services of the tests stand for it
        if command.words == "kill %1":
            self.stop()
        elif arguments[-1] == "&":
            started = [str(Path(sys.executable).with_name(program)), *arguments[:-1]]
            with LOG.open("xb") as log:
                self.behind = subprocess.Popen(started, stdout=log, stderr=log)
        elif program == "scorer":
            code = run(arguments)
            printed = self.printed()
            assert_shown(command.shown, printed, f"{where}: {command.words}")
            assert (code != 0) == command.shown.startswith("scorer: "), (command.words, code)
        else:
            subprocess.run([program, *arguments], check=True)
        if program == "scorer":
            self.ran.append(" ".join(arguments))

    def stop(self) -> None:
        """End what runs behind."""
        if self.behind is not None:
            behind, self.behind = self.behind, None
            behind.terminate()
            assert behind.wait(60) == 0, LOG.read_text()


@pytest.fixture
def addresses(
    kafka: SharedKafka,
    admin: AdminClient,
    redis_server: SharedRedis,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[None]:
    """An empty directory, and the services of the tests where ``sandbox up`` would have said that its own are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCORER_SETTINGS", raising=False)
    monkeypatch.setenv("SCORER_HTTP", "127.0.0.1:0")  # other tests listen, too
    monkeypatch.setenv(KAFKA, kafka.bootstrap)
    monkeypatch.setenv(REDIS, redis_server.url)
    yield
    names = [name for name in admin.list_topics(timeout=30).topics if name.startswith(f"{MODEL}.")]
    for deleted in admin.delete_topics(names).values() if names else ():
        deleted.result(30)
    for done in admin.delete_consumer_groups([f"{MODEL}.scorer"]).values():
        done.exception(30)  # it is not there if the page was not done so far


@pytest.mark.usefixtures("addresses")
def test_the_page_runs(capfd: pytest.CaptureFixture[str]) -> None:
    reader = Reader(lambda: "".join(capfd.readouterr()))
    try:
        for block in blocks(PAGE.read_text("utf-8")):
            reader.do(block)
        assert {name for name in COMMANDS if any(ran.startswith(name) for ran in reader.ran)} == COMMANDS
        assert reader.behind is None, "the page leaves a scorer running"
    finally:
        reader.notebook.clear()  # its Kafka clients would outlive Kafka
        reader.stop()


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a  0.5 of 4,000", "a 0.25 of 4,000\n", True),
        ("a  0.5 of 4,000", "a 0.25 of 5,000\n", False),
        ("is 2.2e-16 (10427b43)", "is 0 (ffffffff)", True),
        ("one\n…\nfour", "one\ntwo\nthree\nfour", True),
        ("one\n…\nfour", "one\nfour", True),
        ("one\nfour", "one\ntwo\nfour", False),
        ("one … three", "one and two and three", True),
        ("", "one", False),
    ],
)
def test_what_is_shown_is_compared_with_what_is_printed(shown: str, printed: str, same: bool) -> None:
    if same:
        assert_shown(shown, printed, "here")
    else:
        with pytest.raises(AssertionError, match="here shows"):
            assert_shown(shown, printed, "here")
