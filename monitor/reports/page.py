"""A report as one HTML file that needs nothing else: no script, no font, no picture from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from monitor.judge.wording import interval, number, span
from monitor.reports import drawing
from monitor.reports.document import Report
from monitor.reports.labels import Delay
from monitor.reports.measured import Measured
from monitor.reports.periods import moment

LONGEST = 80
"""Characters of a text from data; what is longer is cut off with a mark that says so."""

_MARKS = {"PASS": "✓", "FAIL": "✗", "INSUFFICIENT": "?"}


def html(report: Report) -> str:
    """The whole file. Every text that comes from data is escaped by the template."""
    template = environment("monitor.reports").get_template("report.html")
    return template.render(
        report=report, figures=_figures(report), delay_words=[delay(one) for one in report.coverage.delays]
    )


def _figures(report: Report) -> Mapping[str, list[Markup | None]]:
    """SVG for each section, ``None`` where there is nothing to draw."""
    trends = [
        _drawn(any(point.measured.value is not None for point in one.points),
               partial(drawing.trend, one, f"trend {place}", f"trend of {one.metric}"))
        for place, one in enumerate(report.trends)
    ]  # fmt: skip
    words = [delay(one) for one in report.coverage.delays]
    coverage = [
        _drawn(report.coverage.predictions > 0, partial(drawing.coverage, report.coverage, "coverage", "coverage")),
        _drawn(
            any(one.labels for one in report.coverage.delays),
            partial(drawing.delays, report.coverage, words, "delays", "label delay"),
        ),
    ]
    return {
        "trends": trends,
        "coverage": coverage,
        "reliability": [
            _drawn(bool(one.groups), partial(drawing.reliability, one, f"reliability {place}", "reliability diagram"))
            for place, one in enumerate(report.reliability.curves)
        ],
        "scores": [
            _drawn(sum(one.predictions) > 0, partial(drawing.distribution, one, f"scores {place}", "distribution"))
            for place, one in enumerate(report.scores)
        ],
        "estimates": [
            drawing.estimated(report.estimates.parts, metric, f"estimate {place}", f"estimate of {metric}")
            for place, metric in enumerate(estimated(report))
        ],
    }


def _drawn(wanted: bool, draw: Callable[[], Markup]) -> Markup | None:
    return draw() if wanted else None


def estimated(report: Report) -> list[str]:
    """The metrics that were estimated."""
    return [one.metric for one in report.estimates.parts[0].metrics] if report.estimates.parts else []


def delay(one: Delay) -> str:
    """A bin of the label delay in words."""
    if one.least is None:
        return "before their event"
    if one.below is None:
        return f"{span(one.least)} or more"
    return f"under {span(one.below)}" if one.least == 0 else f"{span(one.least)} to {span(one.below)}"


def _value(told: Measured) -> str:
    return "-" if told.value is None else number(told.value)


def _interval(low: float | None, high: float | None) -> str:
    """Both ends, ``…`` where there is none; ``-`` where nothing is known."""
    if low is None and high is None:
        return "-"
    return interval(-float("inf") if low is None else low, float("inf") if high is None else high)


def _percent(share: float | None, digits: int = 1) -> str:
    return "-" if share is None else f"{share:.{digits}%}".replace("%", " %")


def _short(text: str, longest: int = LONGEST) -> str:
    """Without control characters, and no longer than a table can bear."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[: longest + 1])
    return shown if len(shown) <= longest else f"{shown[:longest]}… ({len(text):,} characters)"


def environment(*packages: str) -> Environment:
    """Finds templates in these packages, the first first. Every text is escaped."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader(one) for one in packages]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    made.filters |= {
        "count": lambda n: f"{n:,}",
        "figure": lambda value: "-" if value is None else number(value),
        "percent": _percent,
        "moment": moment,
        "short": _short,
        "span": lambda micros: "-" if micros is None else span(micros),
        "value": _value,
    }
    made.globals |= {"interval": _interval, "mark": _MARKS.__getitem__, "estimated": estimated}
    return made
