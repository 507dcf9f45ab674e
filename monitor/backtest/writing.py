"""Results on disk: the last of each kind, which the next one is compared with; and as one HTML file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes

from monitor.backtest.asked import WINDOWS
from monitor.backtest.result import Partition, Result, Row, changes
from monitor.reports import drawing
from monitor.reports.page import environment
from monitor.reports.writing import put
from scorer.errors import SettingsError

COLOURS = (drawing.BLUE, drawing.ORANGE, drawing.GREY, drawing.RED)
SHOWN = 60
"""So many partitions are drawn at most, the last ones by name."""


def as_json(found: Result) -> str:
    """All of it as one JSON document, without NaN."""
    return json.dumps(asdict(found), ensure_ascii=False, indent=2, allow_nan=False)


def compared(found: Result, file: Path) -> Result:
    """With what is other than in the last result, which is in ``file``, if there is one; it takes its place.

    Raises SettingsError where the file holds something else.
    """
    last: Mapping[str, Any] | None = None
    if file.exists():
        try:
            last = json.loads(file.read_text("utf-8"))
            known = None if last is None else changes(last, json.loads(as_json(found)))
        except (ValueError, KeyError, TypeError) as error:
            raise SettingsError(f"{file} does not hold the last back-test's result: {error!r}; remove it") from None
        found = replace(found, changes=None if known is None else tuple(known))
    file.parent.mkdir(parents=True, exist_ok=True)
    put(file, as_json(found))
    return found


def html(found: Result) -> str:
    """The whole file. Every text that comes from data is escaped by the template."""
    by_name = sorted(found.partitions, key=lambda one: one.name)[-SHOWN:]
    figures = [_trend(found, by_name, row, f"{row.name} {number}") for number, row in enumerate(_drawn(found.whole))]
    template = environment("monitor.backtest", "monitor.reports").get_template("backtest.html")
    return template.render(
        found=found, figures=figures, rows=_drawn(found.whole), colours=COLOURS,
        shown=len(by_name), failing=_failing(found), windows=found.by in WINDOWS,
        drawn=min(len(found.versions), len(COLOURS)),
    )  # fmt: skip


def _failing(found: Result) -> list[int]:
    """In how many partitions each version fails."""
    several = range(len(found.versions))
    return [sum(one.versions[number].failed > 0 for one in found.partitions) for number in several]


def _drawn(whole: Partition) -> list[Row]:
    """The requirements on all rows of a partition."""
    return [row for row in whole.versions[0].rows if row.segment is None]


def _trend(found: Result, partitions: Sequence[Partition], wanted: Row, name: str) -> Markup:
    """The values of all versions with their intervals, and the bounds, partition by partition. Those that are no
    windows are numbered: their names come from data."""
    versions, bounds = found.versions, [one for one in (wanted.minimum, wanted.maximum) if one is not None]

    def draw(axes: Axes) -> None:
        for number in range(min(len(versions), len(COLOURS))):
            shift = 0.15 * (number - (min(len(versions), len(COLOURS)) - 1) / 2)
            for at, partition in enumerate(partitions):
                for row in partition.versions[number].rows:
                    if row.requirement != wanted.requirement or row.segment is not None or row.value is None:
                        continue
                    low, high = row.low, row.high
                    ends = [row.value if low is None else low, row.value if high is None else high]
                    axes.plot([at + shift] * 2, ends, color=COLOURS[number], linewidth=1.4, alpha=0.5)
                    axes.plot(at + shift, row.value, "o", markersize=4.0, color=COLOURS[number])
        for value in bounds:
            axes.axhline(value, color=drawing.INK, linewidth=1.0)
        windows = found.by in WINDOWS
        names = [one.name if windows else str(at) for at, one in enumerate(partitions, 1)]
        drawing.ticks(axes, names, whole=True)

    return drawing.svg(draw, name, "values by partition")
