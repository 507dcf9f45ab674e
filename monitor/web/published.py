"""What the published snapshot says, as metrics: asked for when somebody looks, so that the loop need not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from monitor.judge.incidents import KEPT, Incidents
from monitor.metrics import Metrics
from monitor.rows import DAY
from monitor.store.cohorts import BEGINNING, closed_before
from monitor.store.errors import SnapshotMissing, StateRefused
from monitor.store.reading import Snapshot

OUTBOX = ("verdict", "mail", "outcomes", "audit")
"""The kinds of what waits to be sent."""

MICROSECONDS = 1e6


def fill(metrics: Metrics, path: Path) -> None:
    """Show what the snapshot at ``path`` says. Where there is none yet, nothing is shown: then it has no timestamp."""
    try:
        published = path.stat().st_mtime
        with Snapshot(path) as snapshot:
            _fill(metrics, snapshot)
    except (FileNotFoundError, SnapshotMissing, StateRefused):
        metrics.show("monitor_snapshot_timestamp_seconds", {})
    else:
        metrics.set("monitor_snapshot_timestamp_seconds", published)


def _fill(metrics: Metrics, snapshot: Snapshot) -> None:
    clock = snapshot.clock
    metrics.set("monitor_ticks", clock.number)
    metrics.set("monitor_tick_timestamp_seconds", clock.time / MICROSECONDS)
    if clock.reached > BEGINNING:
        judged = closed_before(clock.reached, snapshot.timing)
        metrics.set("monitor_judged_timestamp_seconds", judged / MICROSECONDS)
    metrics.show("monitor_rows_refused", {(one.topic, one.reason): float(one.n) for one in snapshot.counts()})
    metrics.show("monitor_outbox", {(kind,): float(snapshot.waiting(kind)) for kind in OUTBOX})
    metrics.verdicts(snapshot.newest_verdicts())
    _coverage(metrics, snapshot)
    _incidents(metrics, snapshot)


def _incidents(metrics: Metrics, snapshot: Snapshot) -> None:
    kept = snapshot.kept(KEPT)
    found = [] if kept is None else Incidents.of_json(kept).open.values()
    numbers = Counter((one.kind, one.severity) for one in found)
    metrics.show("monitor_incidents_open", {labels: float(number) for labels, number in numbers.items()})


def _coverage(metrics: Metrics, snapshot: Snapshot) -> None:
    end = closed_before(snapshot.clock.reached, snapshot.timing)
    pending: Counter[str] = Counter()
    day: Counter[str] = Counter()
    labelled: Counter[str] = Counter()
    for one in snapshot.coverage():
        pending[one.version] += one.predictions - one.labelled
        if end - DAY <= one.hour < end:
            day[one.version] += one.predictions
            labelled[one.version] += one.labelled
    metrics.show("monitor_pending_predictions", {(version,): float(number) for version, number in pending.items()})
    metrics.show(
        "monitor_coverage", {(version,): labelled[version] / number for version, number in day.items() if number}
    )
