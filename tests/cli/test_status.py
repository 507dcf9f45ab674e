"""``scorer status`` against a real registry; what scorers say is made by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis

from scorer.registry.instances import Json
from scorer.registry.keys import Keys
from tests.cli import said
from tests.cli.conftest import Command
from tests.integration.deployment import Deployment

Push = Callable[..., str]


@pytest.fixture
def digest(push: Push, redis: Redis, keys: Keys) -> str:
    found = push("v1")
    redis.set(keys.champion, "v1")
    return found


def test_a_fleet_that_agrees(command: Command, redis: Redis, keys: Keys, digest: str) -> None:
    for name in ("a-0", "b-0"):
        said.instance(redis, keys, name, "v1", digest)
    ran = command("status")
    assert ran.code == 0
    assert f"v1 ({digest[:8]})" in ran.out
    assert "all running scorers agree with the pointers" in ran.out
    facts = command("status", "--json").json
    assert facts["agree"] is True
    assert facts["problems"] == []
    assert facts["champion_digest"] == digest
    assert [one["instance"] for one in facts["instances"]] == ["a-0", "b-0"]
    assert facts["instances"][0]["lag"] == 3
    assert facts["instances"][0]["partitions"] == [f"{keys.model}.events-0"]


def test_a_process_that_refuses_what_the_pointer_says(
    command: Command, push: Push, redis: Redis, keys: Keys, digest: str
) -> None:
    second = push("v2", slope=2.0)
    redis.set(keys.champion, "v2")
    said.instance(redis, keys, "a-0", "v2", second)
    said.instance(redis, keys, "b-0", "v1", digest, pointer="v2", state="refused", reason="golden: row 3")
    ran = command("status")
    assert ran.code == 0
    assert f"! b-0 scores with v1 ({digest[:8]}) and refuses v2: golden: row 3" in ran.out
    assert f"! the processes score with different versions: v1 ({digest[:8]}), v2 ({second[:8]})" in ran.out
    assert "agree with" not in ran.out
    assert command("status", "--json").json["agree"] is False


def test_other_bytes_under_the_same_name(command: Command, redis: Redis, keys: Keys, digest: str) -> None:
    said.instance(redis, keys, "a-0", "v1", "ab" * 32)
    assert f"! a-0 scores with v1 (abababab), not with v1 ({digest[:8]})" in command("status").out


def test_a_process_that_lags_behind_or_runs_from_disk(command: Command, redis: Redis, keys: Keys, digest: str) -> None:
    said.instance(redis, keys, "a-0", "v0", "cd" * 32)
    said.instance(redis, keys, "b-0", None, None, pointer="v1", state="wanted", not_ready=["no champion yet"])
    out = command("status").out
    assert f"! a-0 scores with v0 (cdcdcdcd), not with v1 ({digest[:8]})" in out
    assert f"! b-0 scores with nothing, not with v1 ({digest[:8]})" in out
    assert "! b-0: no champion yet" in out


def test_pointers_that_lead_nowhere(command: Command, deployment: Deployment, redis: Redis, keys: Keys) -> None:
    assert "no champion is set" in command("status").out
    assert "no scorer is running" in command("status").out
    redis.set(keys.champion, "v9")
    redis.set(keys.trial, "nonsense")
    problems = command("status", "--json").json["problems"]
    assert any("version v9" in problem and "push it" in problem for problem in problems)
    assert any("the trial makes no sense" in problem for problem in problems)
    redis.set(keys.champion, "no name")
    assert "the champion's pointer makes no sense" in command("status").out


def test_after_redis_has_lost_everything(command: Command, redis: Redis, keys: Keys, digest: str) -> None:
    redis.delete(keys.champion)
    said.instance(redis, keys, "a-0", "v1", digest)
    assert f"! a-0 scores with v1 ({digest[:8]}), but no champion is set" in command("status").out


@pytest.mark.parametrize(
    "value", [b"nonsense", b"[]", b'{"registry": 7, "lag": "x", "partitions": {}}', b"\xff", b"{}"]
)
def test_a_report_that_makes_no_sense_is_shown_as_such(
    command: Command, redis: Redis, keys: Keys, digest: str, value: bytes
) -> None:
    redis.set(keys.instance("a-0"), value)
    redis.rpush(keys.instance("b-0"), "x")
    ran = command("status")
    assert ran.code == 0
    assert "! a-0" in ran.out
    assert "! b-0: the key is not a string, or expired just now" in ran.out


def test_a_report_cannot_do_anything_to_a_terminal(command: Command, redis: Redis, keys: Keys, digest: str) -> None:
    said.instance(redis, keys, "a-0", "v1", digest, state="refused", reason="\x1b[2Jgone", pointer="v1")
    out = command("status").out
    assert "\x1b" not in out
    assert "\\x1b[2Jgone" in out


def test_a_refused_trial_is_a_problem_and_a_refusal_that_is_over_is_none(
    command: Command, redis: Redis, keys: Keys, digest: str
) -> None:
    trial: dict[str, Json] = {
        "version": None,
        "digest": None,
        "pointer": "{}",
        "state": "refused",
        "reason": "inputs: no x",
    }
    said.instance(redis, keys, "a-0", "v1", digest, trial=trial)
    ran = command("status")
    assert "! a-0 refuses the trial: inputs: no x" in ran.out
    assert "agree with" not in ran.out
    said.instance(
        redis, keys, "a-0", "v1", digest, last_refusal={"pointer": "champion", "version": "v0", "reason": "gone"}
    )
    ran = command("status")
    assert "v0" not in ran.out
    assert "agree with" in ran.out
    assert command("status", "--json").json["instances"][0]["refusals"] == []


def test_what_is_in_the_way_of_a_process_is_a_problem(command: Command, redis: Redis, keys: Keys, digest: str) -> None:
    said.instance(
        redis, keys, "a-0", "v1", digest, troubles=["the last good version: cannot be saved: the disk is full"]
    )
    out = command("status").out
    assert "! a-0: the last good version: cannot be saved: the disk is full" in out
    assert "agree with" not in out
    assert command("status", "--json").json["instances"][0]["troubles"]


def test_contact_is_told_by_how_soon_the_key_expires(command: Command, redis: Redis, keys: Keys, digest: str) -> None:
    said.instance(redis, keys, "a-0", "v1", digest)
    redis.pexpire(keys.instance("a-0"), 9_000)
    [one] = command("status", "--json").json["instances"]
    assert 5.9 < one["contact_seconds"] < 15.0
