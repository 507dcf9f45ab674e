"""Twenty seeded chaos runs; ``make chaos SEEDS=N`` makes more. docs/chaos.md has the record of 500."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future

import pytest

from tests.chaos.lanes import LANES, running
from tests.chaos.run import Outcome, describe
from tests.chaos.schedule import POINTS, draw

SEEDS = range(1, 21)


@pytest.fixture(scope="module")
def outcomes(
    kafka: object, redis_server: object, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[int, Future[Outcome]]]:
    """The outcomes of the seeds that were chosen, on services of their own, because those are killed and frozen.

    The shared ones are asked for so that a machine that cannot run any is dealt with as everywhere.
    """
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    ours = [item for item in items if item.getparent(pytest.Module) is request.node and "seed" in item.fixturenames]
    seeds = [item.callspec.params["seed"] for item in ours]
    with running([seed for seed in seeds if isinstance(seed, int)], LANES, tmp_path_factory.mktemp("chaos")) as found:
        yield found


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_doubled_or_wrong(seed: int, outcomes: Mapping[int, Future[Outcome]]) -> None:
    outcome = outcomes[seed].result()
    assert not outcome.broken, f"{describe(outcome.schedule)}: {outcome.count}"
    assert outcome.count.predictions > 0


def test_the_seeds_of_the_suite_try_every_kill_point_and_every_disturbance() -> None:
    steps = [step for seed in SEEDS for step in draw(seed).steps]
    assert {step.detail.split()[0] for step in steps if step.what == "kill"} == set(POINTS)
    assert {step.what for step in steps} >= {"kill tree", "second tree", "restart broker", "freeze redis", "poison"}


def test_a_seed_gives_the_same_schedule_again() -> None:
    assert draw(7) == draw(7) != draw(8)
