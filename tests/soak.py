"""``python -m tests.soak --events N``: a long run under load, to see that memory stays flat and nothing is lost."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import redis

from sandbox import Kafka, Valkey, judge
from scorer import schema_files
from tests.integration.deployment import Deployment, until
from tests.integration.tree import Tree

SLICES = 10
POISON = 50
"""Every so many events one cannot be scored."""


def soak(deployment: Deployment, events: int) -> list[float]:
    """Score so many events in ten slices with a flip after each; the most memory of a worker after each, in bytes."""
    peaks = []
    with Tree(deployment) as tree:
        tree.await_ready()
        payloads = [deployment.event(number, (number % 13) / 4 - 1.5) for number in range(1_000)]
        topic = deployment.settings.topics.events
        for number in range(SLICES):
            for row in range(events // SLICES):
                value = payloads[row % 1_000] if row % POISON else b"poison"
                deployment.producer.produce(topic, value, b"%d" % row, headers=[("h", b"1")] if row % 3 else None)
                deployment.sent += 1
                if row % 5_000 == 0:
                    deployment.producer.flush(30)
            assert deployment.producer.flush(60) == 0
            deployment.await_committed(deployment.sent)
            flip(deployment, number)
            until(lambda: tree.metric("scorer_events_total") >= deployment.sent, "the last report does not come")
            peaks.append(tree.metric("scorer_peak_resident_bytes"))
    return peaks


def flip(deployment: Deployment, number: int) -> None:
    """Another version becomes champion, under a new name each time."""
    with redis.Redis.from_url(deployment.redis_url) as registry:
        deployment.push(registry, f"v{number + 2}", 1.0 + number)
        registry.set(deployment.keys.champion, f"v{number + 2}")


def main() -> int:
    """Run it; the exit code is 1 if something was lost or doubled, or memory grew by a tenth after the first half."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5_000_000, help="how many events")
    events = parser.parse_args().events
    with tempfile.TemporaryDirectory() as directory, Kafka.start() as kafka, Valkey.start() as valkey:
        deployment = Deployment(Path(directory), kafka.bootstrap, valkey.url)
        with valkey.client() as registry:
            deployment.push(registry, "v1")
            registry.set(deployment.keys.champion, "v1")
        peaks = soak(deployment, events)
        topics = deployment.settings.topics
        count = judge.count(
            judge.inputs(kafka.bootstrap, [topics.events]),
            judge.predictions(kafka.bootstrap, topics.predictions, schema_files.own("prediction")),
            judge.dead_letters(kafka.bootstrap, topics.dead_letters),
        )
    print(f"{count.events:,} events, broken: {count.broken or 'nothing'}")
    print("most memory after each tenth, MiB: " + ", ".join(f"{peak / 2**20:.0f}" for peak in peaks))
    return 1 if count.broken or peaks[-1] > 1.1 * peaks[SLICES // 2] else 0


if __name__ == "__main__":
    sys.exit(main())
