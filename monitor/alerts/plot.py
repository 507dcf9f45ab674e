"""The trend of a metric as a picture: values, their intervals, and what is required."""

from __future__ import annotations

import io
import math

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from monitor.judge.sign import Trend

COLOURS = {"PASS": "#1a7f37", "FAIL": "#b42318", "INSUFFICIENT": "#8a8f98"}
_INK, _FAINT = "#1f2328", "#d0d7de"
_LABELS = 8


def png(trend: Trend) -> bytes:
    """The trend, 1,200 pixels wide, to be shown half as wide. Raises ValueError where it has no points."""
    if not trend.points:
        raise ValueError("a trend without points shows nothing")
    figure = Figure(figsize=(6.0, 2.7), dpi=200, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)  # draws without a display
    axes = figure.add_subplot()
    places = range(len(trend.points))
    axes.plot(places, [point.value for point in trend.points], color=_FAINT, linewidth=1.5, zorder=1)
    for place, point in zip(places, trend.points, strict=True):
        colour = COLOURS[point.verdict]
        low = point.value if point.low is None else point.low
        high = point.value if point.high is None else point.high
        axes.vlines(place, low, high, color=colour, linewidth=2.0, alpha=0.5, zorder=2)
        axes.plot(place, point.value, "o", color=colour, markersize=5, zorder=3)
    for words, bound in (("at least", trend.minimum), ("at most", trend.maximum)):
        if bound is not None:
            axes.axhline(bound, color=COLOURS["FAIL"], linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
            axes.annotate(
                f"{words} {bound:g}", (0.005, bound), xycoords=("axes fraction", "data"), ha="left", va="bottom",
                fontsize=8, color=COLOURS["FAIL"],
            )  # fmt: skip
    every = math.ceil(len(trend.points) / _LABELS)
    shown = [place for place in places if (len(trend.points) - 1 - place) % every == 0]
    axes.set_xticks(shown, [trend.points[place].label for place in shown])
    axes.set_title(trend.name, loc="left", fontsize=10, color=_INK, fontweight="bold")
    axes.tick_params(labelsize=8, colors=_INK, length=0)
    axes.grid(axis="y", color=_FAINT, linewidth=0.5)
    axes.margins(x=0.04 if len(trend.points) > 1 else 0.5, y=0.15)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
