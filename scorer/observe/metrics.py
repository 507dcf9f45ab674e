"""The metrics: counted in each worker as plain numbers, served by the parent for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

Key = tuple[str, tuple[str, ...]]
"""A metric's name and the values of its labels."""

# name: (help, label names besides worker)
COUNTERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "scorer_events": ("Events read.", ()),
    "scorer_predictions": ("Predictions made, those too large for their topic included.", ("version", "role")),
    "scorer_dead_letters": ("Dead letters written, by the code of their reason.", ("code",)),
    "scorer_flagged": ("Predictions that bear a flag.", ("flag",)),
    "scorer_batches": ("Batches scored.", ()),
    "scorer_commits": ("Transactions committed.", ()),
    "scorer_aborts": ("Transactions aborted, their events read again.", ()),
    "scorer_rebalances": ("Times that partitions were assigned, revoked or lost.", ("kind",)),
    "scorer_flips": ("Pointers applied or refused.", ("pointer", "outcome")),
    "scorer_worker_restarts": ("Times that this worker was started again after a crash.", ()),
}
GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "scorer_ready": ("1 while the worker scores, or could score, events.", ()),
    "scorer_champion_info": ("1 for the version whose predictions count.", ("version", "digest")),
    "scorer_partition_lag": ("Events behind the end of an assigned partition.", ("topic", "partition")),
    "scorer_partition_still_seconds": ("How long an assigned partition has made no progress.", ("topic", "partition")),
    "scorer_registry_silent_seconds": ("How long ago Redis last answered; absent if it never has.", ()),
    "scorer_peak_resident_bytes": ("The most memory that the worker has had.", ()),
}
LATENCY = "scorer_latency_seconds"
LATENCY_HELP = "From the broker's timestamp of an event to its scoring."
LATENCY_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 600.0)


@dataclass(slots=True)
class Tally:
    """What one worker has counted. Written by its loop, sent to the parent as it is."""

    counters: dict[Key, float] = field(default_factory=dict)
    gauges: dict[Key, float] = field(default_factory=dict)
    latency: list[float] = field(default_factory=lambda: [0.0] * (len(LATENCY_BOUNDS) + 1))
    latency_sum: float = 0.0

    def count(self, name: str, *labels: str, by: float = 1.0) -> None:
        """Add to a counter."""
        self.counters[name, labels] = self.counters.get((name, labels), 0.0) + by

    def show(self, name: str, values: Mapping[tuple[str, ...], float]) -> None:
        """Set a gauge for these labels, and forget it for all others."""
        for key in [key for key in self.gauges if key[0] == name and key[1] not in values]:
            del self.gauges[key]
        self.gauges |= {(name, labels): value for labels, value in values.items()}

    def add(self, past: Tally) -> None:
        """Take over the counts of a predecessor, so that no counter goes backwards when a worker is restarted."""
        for key, value in past.counters.items():
            self.counters[key] = self.counters.get(key, 0.0) + value
        self.latency = [a + b for a, b in zip(self.latency, past.latency, strict=True)]
        self.latency_sum += past.latency_sum


class Fleet(Collector):
    """All workers' tallies as one set of metrics. ``tallies`` is asked at every scrape."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}

    def collect(self) -> Iterable[Metric]:
        """The metric families, with the worker as first label."""
        tallies = dict(self.tallies)
        for name, (text, labels) in COUNTERS.items():
            counter = CounterMetricFamily(name, text, labels=("worker", *labels))
            for worker, tally in tallies.items():
                for (key, values), number in tuple(tally.counters.items()):
                    if key == name:
                        counter.add_metric((worker, *values), number)
            yield counter
        for name, (text, labels) in GAUGES.items():
            gauge = GaugeMetricFamily(name, text, labels=("worker", *labels))
            for worker, tally in tallies.items():
                for (key, values), number in tuple(tally.gauges.items()):
                    if key == name:
                        gauge.add_metric((worker, *values), number)
            yield gauge
        yield self._latency(tallies)

    def _latency(self, tallies: Mapping[str, Tally]) -> Metric:
        family = HistogramMetricFamily(LATENCY, LATENCY_HELP, labels=("worker",))
        for worker, tally in tallies.items():
            below, buckets = 0.0, []
            for bound, number in zip((*map(str, LATENCY_BOUNDS), "+Inf"), tally.latency, strict=True):
                below += number
                buckets.append((bound, below))
            family.add_metric((worker,), buckets, tally.latency_sum)
        return family


def expose(fleet: Fleet) -> bytes:
    """The text format that Prometheus scrapes."""
    registry = CollectorRegistry()
    registry.register(fleet)
    return generate_latest(registry)
