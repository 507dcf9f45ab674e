"""``scorer trial`` against a real registry."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from scorer.registry import audit, trial
from scorer.registry.keys import Keys
from tests.cli import said
from tests.cli.conftest import Command

FIELDS = [("id", "string"), ("at", "long"), ("x", ["null", "double"]), ("zone", "string"), ("store", "int")]


@pytest.fixture(autouse=True)
def _version(push: Callable[..., str], tmp_path: Path) -> None:
    schema = {"type": "record", "name": "E", "fields": [{"name": name, "type": kind} for name, kind in FIELDS]}
    (tmp_path / "event.avsc").write_text(json.dumps(schema))
    push("v2")


def stored(redis: Redis, keys: Keys) -> trial.Trial:
    value = redis.get(keys.trial)
    assert isinstance(value, bytes)
    return trial.parse(value.decode())


def test_a_share_by_percent(command: Command, redis: Redis, keys: Keys) -> None:
    before = time.time()
    ran = command("trial", "start", "v2", "--percent", "2.5", "--by", "zone", "--for", "2h", "--reason", "why not")
    assert ran.code == 0
    assert "v2 (" in ran.out
    found = stored(redis, keys)
    assert (found.id, found.version, found.percent, found.by) == ("v2", "v2", 2.5, "zone")
    assert before + 7_199 < found.until < time.time() + 7_201
    assert next(audit.newest_first(redis, keys)).reason == "why not"


def test_starting_it_again_renews_it_and_another_one_is_refused(command: Command, redis: Redis, keys: Keys) -> None:
    assert command("trial", "start", "v2", "--percent", "5", "--for", "1h").code == 0
    first = stored(redis, keys)
    assert command("trial", "start", "v2", "--percent", "5", "--for", "3h").code == 0
    assert stored(redis, keys).until > first.until
    ran = command("trial", "start", "v2", "--percent", "5", "--for", "3h", "--id", "other")
    assert ran.code == 6
    assert "scorer trial stop" in ran.err


def test_a_share_by_values_of_the_field_s_kind(command: Command, redis: Redis, keys: Keys) -> None:
    assert command("trial", "start", "v2", "--field", "zone", "--values", "007, north", "--for", "1h").code == 0
    assert stored(redis, keys).values == ("007", "north")
    assert command("trial", "start", "v2", "--field", "store", "--values", "007,8", "--for", "1h").code == 0
    assert stored(redis, keys).values == (7, 8)


@pytest.mark.parametrize(
    ("options", "said_"),
    [
        ([], "either percent, or field and values"),
        (["--percent", "5", "--field", "zone", "--values", "a"], "either percent, or field and values"),
        (["--percent", "0"], "above 0 and at most 100"),
        (["--percent", "101"], "above 0 and at most 100"),
        (["--field", "zone"], "go together"),
        (["--values", "a"], "go together"),
        (["--field", "zoen", "--values", "a"], "no field 'zoen'; they have id, at, x, zone, store"),
        (["--field", "store", "--values", "seven"], "whole numbers"),
        (["--percent", "5", "--by", "zoen"], "no field 'zoen'"),
        (["--field", "zone", "--values", "a", "--by", "zone"], "by names the field that is hashed"),
        (["--percent", "5", "--id", "no name"], "cannot name a trial"),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    command: Command, redis: Redis, keys: Keys, options: list[str], said_: str
) -> None:
    ran = command("trial", "start", "v2", "--for", "1h", *options)
    assert ran.code == 2
    assert said_ in ran.err
    assert redis.get(keys.trial) is None


def test_a_version_that_is_not_there(command: Command, redis: Redis, keys: Keys) -> None:
    assert command("trial", "start", "v9", "--percent", "5", "--for", "1h").code == 6
    assert command("trial", "start", "v2", "--percent", "5", "--for", "0h").code == 2
    assert redis.get(keys.trial) is None


def test_stop_and_show(command: Command, redis: Redis, keys: Keys) -> None:
    assert command("trial", "stop").code == 6
    assert "no trial is on" in command("trial", "show").out
    command("trial", "start", "v2", "--field", "zone", "--values", "a,b", "--for", "1h")
    assert "the events whose zone is a or b" in command("trial", "show").out
    assert command("trial", "show", "--json").json["live"] is True
    stopped = command("trial", "stop", "--json")
    assert stopped.code == 0
    assert json.loads(stopped.json["stopped"])["version"] == "v2"
    assert redis.get(keys.trial) is None
    redis.set(keys.trial, "{}")
    shown = command("trial", "show", "--json").json
    assert shown["live"] is False
    assert "trial" in shown["problem"]
    redis.set(keys.trial, trial.Trial("t", "v2", until=1.0, percent=5).to_json())
    assert "is over" in command("trial", "show").out


def test_whoever_waits_is_told_who_has_applied_it(command: Command, redis: Redis, keys: Keys) -> None:
    said.instance(redis, keys, "a-0", "v1", "00")
    ran = command("trial", "start", "v2", "--percent", "5", "--for", "1h", "--wait", "0.1", "--json")
    assert ran.json["instances"]["waiting"] == ["a-0"]
    text = redis.get(keys.trial)
    assert isinstance(text, bytes)
    on = {"version": "v2", "digest": ran.json["digest"], "pointer": text.decode(), "state": "applied", "reason": None}
    said.instance(redis, keys, "a-0", "v1", "00", trial=on)
    assert command("trial", "show", "--json").json["instances"]["applied"] == ["a-0"]
    refused = on | {"version": None, "digest": None, "state": "refused", "reason": "trial: no field"}
    said.instance(redis, keys, "a-0", "v1", "00", trial=refused)
    assert command("trial", "show", "--json").json["instances"]["refused"] == {"a-0": "trial: no field"}
    assert command("trial", "stop", "--wait", "0", "--json").json["instances"]["waiting"] == ["a-0"]
    said.instance(redis, keys, "a-0", "v1", "00")
    redis.set(keys.trial, text)
    assert command("trial", "stop", "--wait", "0", "--json").json["instances"]["applied"] == ["a-0"]
