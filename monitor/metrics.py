"""The metrics: plain numbers that the loop writes, and the page for Prometheus that shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.judge.verdicts import Subject, Verdict

Labels = tuple[str, ...]

MOST_SERIES = 500
"""Series of one metric at most. What has no room is counted in ``monitor_series_left_out``."""

LONGEST_LABEL = 100
"""Characters of a label's value, which may come from events; what is longer is cut."""

TICK_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

JUDGEMENTS: Mapping[str, float] = {"PASS": 1.0, "INSUFFICIENT": 0.0, "FAIL": -1.0}


class Family(NamedTuple):
    """A metric: what it is, and which labels it has."""

    kind: Literal["gauge", "counter"]
    help: str
    labels: Labels = ()


_OF = ("version",)
_JUDGED = ("metric", "window", "judged", "segment", "role", "version")

FAMILIES: Mapping[str, Family] = {
    "monitor_ready": Family("gauge", "1 while nothing keeps it from its work."),
    "monitor_lease_held": Family("gauge", "1 while this process is the one at work."),
    "monitor_redis_silent_seconds": Family("gauge", "For how long Redis has not answered."),
    "monitor_followed_info": Family("gauge", "1 for each version that is followed.", ("role", "version")),
    "monitor_followed_refused": Family("gauge", "Pointers, or versions that they name, that are not followed."),
    "monitor_verdict": Family(
        "gauge", "The newest window of each requirement: 1 PASS, 0 INSUFFICIENT evidence, -1 FAIL.", _JUDGED
    ),
    "monitor_value": Family("gauge", "The metric itself, of the labels known so far.", _JUDGED),
    "monitor_value_low": Family("gauge", "The lower bound on which the verdict rests.", _JUDGED),
    "monitor_value_high": Family("gauge", "The upper bound on which the verdict rests.", _JUDGED),
    "monitor_value_labels": Family("gauge", "The labels that the metric is of.", _JUDGED),
    "monitor_incidents_open": Family("gauge", "Incidents that are not resolved.", ("kind", "severity")),
    "monitor_coverage": Family("gauge", "The share of the last closed day's predictions that have a label.", _OF),
    "monitor_pending_predictions": Family("gauge", "Predictions that are kept and have no label.", _OF),
    "monitor_lag": Family("gauge", "Offsets between what was read and the end.", ("topic",)),
    "monitor_judged_timestamp_seconds": Family("gauge", "Up to which event time is judged, seconds since 1970."),
    "monitor_tick_timestamp_seconds": Family("gauge", "The time of the last tick, seconds since 1970."),
    "monitor_snapshot_timestamp_seconds": Family(
        "gauge", "When what others read, and most of these metrics, was published, seconds since 1970."
    ),
    "monitor_outbox": Family("gauge", "What waits to be sent.", ("kind",)),
    "monitor_state_bytes": Family("gauge", "The size of the state file."),
    "monitor_peak_resident_bytes": Family("gauge", "The most memory that the process has had."),
    "monitor_series_left_out": Family("gauge", "Series for which a metric has no room.", ("name",)),
    "monitor_rows": Family("counter", "Records read.", ("topic",)),
    "monitor_rows_refused": Family("counter", "Records that do not count, or could not be used.", ("topic", "reason")),
    "monitor_ticks": Family("counter", "Ticks since the state was made."),
    "monitor_commands": Family("counter", "Commands that were answered.", ("kind", "outcome")),
    "monitor_alarms": Family("counter", "Alarms that a channel has taken, or not.", ("channel", "outcome")),
}
"""All but the histogram ``monitor_step_seconds``; Prometheus adds ``_total`` to counters."""

STEP = "monitor_step_seconds"


class Metrics(Collector):
    """A series is there from when it is first written. Each metric is written by one thread, and shown by another."""

    def __init__(self) -> None:
        self._series: dict[str, dict[Labels, float]] = {name: {} for name in FAMILIES}
        self._left_out: dict[str, int] = {}
        self._steps = [0.0] * (len(TICK_SECONDS) + 1)
        self._steps_sum = 0.0

    def set(self, name: str, value: float, *labels: str) -> None:
        """Set one series."""
        self.show(name, self._series[name] | {labels: value})

    def count(self, name: str, *labels: str, by: float = 1.0) -> None:
        """Add to one series."""
        self.set(name, self._series[name].get(_cut(labels), 0.0) + by, *labels)

    def show(self, name: str, values: Mapping[Labels, float]) -> None:
        """Let these be all series of a metric, at once; the first ``MOST_SERIES`` of them."""
        family = FAMILIES[name]
        kept: dict[Labels, float] = {}
        for labels, value in values.items():
            if len(labels) != len(family.labels):
                raise ValueError(f"{name} has the labels {family.labels}, not {len(labels)}")
            if len(kept) < MOST_SERIES:
                kept[_cut(labels)] = value
        self._series[name] = kept
        self._left_out[name] = max(0, len(values) - MOST_SERIES)

    def verdicts(self, found: Iterable[Verdict]) -> None:
        """Show the newest window of each requirement, version, role and segment; those that FAIL come first."""
        newest: dict[Subject, Verdict] = {}
        for verdict in found:
            about = verdict.subject._replace(number=0)
            if about not in newest or newest[about].number < verdict.number:
                newest[about] = verdict
        ordered = {_labels(one): one for one in sorted(newest.values(), key=lambda one: JUDGEMENTS[one.verdict])}
        self.show("monitor_verdict", {labels: JUDGEMENTS[one.verdict] for labels, one in ordered.items()})
        self.show("monitor_value", {k: one.value for k, one in ordered.items() if one.value is not None})
        self.show("monitor_value_low", {labels: one.low for labels, one in ordered.items()})
        self.show("monitor_value_high", {labels: one.high for labels, one in ordered.items()})
        self.show("monitor_value_labels", {labels: float(one.n) for labels, one in ordered.items()})

    def took(self, seconds: float) -> None:
        """A step, from reading to commit, has taken so long."""
        place = sum(seconds > bound for bound in TICK_SECONDS)
        self._steps = [number + (at == place) for at, number in enumerate(self._steps)]
        self._steps_sum += seconds

    def collect(self) -> Iterable[Metric]:
        """The metric families. Called by the thread that answers."""
        left_out = {(name,): float(number) for name, number in dict(self._left_out).items() if number}
        for name, family in FAMILIES.items():
            series = left_out if name == "monitor_series_left_out" else self._series[name]
            kind = GaugeMetricFamily if family.kind == "gauge" else CounterMetricFamily
            metric = kind(name, family.help, labels=family.labels)
            for labels, value in series.items():
                metric.add_metric(labels, value)
            yield metric
        below, buckets = 0.0, []
        for bound, number in zip((*map(str, TICK_SECONDS), "+Inf"), self._steps, strict=True):
            below += number
            buckets.append((bound, below))
        histogram = HistogramMetricFamily(STEP, "How long a step takes, from reading to commit.")
        histogram.add_metric((), buckets, self._steps_sum)
        yield histogram

    def expose(self) -> bytes:
        """The text format that Prometheus scrapes."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)


def _labels(verdict: Verdict) -> Labels:
    segment = "" if verdict.segment is None else "=".join(verdict.segment)
    return verdict.name, verdict.window, verdict.judged.split()[0], segment, verdict.role, verdict.version


def _cut(labels: Labels) -> Labels:
    return tuple(text[:LONGEST_LABEL] for text in labels)
