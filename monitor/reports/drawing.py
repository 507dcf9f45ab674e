"""The figures of a report as SVG that stands inside HTML: vectors and text, no script, nothing from outside.

All words in a figure are written here: names that come from data stand beside it, in HTML, where they are escaped.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Sequence

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from matplotlib.typing import RcKeyType

from monitor.reports.calibration import Curve
from monitor.reports.estimates import Estimated
from monitor.reports.labels import Labels
from monitor.reports.scores import Distribution
from monitor.reports.trends import Point, Trend

INK, FAINT, RULE = "#1b1f24", "#57606a", "#d0d7de"
BLUE, RED, ORANGE, GREY = "#0b5cad", "#b3261e", "#c25e00", "#a8b3bf"

SIZE = (4.7, 2.6)
"""Inches: as wide as a phone, so that its text is read there without zooming. Wider screens show two side by side."""

_LOCK = threading.Lock()
"""matplotlib's settings are those of the process."""

_STYLE: dict[RcKeyType, object] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.edgecolor": RULE,
    "axes.labelcolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#eaeef2",
    "grid.linewidth": 0.8,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "legend.handlelength": 1.4,
}


def trend(one: Trend, name: str, title: str) -> Markup:
    """Values with their intervals, and the bounds. Hollow: provisional. Red: all of the interval is beyond a bound."""

    def draw(axes: Axes) -> None:
        for place, point in enumerate(one.points):
            told = point.measured
            if told.value is None:
                continue
            colour = RED if _beyond(one, place) else BLUE
            low = told.value if told.low is None else told.low
            high = told.value if told.high is None else told.high
            axes.plot([place, place], [low, high], color=colour, linewidth=1.4, alpha=0.5, solid_capstyle="butt")
            fill = "white" if point.provisional else colour
            axes.plot(place, told.value, "o", markersize=4.0, color=colour, markerfacecolor=fill)
        for bound in one.bounds:
            for value in (bound.minimum, bound.maximum):
                if value is not None:
                    _steps(axes, value, bound.holds)
        _parts(axes, one.points)

    return svg(draw, name, title)


def coverage(labels: Labels, name: str, title: str) -> Markup:
    """The share of predictions with a label, part by part; hollow where cohorts are open."""

    def draw(axes: Axes) -> None:
        for place, part in enumerate(labels.parts):
            if part.share is not None:
                fill = "white" if part.provisional else BLUE
                axes.bar(place, part.share, width=0.7, color=fill, edgecolor=BLUE, linewidth=0.8)
        axes.set_ylim(0.0, 1.0)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        ticks(axes, [part.name for part in labels.parts])

    return svg(draw, name, title)


def delays(labels: Labels, words: Sequence[str], name: str, title: str) -> Markup:
    """How long labels took, as shares of them; bins without any at both ends are left out."""
    held = [place for place, one in enumerate(labels.delays) if one.labels]
    shown = range(held[0], held[-1] + 1) if held else range(0)
    total = sum(one.labels for one in labels.delays)

    def draw(axes: Axes) -> None:
        for row, place in enumerate(shown):
            axes.barh(row, labels.delays[place].labels / total, height=0.75, color=BLUE)
        axes.set_yticks(range(len(shown)), [words[place] for place in shown])
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.grid(visible=False, axis="y")

    return svg(draw, name, title, (SIZE[0], max(SIZE[1], 0.6 + 0.2 * len(shown))))


def reliability(curve: Curve, name: str, title: str) -> Markup:
    """Observed shares against mean scores; on the line, scores are what they claim to be."""

    def draw(axes: Axes) -> None:
        axes.plot([0.0, 1.0], [0.0, 1.0], color=GREY, linewidth=1.0, linestyle="--")
        for group in curve.groups:
            axes.plot([group.score] * 2, [group.low, group.high], color=BLUE, linewidth=1.4, alpha=0.5)
        axes.plot([group.score for group in curve.groups], [group.share for group in curve.groups], "o-",
                  color=BLUE, markersize=4.0, linewidth=1.0)  # fmt: skip
        axes.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0), xlabel="mean score", ylabel="share of the class")

    return svg(draw, name, title, (SIZE[0], 3.4))


def distribution(one: Distribution, name: str, title: str) -> Markup:
    """Shares of all predictions, and of those whose label is known."""

    def draw(axes: Axes) -> None:
        for counts, colour, words, filled in (
            (one.predictions, GREY, "all predictions", True),
            (one.labelled, BLUE, "those with a label", False),
        ):
            if sum(counts):
                shares = [count / sum(counts) for count in counts]
                axes.stairs(shares, one.edges, color=colour, linewidth=1.4, fill=filled, label=words)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        axes.set_xlim(one.edges[0], one.edges[-1])
        axes.set_ylim(0.0, 1.3 * axes.get_ylim()[1])  # room for the legend
        axes.set_xlabel("score")
        axes.legend(loc="upper right")

    return svg(draw, name, title)


def estimated(parts: Sequence[Estimated], metric: str, name: str, title: str) -> Markup:
    """The estimate of a metric and what its labels say, part by part; hollow where cohorts are open."""

    def draw(axes: Axes) -> None:
        of_metric = [next((one for one in part.metrics if one.metric == metric), None) for part in parts]
        places = [place for place, one in enumerate(of_metric) if one is not None and one.estimate is not None]
        values = [one.estimate for one in of_metric if one is not None and one.estimate is not None]
        axes.plot(places, values, "-", color=ORANGE, linewidth=1.4, label="estimated")
        for place, (one, part) in enumerate(zip(of_metric, parts, strict=True)):
            if one is not None and one.realised is not None:
                fill = "white" if part.provisional else BLUE
                axes.plot(place, one.realised, "o", color=BLUE, markersize=4.0, markerfacecolor=fill)
        axes.plot([], [], "o", color=BLUE, markersize=4.0, label="by labels")
        axes.yaxis.set_major_locator(MaxNLocator(5))
        ticks(axes, [part.name for part in parts])
        axes.legend(loc="best")

    return svg(draw, name, title)


def _beyond(one: Trend, place: int) -> bool:
    told = one.points[place].measured
    return any(
        bound.holds[place]
        and (
            (bound.minimum is not None and told.high is not None and told.high < bound.minimum)
            or (bound.maximum is not None and told.low is not None and told.low > bound.maximum)
        )
        for bound in one.bounds
    )


def _steps(axes: Axes, value: float, holds: Sequence[bool]) -> None:
    """A bound, where its season is on."""
    places = [place for place, on in enumerate(holds) if on]
    axes.hlines(
        [value] * len(places), [place - 0.5 for place in places], [place + 0.5 for place in places], INK, linewidth=1.0
    )


def _parts(axes: Axes, points: Sequence[Point]) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(5))
    ticks(axes, [point.name for point in points])


def ticks(axes: Axes, names: Sequence[str], *, whole: bool = False) -> None:
    """At most 8 names below the axis: the hour, or the day of the month; or ``whole``, as they are."""
    step = next(step for step in (1, 2, 3, 4, 6, 7, 14, 28, 56, 112, 10**9) if len(names) <= 8 * step)
    places = range(0, len(names), step)
    axes.set_xlim(-0.7, max(0, len(names) - 1) + 0.7)
    axes.set_xticks(places, [names[place] if whole or ":" in names[place] else names[place][5:] for place in places])
    axes.grid(visible=False, axis="x")


def svg(draw: Callable[[Axes], None], name: str, title: str, size: tuple[float, float] = SIZE) -> Markup:
    """``name`` sets the figure's ids apart from those of others; ``title`` is for those who cannot see it."""
    with _LOCK, mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.add_subplot())
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
    return _inside_html(written.getvalue(), title)


def _inside_html(document: str, title: str) -> Markup:
    """Without what only a file of its own needs: prologue, namespaces, fixed size, and ids that nothing refers to."""
    text = document[document.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    if box is None:
        raise ValueError("the figure has no view box")
    used = set(re.findall(r'(?:url\(#|xlink:href="#)([^)"]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda found: found.group(0) if found.group(1) in used else "", body)
    body = body.replace("xlink:href=", "href=")
    return Markup('<svg role="img" aria-label="{}" {}>').format(escape(title), Markup(box.group(0))) + Markup(body)  # noqa: S704  # matplotlib's own text, which it escapes
