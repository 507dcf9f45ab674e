"""A letter in words: subject, text, HTML and picture."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from monitor.alerts import plot
from monitor.judge import wording
from monitor.judge.incident import Letter

LATEST = 6
"""Windows in the table; the picture shows more."""

OTHERS = 50
"""Most headlines of other incidents."""

_COLOURS = {"FAIL": "#b42318", "ALARM": "#b54708", "WARNING": "#946800", "RESOLVED": "#1a7f37"}


@dataclass(frozen=True, slots=True)
class Words:
    """One letter, ready to be sent. ``html`` refers to the picture, a PNG, as ``cid:trend``; it may be absent."""

    subject: str
    text: str
    html: str
    picture: bytes | None


def render(letter: Letter) -> Words:
    """The letter in words."""
    trend = letter.sign.trend
    shown = trend is not None and len(trend.points) > 1
    facts = {
        "letter": letter,
        "sign": letter.sign,
        "incident": letter.incident,
        "tag": _tag(letter),
        "colour": _COLOURS["RESOLVED" if letter.event == "resolved" else letter.incident.severity],
        "headline": letter.incident.headline[:1].upper() + letter.incident.headline[1:],
        "lasted": wording.span(letter.time - letter.incident.opened),
        "opened": wording.moment(letter.incident.opened),
        "time": wording.moment(letter.time),
        "trend": trend if shown else None,
        "latest": trend.points[-LATEST:][::-1] if trend is not None and shown else (),
        "others": _others(letter),
        "colours": plot.COLOURS,
        "number": wording.number,
    }
    environment = Environment(
        loader=PackageLoader("monitor.alerts"),
        autoescape=select_autoescape(("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    return Words(
        subject(letter),
        environment.get_template("letter.txt").render(facts),
        environment.get_template("letter.html").render(facts),
        plot.png(trend) if trend is not None and shown else None,
    )


def subject(letter: Letter) -> str:
    """One line, such as ``[FAIL] flights: accuracy below 0.68 in June 2013 (0.612, 0.605 to 0.619)``."""
    others = f" and {len(letter.others)} more" if letter.others else ""
    return " ".join(f"[{_tag(letter)}] {letter.model}: {letter.incident.headline}{others}".split())


def _others(letter: Letter) -> list[str]:
    lines = [f"{'open' if one.resolved is None else 'resolved'}: {one.headline}" for one in letter.others[:OTHERS]]
    more = len(letter.others) - OTHERS
    return [*lines, f"and {more:,} more"] if more > 0 else lines


def _tag(letter: Letter) -> str:
    severity = letter.incident.severity
    if letter.event == "resolved":
        return "RESOLVED"
    if letter.event == "reminder":
        return f"{severity} for {wording.span(letter.time - letter.incident.opened)}"
    return f"{severity} again" if letter.event == "again" else severity
