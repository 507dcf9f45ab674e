"""Twenty seeded chaos runs; ``make chaos SEEDS=N`` makes more. docs/chaos.md has the record of five hundred."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Kafka, Valkey
from tests.chaos.run import BROKER, Chaos, describe
from tests.chaos.schedule import POINTS, draw

SEEDS = range(1, 21)


@pytest.fixture(scope="module")
def services(kafka: object, redis_server: object) -> Iterator[tuple[Kafka, Valkey]]:
    """A broker and a registry for these runs alone, because they are killed and frozen.

    The shared ones are asked for so that a machine that cannot run any is dealt with as everywhere.
    """
    with Kafka.start(settings=BROKER) as own_kafka, Valkey.start() as own_valkey:
        yield own_kafka, own_valkey


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_doubled_or_wrong(seed: int, services: tuple[Kafka, Valkey], tmp_path: Path) -> None:
    schedule = draw(seed)
    outcome = Chaos(schedule, tmp_path, *services).run()
    assert not outcome.broken, f"{describe(schedule)}: {outcome.count}"
    assert outcome.count.predictions > 0


def test_the_seeds_of_the_suite_try_every_kill_point_and_every_disturbance() -> None:
    steps = [step for seed in SEEDS for step in draw(seed).steps]
    assert {step.detail.split()[0] for step in steps if step.what == "kill"} == set(POINTS)
    assert {step.what for step in steps} >= {"kill tree", "second tree", "restart broker", "freeze redis", "poison"}


def test_a_seed_gives_the_same_schedule_again() -> None:
    assert draw(7) == draw(7) != draw(8)
