"""What the page shows: a function of the snapshot and of the reports that are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.judge.candidates.candidate import Candidate
from monitor.judge.candidates.check import Check
from monitor.judge.candidates.kept import Kept
from monitor.reports import gather
from monitor.reports.gather import Asked
from monitor.reports.page import environment
from monitor.reports.periods import Span
from monitor.reports.promotion import Promotion
from monitor.reports.status import Status, problems
from monitor.store.counters import Flip
from monitor.store.reading import Snapshot
from monitor.web.questions import QUESTIONS

FLIPS = 20
"""So many of the latest flips are shown."""

CANDIDATES = 10
"""So many of the latest candidates are shown."""

REPORTS = 12
"""So many of the latest reports of each period are listed."""

_REPORT = re.compile(r"(?P<model>.+)-(?P<period>day|week|month)-(?P<key>[0-9-]{7,10})\.html")


@dataclass(frozen=True, slots=True)
class Shown:
    """All of it. ``days``: of each day, the newest first, how many predictions that count each version made; ``flips``:
    what scorers did about the pointers, the newest first; ``candidates`` with their checks now, the newest first;
    ``reports``: names of files by period, the newest first."""

    status: Status
    days: tuple[tuple[Span, Mapping[str, int]], ...]
    flips: tuple[Flip, ...]
    candidates: tuple[tuple[Candidate, tuple[Check, ...]], ...]
    promotions: tuple[Promotion, ...]
    reports: Mapping[str, tuple[str, ...]]


def gathered(snapshot: Snapshot, asked: Asked, reports: Iterable[str], time: int) -> Shown:
    """What the snapshot says at ``time``, microseconds since 1970. Raises StateRefused."""
    kept = Kept.read(snapshot.kept)
    return Shown(
        gather.now(snapshot, asked, time),
        tuple(gather.scored(snapshot)),
        tuple(snapshot.flips()[:FLIPS]),
        tuple((one, kept.checks.get(one.id, ())) for one in [*kept.register.of.values()][: -CANDIDATES - 1 : -1]),
        tuple(gather.promotions(snapshot, asked)),
        listed(reports, asked.model),
    )


def listed(names: Iterable[str], model: str) -> Mapping[str, tuple[str, ...]]:
    """The reports of a model among names of files."""
    found: dict[str, list[str]] = {}
    for name in sorted(names, reverse=True):
        said = _REPORT.fullmatch(name)
        if said is not None and said["model"] == model:
            found.setdefault(said["period"], []).append(name)
    return {period: tuple(several[:REPORTS]) for period, several in sorted(found.items())}


def files(directory: Path) -> list[str]:
    """The names of what lies in ``directory``; nothing where there is none yet."""
    try:
        return [one.name for one in directory.iterdir()]
    except FileNotFoundError:
        return []


def html(shown: Shown) -> str:
    """The page as one HTML document. Every text that comes from data is escaped by the template."""
    template = environment("monitor.web", "monitor.reports").get_template("people.html")
    return template.render(shown=shown, status=shown.status, problems=problems(shown.status), questions=QUESTIONS)


def excuse(model: str, why: str) -> str:
    """The page where there is nothing to show yet."""
    return environment("monitor.web", "monitor.reports").get_template("nothing.html").render(model=model, why=why)
