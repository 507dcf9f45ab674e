"""The metrics of a fleet of workers."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from scorer.observe.metrics import COUNTERS, GAUGES, LATENCY_BOUNDS, Fleet, Tally, expose


def samples(fleet: Fleet) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Everything that is exposed, read back by Prometheus' own parser."""
    families = text_string_to_metric_families(expose(fleet).decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_every_worker_has_its_series() -> None:
    fleet = Fleet()
    for worker in ("0", "1"):
        tally = Tally()
        tally.count("scorer_predictions", "v1", "champion", by=3 + int(worker))
        tally.show("scorer_ready", {(): 1.0})
        fleet.tallies[worker] = tally
    found = samples(fleet)
    labels = (("role", "champion"), ("version", "v1"))
    assert found["scorer_predictions_total", (*labels, ("worker", "0"))] == 3
    assert found["scorer_predictions_total", (*labels, ("worker", "1"))] == 4
    assert found["scorer_ready", (("worker", "1"),)] == 1


def test_a_successor_goes_on_counting_where_the_worker_before_it_was() -> None:
    past, now = Tally(), Tally()
    past.count("scorer_events", by=10)
    past.latency[0], past.latency_sum = 10.0, 0.5
    now.count("scorer_events", by=5)
    now.add(past)
    fleet = Fleet()
    fleet.tallies["0"] = now
    found = samples(fleet)
    assert found["scorer_events_total", (("worker", "0"),)] == 15
    assert found["scorer_latency_seconds_count", (("worker", "0"),)] == 10
    assert found["scorer_latency_seconds_sum", (("worker", "0"),)] == 0.5


def test_the_histogram_is_cumulative() -> None:
    tally = Tally()
    tally.latency = [1.0] * (len(LATENCY_BOUNDS) + 1)
    fleet = Fleet()
    fleet.tallies["0"] = tally
    found = samples(fleet)
    assert found["scorer_latency_seconds_bucket", (("le", "0.001"), ("worker", "0"))] == 1
    assert found["scorer_latency_seconds_bucket", (("le", "+Inf"), ("worker", "0"))] == len(LATENCY_BOUNDS) + 1


def test_a_gauge_forgets_what_is_no_longer_so() -> None:
    tally = Tally()
    tally.show("scorer_partition_lag", {("t", "0"): 5.0, ("t", "1"): 6.0})
    tally.show("scorer_partition_lag", {("t", "1"): 7.0})
    assert tally.gauges == {("scorer_partition_lag", ("t", "1")): 7.0}


def test_every_metric_is_counted_somewhere_and_nothing_else_is() -> None:
    package = Path(__file__).parents[2] / "scorer"
    sources = "".join(file.read_text("utf-8") for file in package.rglob("*.py") if file.name != "metrics.py")
    used = set(re.findall(r'(?:count|show)\(\s*"(scorer_\w+)"', sources))
    assert used == {*COUNTERS, *GAUGES}
