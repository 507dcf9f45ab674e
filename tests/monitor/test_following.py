"""What the pointers name is made ready beside the loop, and what is wrong with it is said."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest
import redis
from numpy.testing import assert_array_equal

from monitor.following import MOST_CHALLENGERS, RETRY_SECONDS, Following
from monitor.judge.outputs import Outputs
from sandbox import Valkey
from scorer.batch import Kind, Layout
from scorer.model import build
from scorer.model.build import Design, Proof
from scorer.model.evidence import NumberProfile
from scorer.model.inputs import Input
from scorer.model.profile import profile
from scorer.model.version import VersionBytes
from scorer.registry import pointers, versions
from scorer.registry.client import connect
from scorer.registry.keys import Keys
from scorer.settings import Redis, Scorer
from tests.integration.deployment import version
from tests.registry.servers import until

KEYS = Keys("flights")
LAYOUT = Layout([("id", Kind.TEXT), ("x", Kind.NUMBER), ("at", Kind.INTEGER)])
BINARY = Outputs("binary", ("no", "yes"))


class Clock:
    """A steady clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Followed:
    """A ``Following`` whose thread does not run: the test looks. ``client`` changes what it sees."""

    def __init__(self, server: Valkey, client: redis.Redis, **scorer: object) -> None:
        self.clock, self.client = Clock(), client
        settings = Redis.model_validate({"url": server.url, "timeout_seconds": 0.3})
        model = Scorer.model_validate({"model": "flights", **scorer})
        self.following = Following(model, settings, LAYOUT, clock=self.clock)

    def look(self) -> tuple[str | None, tuple[str, ...]]:
        self.following.follow()
        return self.following.now.versions

    def push(self, *names: str, **made: VersionBytes) -> None:
        for name in names:
            versions.push(self.client, KEYS, name, version("flights", name), actor="test")
        for name, content in made.items():
            versions.push(self.client, KEYS, name, content, actor="test")

    def crown(self, name: str) -> None:
        pointers.set_champion(self.client, KEYS, name, actor="test", reason="test")

    def challenge(self, *names: str) -> None:
        pointers.set_challengers(self.client, KEYS, names, actor="test", reason="test")


@pytest.fixture
def followed(registry: Valkey) -> Iterator[Followed]:
    with connect(registry.url) as client, ExitStack() as stack:
        made = Followed(registry, client)
        stack.push(made.following)  # ends it, but does not start it
        yield made


def estimate(name: str) -> VersionBytes:
    """A linear regression of the same input, with the profile of its training data."""
    x = np.linspace(-3, 3, 32)
    rows: list[list[float | int | str | None]] = [[float(value)] for value in x]
    inputs = [Input("x", "float64", nullable=True)]
    design = Design(
        "flights", name, 1, ("numpy", np.__version__), inputs, [build.impute(["x"], ["x_known"], [0.0])],
        build.linear(["x_known"], [1.0], 0.0), "regression", (), profile(inputs, [(x, np.ones(32, bool))], x[None, :]),
    )  # fmt: skip
    return build.version(design, Proof(rows, x[None, :]))


def test_nothing_is_known_before_redis_has_answered(followed: Followed) -> None:
    assert followed.look() == (None, ())
    assert followed.following.known
    assert followed.following.now.outputs is None
    assert followed.following.now.profile is None


def test_champion_and_challengers_are_followed(followed: Followed) -> None:
    followed.push("v1", "v2", "v3")
    followed.crown("v1")
    followed.challenge("v3", "v2")
    assert followed.look() == ("v1", ("v3", "v2"))
    now = followed.following.now
    assert now.outputs == BINARY
    assert [entry.name for entry in now.inputs] == ["x"]
    assert now.profile is None
    assert not now.refusals
    assert followed.look() == ("v1", ("v3", "v2"))
    assert followed.following.now is now, "nothing has changed, so nothing is replaced"


def test_the_champions_profile_is_at_hand(followed: Followed) -> None:
    followed.push(v1=estimate("v1"))
    followed.crown("v1")
    followed.look()
    found = followed.following.now.profile
    assert found is not None
    entry = found.inputs["x"]
    assert isinstance(entry, NumberProfile)
    assert (found.n, entry.missing, entry.quantiles[-1]) == (32, 0, 3.0)


def test_a_champion_that_is_refused_leaves_the_last_one(followed: Followed) -> None:
    followed.push("v1", "v2")
    followed.crown("v1")
    followed.look()
    followed.client.set(KEYS.champion, "v9")
    assert followed.look() == ("v1", ())
    assert followed.following.now.refusals["champion v9"].startswith("missing: version v9")
    followed.client.set(KEYS.champion, "no name")
    assert followed.look() == ("v1", ())
    assert followed.following.now.refusals["champion no name"].startswith("name: ")
    followed.client.set(KEYS.champion, "v2")
    assert followed.look() == ("v2", ())
    assert not followed.following.now.refusals
    followed.client.delete(KEYS.champion)
    assert followed.look() == ("v2", ()), "scorers go on with it, too"


def test_a_version_that_is_pushed_after_its_pointer_is_found(followed: Followed) -> None:
    followed.client.set(KEYS.champion, "v1")
    assert followed.look() == (None, ())
    followed.push("v1")
    assert followed.look() == (None, ()), "not at every look"
    followed.clock.now += RETRY_SECONDS
    assert followed.look() == ("v1", ())


def test_a_challenger_that_is_refused_is_not_followed_and_the_others_are(followed: Followed) -> None:
    followed.push("v1", "v2", estimate=estimate("estimate"))
    followed.crown("v1")
    followed.challenge("v2")
    assert followed.look() == ("v1", ("v2",))
    followed.client.set(KEYS.challenger, "estimate,v2,absent")
    assert followed.look() == ("v1", ("v2",))
    refusals = followed.following.now.refusals
    assert refusals["challenger estimate"].startswith("outputs: version estimate gives Outputs(kind='regression'")
    assert refusals["challenger absent"].startswith("missing: ")
    followed.client.set(KEYS.challenger, "v2,")
    assert followed.look() == ("v1", ())
    followed.client.delete(KEYS.challenger)
    assert followed.look() == ("v1", ())
    assert not followed.following.now.refusals


def test_a_corrupt_version_is_refused(followed: Followed) -> None:
    followed.push("v1", "v2")
    followed.crown("v1")
    followed.client.set(KEYS.version("v2", "tensors"), b"x" * 100)
    followed.client.set(KEYS.challenger, "v2")
    assert followed.look() == ("v1", ())
    assert "challenger v2" in followed.following.now.refusals


def test_a_version_that_may_not_score_is_not_followed(registry: Valkey) -> None:
    with connect(registry.url) as client, ExitStack() as stack:
        followed = Followed(registry, client, min_serial=2)
        stack.push(followed.following)
        followed.push("v1")
        followed.crown("v1")
        assert followed.look() == (None, ())
        assert followed.following.now.refusals["champion v1"].startswith("serial: ")


def test_no_more_challengers_are_scored_than_there_is_room_for(followed: Followed) -> None:
    names = [f"c{number}" for number in range(MOST_CHALLENGERS + 2)]
    followed.push("v1", *names)
    followed.crown("v1")
    followed.challenge(*names)
    assert followed.look() == ("v1", tuple(names[:MOST_CHALLENGERS]))
    assert set(followed.following.now.refusals) == {f"challenger {name}" for name in names[MOST_CHALLENGERS:]}


def test_versions_with_other_outputs_than_the_state_are_refused(followed: Followed) -> None:
    followed.push("v1", estimate=estimate("estimate"))
    followed.crown("estimate")
    assert followed.look() == ("estimate", ())
    followed.following.fix(BINARY)
    assert followed.look() == (None, ())
    followed.crown("v1")
    assert followed.look() == ("v1", ())
    followed.crown("estimate")
    assert followed.look() == ("v1", ())
    assert followed.following.now.refusals["champion estimate"].startswith("outputs: ")


def test_without_redis_what_was_followed_stays(followed: Followed, registry: Valkey) -> None:
    followed.push("v1", "v2")
    followed.crown("v1")
    followed.look()
    followed.clock.now += 7.0
    registry.freeze()
    try:
        assert followed.look() == ("v1", ())
        assert "frozen" in followed.following.problem
        assert followed.following.silent(followed.clock.now) == 7.0
    finally:
        registry.thaw()
    followed.crown("v2")
    assert followed.look() == ("v2", ())
    assert not followed.following.problem
    assert followed.following.silent(followed.clock.now) == 0.0


def test_after_a_flush_what_was_followed_stays(followed: Followed, caplog: pytest.LogCaptureFixture) -> None:
    followed.push("v1", "v2")
    followed.crown("v1")
    followed.challenge("v2")
    followed.look()
    followed.client.flushall()
    with caplog.at_level(logging.WARNING):
        assert followed.look() == ("v1", ("v2",))
    assert "there is no champion in Redis; what was followed stays" in caplog.text
    followed.push("v1", "v2")
    followed.crown("v1")
    assert followed.look() == ("v1", ())


def test_a_frozen_redis_holds_up_nobody_who_looks(registry: Valkey) -> None:
    settings = Redis.model_validate({"url": registry.url, "timeout_seconds": 20, "poll_seconds": 0.01})
    with connect(registry.url) as client:
        versions.push(client, KEYS, "v1", version("flights", "v1"), actor="test")
        pointers.set_champion(client, KEYS, "v1", actor="test", reason="test")
        with Following(Scorer.model_validate({"model": "flights"}), settings, LAYOUT) as following:
            until(lambda: following.now.champion, "the champion is followed")
            registry.freeze()
            try:
                names = []
                looking = threading.Thread(target=lambda: names.append(following.now.versions))
                looking.start()
                looking.join(10.0)
                assert names == [("v1", ())], "it waited for Redis"
            finally:
                registry.thaw()
            following.check()


def test_what_is_followed_scores_like_the_version(followed: Followed) -> None:
    followed.push("v1", "v2")
    followed.crown("v1")
    followed.look()
    champion = followed.following.now.champion
    assert champion is not None
    assert champion.digest == versions.head(followed.client, KEYS, "v1").digest
    assert_array_equal(champion.bound.model.classify(np.array([[0.2, 0.5, 0.7]])), [0, 0, 1])


def test_what_candidates_want_is_scored_beside_what_the_pointer_names(followed: Followed) -> None:
    followed.push("v1", "v2", "v3")
    followed.crown("v1")
    followed.challenge("v2")
    followed.following.want(["v3", "v1"])
    assert followed.look() == ("v1", ("v3", "v2")), "a champion does not challenge itself"
    followed.following.want([])
    assert followed.look() == ("v1", ("v2",))


def test_what_is_wanted_while_the_pointers_are_looked_at_is_not_forgotten(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed.push("v1", "v2")
    followed.crown("v1")
    original = followed.following._challengers

    def late(*given: object) -> object:
        made = original(*given)  # type: ignore[arg-type]
        followed.following.want(["v2"])
        return made

    monkeypatch.setattr(followed.following, "_challengers", late)
    assert followed.look() == ("v1", ())
    monkeypatch.undo()
    assert followed.look() == ("v1", ("v2",))
