"""``scorer champion`` against a real registry and audit topic; what scorers say is made by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis

from scorer.registry import audit
from scorer.registry.keys import Keys
from tests.cli import said
from tests.cli.conftest import Command
from tests.integration.deployment import Deployment

Push = Callable[..., str]


def test_set_changes_the_pointer_and_the_audit(command: Command, push: Push, redis: Redis, keys: Keys) -> None:
    digest = push("v1")
    ran = command("champion", "set", "v1", "--actor", "ann", "--reason", "because", "--json")
    assert ran.code == 0
    assert redis.get(keys.champion) == b"v1"
    entry = next(audit.newest_first(redis, keys))
    assert (entry.pointer, entry.old, entry.new, entry.actor, entry.reason) == (
        "champion",
        None,
        "v1",
        "ann",
        "because",
    )
    assert ran.json["command"] == entry.id
    assert ran.json["digest"] == digest
    assert ran.json["instances"] == {"applied": [], "waiting": [], "refused": {}}
    assert "no scorer is running" in command("champion", "set", "v1").out


def test_set_with_an_expectation_changes_nothing_where_it_is_wrong(
    command: Command, push: Push, redis: Redis, keys: Keys
) -> None:
    push("v1")
    push("v2", slope=2.0)
    assert command("champion", "set", "v1", "--expect", "v2").code == 6
    assert redis.get(keys.champion) is None
    assert command("champion", "set", "v1", "--expect", "").code == 0
    assert command("champion", "set", "v2", "--expect", "").code == 6
    assert redis.get(keys.champion) == b"v1"
    assert command("champion", "set", "v2", "--expect", "v1").code == 0
    assert redis.get(keys.champion) == b"v2"


@pytest.mark.parametrize(("version", "code"), [("v9", 6), ("bad name", 2), ("", 2)])
def test_set_to_what_is_not_there(
    command: Command, deployment: Deployment, redis: Redis, keys: Keys, version: str, code: int
) -> None:
    ran = command("champion", "set", version)
    assert ran.code == code
    assert redis.get(keys.champion) is None


def test_whoever_waits_is_told_who_has_applied_it(command: Command, push: Push, redis: Redis, keys: Keys) -> None:
    digest = push("v1")
    said.instance(redis, keys, "a-0", "v1", digest)
    said.instance(redis, keys, "b-0", "v0", "00")
    ran = command("champion", "set", "v1", "--wait", "0.1", "--json")
    assert ran.code == 0
    assert ran.json["instances"] == {"applied": ["a-0"], "waiting": ["b-0"], "refused": {}}
    assert ran.json["applied"] is False
    text = command("champion", "set", "v1", "--wait", "0.1").out
    assert "1 of 2 running scorers have applied v1" in text
    assert "b-0 has not yet" in text


def test_other_bytes_under_the_same_name_are_not_what_was_set(
    command: Command, push: Push, redis: Redis, keys: Keys
) -> None:
    push("v1")
    said.instance(redis, keys, "a-0", "v1", "ab" * 32)
    assert command("champion", "set", "v1", "--wait", "0", "--json").json["instances"]["waiting"] == ["a-0"]


def test_a_refusal_ends_the_waiting_and_is_an_error(command: Command, push: Push, redis: Redis, keys: Keys) -> None:
    push("v1")
    push("v2", slope=2.0)
    said.instance(
        redis, keys, "a-0", "v1", "00", pointer="v2", state="refused", reason="golden: row 0: expected 1.0, got 2.0"
    )
    ran = command("champion", "set", "v2", "--wait", "300", "--json")
    assert ran.code == 4
    assert ran.json["instances"]["refused"] == {"a-0": "golden: row 0: expected 1.0, got 2.0"}
    assert "refused v2 and went on as before; a-0 says: golden" in ran.err


def test_the_refusal_of_another_version_is_no_answer(command: Command, push: Push, redis: Redis, keys: Keys) -> None:
    push("v1")
    push("v3", slope=3.0)
    said.instance(redis, keys, "a-0", "v1", "00", pointer="v2", state="refused", reason="golden: row 0")
    ran = command("champion", "set", "v3", "--wait", "0", "--json")
    assert ran.code == 0
    assert ran.json["instances"] == {"applied": [], "waiting": ["a-0"], "refused": {}}


def test_show(command: Command, push: Push, redis: Redis, keys: Keys) -> None:
    assert "no champion is set" in command("champion", "show").out
    digest = push("v1")
    command("champion", "set", "v1", "--actor", "ann", "--reason", "because")
    said.instance(redis, keys, "a-0", "v1", digest)
    shown = command("champion", "show", "--json").json
    assert (shown["champion"], shown["digest"], shown["set_by"], shown["reason"]) == ("v1", digest, "ann", "because")
    assert shown["applied"] is True
    assert "by ann at 20" in command("champion", "show").out
    redis.set(keys.champion, "v2")
    shown = command("champion", "show", "--json").json
    assert (shown["champion"], shown["digest"], shown["set_by"]) == ("v2", None, None)
    assert "push it" in shown["problem"]
    assert "by a bare SET" in command("champion", "show").out
    redis.set(keys.champion, "no name")
    assert "cannot be the name of a version" in command("champion", "show", "--json").json["problem"]


def test_show_finds_the_command_behind_many_others(command: Command, push: Push, redis: Redis, keys: Keys) -> None:
    push("v1")
    command("champion", "set", "v1", "--actor", "ann")
    with redis.pipeline() as pipe:
        for _ in range(1_200):
            audit.append(pipe, keys, "set", {"pointer": "trial", "new": "renewed", "actor": "the monitor"})
        pipe.execute()
    assert command("champion", "show", "--json").json["set_by"] == "ann"
    assert command("models", "show", "v1", "--json").json["pushed_by"] is not None


class TestRollback:
    """Back to the version before, by the audit topic."""

    @pytest.fixture
    def digests(self, push: Push) -> dict[str, bytes]:
        return {name: bytes.fromhex(push(name, slope)) for name, slope in (("v1", 1.0), ("v2", 2.0), ("v3", 3.0))}

    @pytest.fixture
    def applied(self, deployment: Deployment, digests: dict[str, bytes]) -> Callable[..., None]:
        """Records of these versions, applied one after the other."""

        def write(*names: str, **more: object) -> None:
            said.audit(deployment, [{"version": name, "digest": digests[name]} | more for name in names])

        return write

    def test_goes_to_the_version_that_was_applied_before(
        self, command: Command, redis: Redis, keys: Keys, applied: Callable[..., None]
    ) -> None:
        redis.set(keys.champion, "v3")
        applied("v1", "v2", "v2", "v3", "v3")
        ran = command("champion", "rollback", "--json")
        assert ran.code == 0
        assert redis.get(keys.champion) == b"v2"
        assert (ran.json["champion"], ran.json["before"], ran.json["reason"]) == ("v2", "v3", "rollback from v3")
        applied("v2")
        assert command("champion", "rollback").code == 0
        assert redis.get(keys.champion) == b"v3"

    def test_a_pointer_that_nobody_applied_leads_back_to_what_runs(
        self, command: Command, redis: Redis, keys: Keys, applied: Callable[..., None]
    ) -> None:
        redis.set(keys.champion, "v3")
        applied("v1", "v2")
        assert command("champion", "rollback").code == 0
        assert redis.get(keys.champion) == b"v2"

    def test_without_a_pointer_it_is_the_one_before_the_last(
        self, command: Command, redis: Redis, keys: Keys, applied: Callable[..., None]
    ) -> None:
        applied("v1", "v2", "v3", "v3")
        assert command("champion", "rollback").code == 0
        assert redis.get(keys.champion) == b"v2"

    def test_what_says_nothing_about_our_champion_is_passed_over(
        self, command: Command, deployment: Deployment, redis: Redis, keys: Keys, applied: Callable[..., None]
    ) -> None:
        redis.set(keys.champion, "v3")
        applied("v1", "v3")
        applied("v2", model="other")
        applied("v2", event="refused")
        applied("v2", pointer="trial")
        applied("v2", reason="disk: the last good version, because Redis gave none")
        said.audit(deployment, [b"", b"\0\0\0\3\xea", b"\0\0\0\3\xea\xff\xff", b"{}", b"\0\0\0\0\1garbage"])
        assert command("champion", "rollback").code == 0
        assert redis.get(keys.champion) == b"v1"

    def test_many_records_are_read_window_by_window(
        self, command: Command, redis: Redis, keys: Keys, applied: Callable[..., None]
    ) -> None:
        redis.set(keys.champion, "v3")
        applied("v1", "v2", *["v3"] * 5_000)
        assert command("champion", "rollback").code == 0
        assert redis.get(keys.champion) == b"v2"

    def test_without_another_version_nothing_changes(
        self, command: Command, redis: Redis, keys: Keys, applied: Callable[..., None]
    ) -> None:
        ran = command("champion", "rollback")
        assert ran.code == 6
        assert "no scorer ever applied a champion" in ran.err
        redis.set(keys.champion, "v2")
        applied("v2", "v2")
        ran = command("champion", "rollback")
        assert ran.code == 6
        assert "2 records say that v2 was applied" in ran.err
        assert redis.get(keys.champion) == b"v2"

    def test_a_version_that_is_gone_must_be_pushed_first(
        self, command: Command, deployment: Deployment, redis: Redis, keys: Keys, applied: Callable[..., None]
    ) -> None:
        applied("v1", "v2")
        redis.flushdb()
        ran = command("champion", "rollback")
        assert ran.code == 6
        assert f"scorer models push coefficients/{deployment.model}/v1" in ran.err
        assert redis.keys("*") == []

    def test_a_version_that_was_replaced_is_not_gone_back_to(
        self, command: Command, deployment: Deployment, redis: Redis, keys: Keys, digests: dict[str, bytes]
    ) -> None:
        said.audit(deployment, [{"version": "v1"}, {"version": "v2", "digest": digests["v2"]}])
        redis.set(keys.champion, "v2")
        ran = command("champion", "rollback")
        assert ran.code == 6
        assert "is not the one that was applied before" in ran.err
        assert redis.get(keys.champion) == b"v2"

    def test_a_flip_in_between_is_not_undone(
        self,
        command: Command,
        redis: Redis,
        keys: Keys,
        applied: Callable[..., None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        redis.set(keys.champion, "v2")
        applied("v1", "v2")
        found = __import__("scorer.cli.applied", fromlist=["before"])
        real = found.before

        def slow(*arguments: object) -> object:
            redis.set(keys.champion, "v3")
            return real(*arguments)

        monkeypatch.setattr(found, "before", slow)
        assert command("champion", "rollback").code == 6
        assert redis.get(keys.champion) == b"v3"
