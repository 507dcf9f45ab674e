"""The server of the three pages that machines ask the running monitor for."""

from __future__ import annotations

from pathlib import Path

from monitor.metrics import Metrics
from monitor.web.condition import Condition
from monitor.web.published import fill
from scorer.observe.http import Server, for_machines


def server(address: str, condition: Condition, metrics: Metrics, snapshot: Path) -> Server:
    """Answers /health, /ready and /metrics at ``address`` (host:port) once it is started.

    A process that stands by shows no metrics of the snapshot: another one does. Raises SettingsError where the address
    is taken.
    """

    def expose() -> bytes:
        metrics.set("monitor_ready", float(condition.ready()[0]))
        metrics.set("monitor_lease_held", float("lease" not in condition.obstacles))
        if "lease" not in condition.obstacles:
            fill(metrics, snapshot)
        return metrics.expose()

    return Server(address, for_machines(condition.health, condition.ready, expose), setting="monitor.http")
