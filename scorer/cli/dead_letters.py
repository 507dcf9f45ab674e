"""``scorer dead-letters``: list, show, replay."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from scorer import schema_files
from scorer.cli import legible, output
from scorer.cli.legible import Events, Legible
from scorer.cli.options import moment
from scorer.cli.output import Json
from scorer.cli.session import Session
from scorer.errors import SettingsError
from scorer.observe import logs
from scorer.settings import Settings
from scorer.stream import letters
from scorer.stream.letters import Coordinates, Letter
from scorer.stream.replay import Outcome
from scorer.stream.replay import replay as send_back

app = typer.Typer()

_BYTES = 16
_SAID = re.compile(r"(code|reason|attempt|origin)$|source\.(topic|partition|offset)$")


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 20,
    code: Annotated[str | None, typer.Option(help="Only those with this code, as in utf8 or missing_input.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only those written since then: how long ago, as in 2h, or an ISO 8601 time.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List dead letters, the newest first."""
    settings = Session.of(context).settings
    start = None if since is None else max(0, int(moment(since, "--since", time.time()) * 1e3))
    found = list(islice(letters.newest(settings, code, start), limit))
    sensitive = settings.scorer.sensitive
    facts = [
        {
            "letter": str(one.at),
            "source": one.source,
            "origin": one.origin,
            "code": one.code,
            "reason": legible.reason(one, sensitive),
            "attempt": one.attempt,
            "cut": one.cut,
            "time": output.when(one.time),
        }
        for one in found
    ]

    def text() -> None:
        if not found:
            output.line(
                "there are no dead letters" if code is None and since is None else "there are no such dead letters"
            )
            return
        shown = ("letter", "source", "code", "reason", "attempt", "time")
        names = ("letter", "event", "code", "reason", "attempts", "time")
        output.table(names, [tuple(fact[name] for name in shown) for fact in facts])

    output.emit(as_json, facts, text)


@app.command()
def show(
    context: typer.Context,
    place: Annotated[
        str, typer.Argument(metavar="TOPIC-PARTITION-OFFSET", help="Where the dead letter is, or where its event was.")
    ],
    as_json: Json = False,
) -> None:
    """Show a dead letter whole: headers, bytes and fields.

    Sensitive fields are masked."""
    settings = Session.of(context).settings
    where = Coordinates.parse(place)
    found = letters.find(settings, where)
    if not found:
        raise SettingsError(
            f"there is no dead letter at {where} and none of an event there; the event was scored, waits to be, or "
            "its dead letter is deleted"
        )
    schemas = settings.schemas
    events = Events(schemas.events, schema_files.framing(schemas))
    scorer = settings.scorer
    seen = [(one, legible.legible(one, events, scorer.sensitive, scorer.id_field)) for one in found]

    def text() -> None:
        for letter, readable in seen:
            _print(letter, readable)

    output.emit(as_json, [_facts(letter, readable) for letter, readable in seen], text)


@app.command()
def replay(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be replayed.")] = False,
    as_json: Json = False,
) -> None:
    """Send dead letters back to be scored again, each exactly once.

    Every one that was not replayed yet goes to the retry topic. It may be killed and run again at any time. Letters
    that were tried too often (scorer.max_attempts) or whose value is cut stay, are named, and are passed. Exit code 8
    where another replay takes over.
    """
    settings = Session.of(context).settings
    with _complaining(), _progress() as progress:
        outcome = send_back(settings, dry_run=dry_run, progress=progress)
    facts = asdict(outcome) | {"dry_run": dry_run, "to": settings.topics.retry}
    output.emit(as_json, facts, lambda: _tell(settings, outcome, dry_run))


def _tell(settings: Settings, outcome: Outcome, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    output.line(f"{output.count(outcome.replayed, 'dead letter')} {would}replayed to {settings.topics.retry}")
    for gone in outcome.deleted:
        output.line(f"deleted before anybody replayed them: {gone}", "yellow")
    if not outcome.kept:
        return
    stay = sum(outcome.stay.values())
    counts = ", ".join(f"{count} {code}" for code, count in outcome.stay.most_common())
    output.line(f"{output.count(stay, 'letter')} not replayed ({counts}):", "yellow")
    output.table(("letter", "event", "why"), [(one.letter, one.source, one.text) for one in outcome.kept])
    if stay > len(outcome.kept):
        output.line(f"… and {stay - len(outcome.kept)} more; see: scorer dead-letters list")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A moving bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    columns = (TextColumn("replaying"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda passed, total: bar.update(task, completed=passed, total=total)


class _Complaints(logging.Handler):
    """Says on standard error why it takes long."""

    def emit(self, record: logging.LogRecord) -> None:
        output.note(logs.mask(record.getMessage()), "yellow")


@contextmanager
def _complaining() -> Iterator[None]:
    logger, handler = logging.getLogger("scorer.stream"), _Complaints(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _print(letter: Letter, readable: Legible) -> None:
    output.line(f"dead letter {letter.at}", "bold")
    output.pairs(
        {
            "event": letter.source,
            "first": letter.origin,
            "code": letter.code,
            "reason": readable.reason,
            "attempts": letter.attempt,
            "time": output.when(letter.time),
            **{name: _fact(name, text) for name, text in letter.facts.items() if not _SAID.match(name)},
            "key": _spelt(readable.key),
            **{f"header {name}": _spelt(value) for name, value in readable.headers},
        }
    )
    if readable.fields:
        output.line("")
        output.table(("field", "value"), [(name, _spelt(value)) for name, value in readable.fields.items()])
    output.line("")
    length = "no value (a tombstone)" if letter.value is None else output.count(len(letter.value), "byte")
    output.line(f"{length}{' of the event, cut' if letter.cut else ''}{_because(readable)}")
    for row in _dump(readable.value or ()):
        output.line(row)
    output.line("")


def _fact(name: str, text: str) -> str | None:
    return output.when(int(text)) if name.endswith(".time") and text.isdecimal() else text


def _because(readable: Legible) -> str:
    said = [
        text for text in (readable.hidden, readable.problem if readable.fields or not readable.hidden else None) if text
    ]
    return f": {'; '.join(said)}" if said else ""


def _dump(value: Sequence[int | None]) -> Iterator[str]:
    """Rows of sixteen bytes, in hexadecimal and as text; masked ones as stars."""
    for start in range(0, len(value), _BYTES):
        row = value[start : start + _BYTES]
        hexadecimal = " ".join("**" if byte is None else f"{byte:02x}" for byte in row)
        text = "".join("*" if byte is None else chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield f"  {start:06x}  {hexadecimal:<{3 * _BYTES}} {text}"


def _facts(letter: Letter, readable: Legible) -> dict[str, object]:
    value, whole = readable.value, None
    if value is not None:
        known = bytes(byte for byte in value if byte is not None)
        whole = known if len(known) == len(value) else None
    return {
        "letter": str(letter.at),
        "time": output.when(letter.time),
        "facts": letter.facts | ({"reason": readable.reason} if "reason" in letter.facts else {}),
        "key": _spelt(readable.key),
        "headers": [[name, _spelt(one)] for name, one in readable.headers],
        "fields": dict(readable.fields),
        "length": None if letter.value is None else len(letter.value),
        "hex": None if value is None else "".join("**" if byte is None else f"{byte:02x}" for byte in value),
        "utf8": None if whole is None else _utf8(whole),
        "problem": readable.problem,
        "hidden": readable.hidden,
    }


def _spelt(value: object) -> object:
    """Bytes as text where they are text, else in hexadecimal; everything else as it is."""
    if not isinstance(value, bytes):
        return value
    text = _utf8(value)
    return f"0x{value.hex()}" if text is None else text


def _utf8(value: bytes) -> str | None:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None
