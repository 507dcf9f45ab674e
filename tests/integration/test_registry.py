"""``scorer run`` and its registry: flips, trials, refusals, and a Redis that is away, frozen or flushed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import redis as redis_client

from sandbox import Valkey
from scorer.model import build
from scorer.model.build import Design, Proof
from scorer.model.build_trees import ForestTree, forest
from scorer.model.inputs import Input
from scorer.model.version import VersionBytes
from scorer.registry import acl, pointers
from scorer.registry import versions as versions_in_redis
from scorer.registry.trial import Trial
from tests.conftest import SharedKafka
from tests.integration.deployment import Deployment, until
from tests.integration.tree import Tree


@pytest.fixture
def valkey(new_valkey: Callable[..., Valkey]) -> Valkey:
    """A server of the test's own, to be frozen and stopped."""
    return new_valkey()


@pytest.fixture
def deployment(kafka: SharedKafka, valkey: Valkey, tmp_path: Path) -> Deployment:
    """A deployment with two good versions, v1 the champion, and one whose bytes are broken."""
    deployment = Deployment(tmp_path, kafka.bootstrap, valkey.url, scorer={"workers": 2})
    with valkey.client() as client:
        for name, slope in (("v1", 1.0), ("v2", -2.0)):
            deployment.push(client, name, slope)
        client.set(deployment.keys.version("broken", "manifest"), b"{}")
        client.set(deployment.keys.version("broken", "tensors"), b"none")
        client.set(deployment.keys.champion, "v1")
    return deployment


def versions(tree: Tree) -> set[str]:
    """The champions of all workers."""
    return {worker["champion"] for worker in tree.ready()["workers"]}


def logged(tree: Tree, words: str) -> bool:
    """Whether the tree's log has them."""
    return words in tree.text()


def refused(tree: Tree, version: str) -> bool:
    """Whether all workers say that they refuse a version."""
    return all((worker["refusal"] or "").startswith(version) for worker in tree.ready()["workers"])


def test_a_flip_is_applied_by_all_workers_and_a_bad_one_changes_nothing(deployment: Deployment, valkey: Valkey) -> None:
    with Tree(deployment) as tree, valkey.client() as client:
        tree.await_ready()
        deployment.send(200)
        deployment.await_committed(200)
        flipped = time.time()
        client.set(deployment.keys.champion, "v2")  # as redis-cli would
        until(lambda: versions(tree) == {"v2"}, "not all apply it")
        for bad, why in (("broken", "manifest: "), ("missing", "missing: version missing")):
            client.set(deployment.keys.champion, bad)
            until(partial(refused, tree, bad), "nobody refuses it")
            assert why in str(tree.ready()["workers"])
            until(partial(logged, tree, f"champion {bad} refused"), "no log says so")
            deployment.send(100)
        until(lambda: tree.metric("scorer_flips_total", outcome="refused") == 4, "the refusals are not counted")
        deployment.await_committed(deployment.sent)
    outputs = deployment.assert_exactly_once()
    assert [o.prediction["version"] for o in outputs if o.prediction].count("v1") == 200
    audit = deployment.audit()
    applied = [a for a in audit if (a["event"], a["version"]) == ("applied", "v2")]
    assert len(applied) == 2
    assert all(a["at"].timestamp() >= flipped for a in applied)
    assert all(a["command"] is None and a["actor"] is None for a in applied)
    assert {a["version"] for a in audit if a["event"] == "refused"} == {"broken", "missing"}


def large(model: str, name: str) -> VersionBytes:
    """Boosted trees of almost 5 MB."""
    depth, margin = 10, 0.0
    nodes, inner = np.arange(2 ** (depth + 1) - 1), 2**depth - 1
    left, right = (np.where(nodes < inner, 2 * nodes + side, -1) for side in (1, 2))
    missing, value = np.zeros(len(nodes), np.int64), np.where(nodes < inner, 0.0, 0.001)
    tree = ForestTree(missing, np.linspace(-3, 3, len(nodes)), left, right, missing, value)
    trees = [tree] * 115
    for _ in trees:
        margin += 0.001
    design = Design(
        model,
        name,
        1,
        ("numpy", np.__version__),
        [Input("x", "float64", nullable=True)],
        [build.impute(["x"], ["x_known"], [0.0])],
        forest(["x_known"], trees, [0.0], "sigmoid"),
        "binary",
        ("no", "yes"),
    )
    scores = np.full((1, 32), 1 / (1 + np.exp(-margin)))
    return build.version(design, Proof([[float(x)] for x in np.linspace(-3, 3, 32)], scores))


def test_a_version_of_five_megabytes_is_applied_too(deployment: Deployment, valkey: Valkey) -> None:
    content = large(deployment.model, "large")
    assert 4_900_000 < len(content.tensors) < 5_000_000
    with valkey.client() as client:  # before, because a push wakes the workers
        versions_in_redis.push(client, deployment.keys, "large", content, actor="me")
    with Tree(deployment) as tree, valkey.client() as client:
        tree.await_ready()
        client.set(deployment.keys.champion, "large")
        until(lambda: versions(tree) == {"large"}, "not all apply it")
        deployment.send(100)
        deployment.await_committed(100)
    assert len([a for a in deployment.audit() if a["version"] == "large"]) == 2


def test_trials_by_percent_and_field_and_one_that_cannot_be_carried_out(deployment: Deployment, valkey: Valkey) -> None:
    with Tree(deployment) as tree, valkey.client() as client:
        tree.await_ready()
        until_then = time.time() + 600
        impossible = {"id": "t0", "version": "v2", "field": "region", "values": ["n"], "until": "2099-01-01T00:00:00Z"}
        client.set(deployment.keys.trial, json.dumps(impossible))
        until(lambda: "the events have no field 'region'" in tree.text(), "it is not refused")
        client.delete(deployment.keys.trial)
        trial = Trial("t1", "v2", until_then, percent=50.0)
        pointers.start_trial(client, deployment.keys, trial, actor="me", reason="see it", now=time.time())
        until(lambda: {w["trial"] for w in tree.ready()["workers"]} == {"v2"}, "the trial does not begin")
        deployment.send(1_000)
        deployment.await_committed(1_000)
        pointers.stop_trial(client, deployment.keys, actor="me", reason="seen")
        until(lambda: {w["trial"] for w in tree.ready()["workers"]} == {None}, "the trial does not end")
        deployment.send(200)
        deployment.await_committed(1_200)
    roles = [(o.prediction["version"], o.prediction["role"]) for o in deployment.assert_exactly_once() if o.prediction]
    assert 400 < roles.count(("v2", "trial")) < 600
    assert roles.count(("v1", "champion")) == 1_200 - roles.count(("v2", "trial"))
    assert {("applied", "me"), ("refused", None)} <= {
        (a["event"], a["actor"]) for a in deployment.audit() if a["pointer"] == "trial"
    }


def test_scoring_goes_on_while_redis_is_frozen_stopped_or_flushed(deployment: Deployment, valkey: Valkey) -> None:
    with Tree(deployment) as tree:
        tree.await_ready()
        valkey.freeze()
        deployment.send(300)
        deployment.await_committed(300)
        valkey.thaw()
        valkey.stop()
        deployment.send(300)
        deployment.await_committed(600)
        until(lambda: tree.metric("scorer_registry_silent_seconds") > 1, "the silence does not show")
        valkey.restart()  # and it has lost everything
        deployment.send(300)
        deployment.await_committed(900)
        assert not tree.not_ready()
        with valkey.client() as client:
            deployment.push(client, "v2", -2.0)
            client.set(deployment.keys.champion, "v2")
            until(lambda: versions(tree) == {"v2"}, "it does not follow the new registry")
    deployment.assert_exactly_once()


def test_a_start_without_redis_uses_the_last_good_version_and_says_so(deployment: Deployment, valkey: Valkey) -> None:
    with Tree(deployment) as tree, valkey.client() as client:
        tree.await_ready()
        client.set(deployment.keys.champion, "v2")
        until(lambda: versions(tree) == {"v2"}, "the flip is not applied")
    valkey.stop()
    deployment.send(100)
    with Tree(deployment) as tree:
        tree.await_ready()
        deployment.await_committed(100)
        assert {worker["source"] for worker in tree.ready()["workers"]} == {"disk"}
        assert "disk: the last good version, because Redis gave none" in tree.text()
        valkey.restart()
        with valkey.client() as client:
            for name, slope in (("v1", 1.0), ("v2", -2.0)):
                deployment.push(client, name, slope)
            client.set(deployment.keys.champion, "v2")
        until(lambda: {worker["source"] for worker in tree.ready()["workers"]} == {"redis"}, "it stays with the disk")
    assert {o.prediction["version"] for o in deployment.assert_exactly_once() if o.prediction} == {"v2"}


def test_a_start_without_redis_and_without_disk_waits_and_says_so(deployment: Deployment, valkey: Valkey) -> None:
    valkey.stop()
    with Tree(deployment) as tree:
        until(lambda: "Redis does not answer" in tree.not_ready(), "it does not say why")
        assert "no last good version on disk" in tree.not_ready()
        assert tree.get("/health")[0] == 200


def test_it_runs_with_the_documented_rights_and_no_others(deployment: Deployment, valkey: Valkey) -> None:
    with valkey.client() as client:
        client.execute_command(*acl.command(deployment.keys).replace("PASSWORD", "geheim").split())
    address = valkey.url.removeprefix("redis://")
    deployment.redis_url = f"redis://scorer:geheim@{address}"
    with Tree(deployment) as tree, valkey.client() as client:
        tree.await_ready()
        client.set(deployment.keys.champion, "v2")
        until(lambda: versions(tree) == {"v2"}, "it cannot follow")
        until(lambda: len(client.keys(deployment.keys.every_instance)) == 2, "it cannot renew its instance keys")
        assert "geheim" not in tree.text()
    with (
        redis_client.Redis.from_url(deployment.redis_url) as scorer,
        pytest.raises(redis_client.exceptions.NoPermissionError),
    ):
        scorer.set(deployment.keys.champion, "v1")
