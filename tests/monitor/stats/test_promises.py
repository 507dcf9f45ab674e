"""The statistical promises by simulation, with few trials; ``simulate.py`` runs many."""

from __future__ import annotations

from tests.monitor.stats.coverage import coverages
from tests.monitor.stats.trials import Finding, findings, late_labels, peeking

RUNS = 400


def test_verdicts_stay_right_however_often_one_looks() -> None:
    assert broken(list(findings(RUNS))) == []


def test_fixed_intervals_cover_what_they_promise() -> None:
    assert broken(list(coverages(2 * RUNS))) == []


def test_what_is_usual_breaks_it() -> None:
    assert peeking(RUNS).value > 0.2
    arriving, _, early = late_labels(RUNS // 4)
    assert arriving > 0.9, "who judges labels as they arrive is wrong where the delay depends on the outcome"
    assert early < 0.85


def broken(found: list[Finding]) -> list[str]:
    return [f"{one.what}: {one.value:.3g}, {one.promise}" for one in found if not one.kept]
