"""What a worker tells its parent, a few times a second: enough for /ready, /metrics and the log."""

from __future__ import annotations

from dataclasses import dataclass, field

from scorer.observe.metrics import Tally


@dataclass(slots=True)
class Report:
    """The state of one worker. ``not_ready`` says why it is not ready; empty when it is."""

    slot: int
    pid: int
    state: str = "starting"
    not_ready: list[str] = field(default_factory=lambda: ["starting"])
    champion: str | None = None
    trial: str | None = None
    source: str | None = None
    partitions: list[str] = field(default_factory=list)
    lag: int | None = None
    stalled: list[str] = field(default_factory=list)
    refusal: str | None = None
    tally: Tally = field(default_factory=Tally)
    failure: str | None = None
    """Why it ended, in its last report."""
