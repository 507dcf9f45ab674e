"""The monitor's user in Redis, as the document gives it, may do what the monitor does, and no more."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
import redis

from monitor.commands import Answer, Command, Commands
from monitor.following import Following
from monitor.lease import Lease, Standing
from sandbox import Valkey
from scorer.batch import Kind, Layout
from scorer.registry import pointers, versions
from scorer.registry.client import connect
from scorer.registry.keys import Keys
from scorer.settings import Redis, Scorer
from tests.integration.deployment import version

KEYS = Keys("flights")
DOCUMENT = Path(__file__).parents[2] / "docs" / "monitor-operations.md"


def documented() -> list[str]:
    """The arguments of ACL SETUSER."""
    [found] = re.findall(r"^    ACL SETUSER (.*?)\n\n", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    words: list[str] = found.replace(">PASSWORD", ">secret").split()
    return words


@pytest.fixture
def user(registry: Valkey) -> str:
    """The address for the monitor's user, in a Redis with a champion."""
    with registry.client() as admin:
        versions.push(admin, KEYS, "v1", version("flights", "v1"), actor="test")
        pointers.set_champion(admin, KEYS, "v1", actor="test", reason="test")
        admin.execute_command("ACL", "SETUSER", *documented())  # type: ignore[no-untyped-call]
    return registry.url.replace("//", "//monitor:secret@")


def test_it_may_do_what_it_has_to(user: str, registry: Valkey) -> None:
    with connect(user) as client, registry.client() as admin:
        lease = Lease(client, KEYS, 10.0)
        lease.ask()
        lease.ask()
        assert lease.standing(time.monotonic()) is Standing.HELD, lease.problem
        settings = Redis.model_validate({"url": user})
        following = Following(Scorer.model_validate({"model": "flights"}), settings, Layout([("x", Kind.NUMBER)]))
        following.follow()
        following.__exit__(None, None, None)
        assert following.now.versions == ("v1", ())
        command = Command("c-1", "count", "ann", "to see")
        admin.xadd(KEYS.commands, {"command": command.to_json(), "seconds": "10"})
        admin.xadd(KEYS.commands, {"other": "nothing"})
        commands = Commands(client, KEYS, 0.1)
        commands.exchange()
        assert [one.id for one in commands.waiting()] == ["c-1"]
        commands.answer("c-1", Answer(True, "done"))
        commands.exchange()
        assert not commands.problem
        assert admin.get(KEYS.answer("c-1")) == Answer(True, "done").to_json()
        lease.release()
        assert admin.get(KEYS.lease) is None


@pytest.mark.parametrize("key", [KEYS.champion, KEYS.challenger, KEYS.audit, KEYS.version("v1", "manifest"), "other"])
def test_it_may_not_change_anything_else(key: str, user: str) -> None:
    with connect(user) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.set(key, "v9")
