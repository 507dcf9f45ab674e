"""``scorer run`` as operators meet it: processes that are killed, frozen, doubled, and told to stop."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis as redis_client

from sandbox import Kafka
from scorer.errors import SettingsError
from tests.conftest import SharedRedis
from tests.integration.deployment import Deployment, until
from tests.integration.tree import Tree

Deploy = Callable[..., Deployment]
ENDLESS = 600_000
"""Milliseconds of a session that no test sees the end of."""


@pytest.fixture
def deployment(deploy_with_registry: Deploy, redis: redis_client.Redis) -> Deployment:
    """A deployment whose champion is v1."""
    deployment = deploy_with_registry()
    deployment.push(redis, "v1")
    redis.set(deployment.keys.champion, "v1")
    return deployment


@contextmanager
def trickle(deployment: Deployment) -> Iterator[None]:
    """Events all the time, to all partitions."""
    stop = threading.Event()

    def send() -> None:
        while not stop.wait(0.02):
            for partition in range(4):
                deployment.send(1, partition=partition)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def scored(deployment: Deployment) -> int:
    """How many events' offsets are committed."""
    return sum(deployment.committed().values())


def await_all(deployment: Deployment) -> None:
    """Wait until every event is scored."""
    deployment.await_committed(deployment.sent)


def await_scored_since(deployment: Deployment, since: float) -> None:
    """Wait until each partition has a new prediction, scored after ``since`` (epoch seconds)."""

    def all_have_one() -> bool:
        firsts = {
            output.source[1]
            for output in deployment.outputs()
            if output.prediction and output.prediction["scored_time"].timestamp() > since
        }
        return len(firsts) == 4

    until(all_have_one, "some partition is scored no more")


def test_it_waits_for_a_champion_and_says_so(deploy_with_registry: Deploy, redis: redis_client.Redis) -> None:
    deployment = deploy_with_registry()
    deployment.send([deployment.event(number, None if number < 3 else 0.5) for number in range(10)])
    with Tree(deployment) as tree:
        until(lambda: "scorer champion set" in tree.not_ready(), "it does not say what is missing")
        assert tree.get("/health")[0] == 200
        deployment.push(redis, "v1")
        redis.set(deployment.keys.champion, "v1")
        tree.await_ready()
        await_all(deployment)
        until(lambda: tree.metric("scorer_predictions_total", version="v1", role="champion") == 10, "it is not counted")
        assert tree.metric("scorer_champion_info", version="v1") == 1
        assert tree.metric("scorer_flagged_total", flag="imputed") == 3
        tree.process.terminate()
        assert tree.process.wait(30) == 0
    assert {output.prediction["version"] for output in deployment.assert_exactly_once() if output.prediction} == {"v1"}
    [applied] = deployment.audit()
    assert (applied["event"], applied["pointer"], applied["version"]) == ("applied", "champion", "v1")


def test_the_successor_of_a_killed_worker_waits_for_no_session_to_end(deployment: Deployment) -> None:
    """How soon it scores again depends on the machine; that nothing is waited for does not."""
    with Tree(deployment, workers=2, session_timeout_ms=ENDLESS) as tree:
        tree.await_ready()
        with trickle(deployment):
            until(lambda: scored(deployment) > 100, "it does not start")
            before = tree.metric("scorer_events_total")
            at = time.time()
            os.kill(tree.workers()[0], signal.SIGKILL)
            await_scored_since(deployment, at)
        await_all(deployment)
        assert "ended by SIGKILL; it is started again" in tree.text()
        assert tree.metric("scorer_worker_restarts_total") == 1
        # A successor goes on counting where the killed one was.
        until(lambda: tree.metric("scorer_events_total") > before, "the counts of the killed one are lost")
    deployment.assert_exactly_once()


def test_the_successor_of_a_killed_tree_waits_for_no_session_to_end(deployment: Deployment) -> None:
    with Tree(deployment, workers=2, session_timeout_ms=ENDLESS) as tree, trickle(deployment):
        tree.await_ready()
        until(lambda: scored(deployment) > 100, "it does not start")
        tree.kill()
    with Tree(deployment, workers=2, session_timeout_ms=ENDLESS):
        with trickle(deployment):
            await_scored_since(deployment, time.time())
        await_all(deployment)
    deployment.assert_exactly_once()


def test_when_a_host_is_gone_for_good_another_takes_over(deployment: Deployment) -> None:
    with Tree(deployment, instance="one") as one, Tree(deployment, instance="two") as two:
        one.await_ready()
        two.await_ready()
        with trickle(deployment):
            until(lambda: all(tree.metric("scorer_predictions_total") > 0 for tree in (one, two)), "one does nothing")
            at = time.time()
            one.kill()
            await_scored_since(deployment, at)
        await_all(deployment)
    deployment.assert_exactly_once()


@pytest.mark.parametrize(("membership", "session"), [("static", None), ("dynamic", ENDLESS)])
def test_after_scaling_down_the_others_take_over(deployment: Deployment, membership: str, session: int | None) -> None:
    """Those of a dynamic group at once, of a static one when the session of the one that left has ended."""
    with Tree(deployment, instance="one", membership=membership, session_timeout_ms=session) as one:
        one.await_ready()
        with Tree(deployment, instance="two", membership=membership, session_timeout_ms=session) as two:
            two.await_ready()
            with trickle(deployment):
                until(
                    lambda: all(tree.metric("scorer_predictions_total") > 0 for tree in (one, two)), "one does nothing"
                )
                two.process.terminate()
                assert two.process.wait(60) == 0
                await_scored_since(deployment, time.time())
        await_all(deployment)
    deployment.assert_exactly_once()


def test_of_two_with_one_name_the_elder_ends_with_a_named_error(deployment: Deployment) -> None:
    with Tree(deployment) as elder:
        elder.await_ready()
        deployment.send(100)
        await_all(deployment)
        with Tree(deployment) as younger:
            deployment.send(100)
            assert elder.process.wait(60) == 8
            assert "Fenced: another process has taken this one's name" in elder.text()
            assert elder.text().count("started, process") == 1
            younger.await_ready()
            await_all(deployment)
    deployment.assert_exactly_once()


def test_more_workers_than_partitions(deployment: Deployment) -> None:
    with Tree(deployment, workers=6) as tree:
        tree.await_ready()
        deployment.send(500)
        await_all(deployment)
        until(
            lambda: sum(len(w["partitions"]) for w in tree.ready()["workers"]) == 8, "not all partitions have a worker"
        )
        assert not tree.not_ready()
    deployment.assert_exactly_once()


def test_too_many_dead_letters_stop_it_before_they_count(deployment: Deployment) -> None:
    deployment.send(9_000)
    with Tree(deployment) as tree:
        await_all(deployment)
        deployment.send([b"garbage"] * 5_001, key=b"one")
        assert tree.process.wait(60) == 10
        assert "dead letters, more than scorer.max_dead_letter_share = 0.5 allows" in tree.text()
        assert "not with the 0 of Confluent's framing" in tree.text()
        assert tree.text().count("started, process") == 1
    dead = [output for output in deployment.outputs() if output.prediction is None]
    assert len(dead) <= 5_000
    with Tree(deployment, max_dead_letter_share=1.0):
        await_all(deployment)
    deployment.assert_exactly_once()


def test_workers_do_not_outlive_their_parent(deployment: Deployment) -> None:
    with Tree(deployment, workers=2) as tree:
        tree.await_ready()
        workers = tree.workers()
        tree.process.kill()
        tree.process.wait(30)
        until(lambda: not any(alive(pid) for pid in workers), "a worker lives on")
        assert tree.text().count("the parent is gone: finishing") == 2


def alive(pid: int) -> bool:
    """Whether a process of that id runs (or waits to be buried by a parent that is not ours)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_brokers_that_go_and_come_back_cost_nothing(
    new_kafka: Callable[..., Kafka], redis_server: SharedRedis, redis: redis_client.Redis, tmp_path: object
) -> None:
    kafka = new_kafka()
    deployment = Deployment(tmp_path, kafka.bootstrap, redis_server.url)  # type: ignore[arg-type]
    deployment.push(redis, "v1")
    redis.set(deployment.keys.champion, "v1")
    with Tree(deployment) as tree:
        tree.await_ready()
        deployment.send(500)
        await_all(deployment)
        for end in (kafka.stop, kafka.kill):
            end()
            kafka.restart()
            deployment.send(500)
            await_all(deployment)
        tree.await_ready()
        kafka.freeze()
        # Once the session has ended there are no partitions left that could stand still.
        until(lambda: "joining the group" in tree.not_ready(), "it is ready without a broker")
        tree.process.terminate()  # in the middle of an outage: it leaves in time
        assert tree.process.wait(60) in (0, 11)
        kafka.thaw()
    deployment.send(500)
    with Tree(deployment):
        await_all(deployment)
    deployment.assert_exactly_once()


def test_a_signal_to_the_whole_group_ends_it_in_good_order(deployment: Deployment) -> None:
    """As systemd and terminals send it: parent, workers and fork server all get it at once."""
    with Tree(deployment, workers=2) as tree:
        tree.await_ready()
        deployment.send(500)
        os.killpg(tree.process.pid, signal.SIGTERM)
        assert tree.process.wait(30) == 0
        assert tree.text().count("ended with exit code 0") == 2
    with Tree(deployment):
        await_all(deployment)
    deployment.assert_exactly_once()


def test_a_temporary_directory_too_deep_for_sockets_is_named(deployment: Deployment, tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 25)
    deep.mkdir()
    with Tree(deployment, variables={"TMPDIR": str(deep)}) as tree:
        assert tree.process.wait(60) == SettingsError.exit_code
        assert "set TMPDIR to a shorter one" in tree.text()
        assert "Traceback" not in tree.text()
