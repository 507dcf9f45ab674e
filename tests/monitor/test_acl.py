"""The monitor's rights: enough for everything it does, and not more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from monitor import acl, commands
from monitor.commands import Answer, Command, Commands
from monitor.following import Following
from monitor.lease import Lease
from sandbox import Valkey
from scorer.batch import Kind, Layout
from scorer.registry import versions
from scorer.registry.client import connect
from scorer.registry.keys import Keys
from scorer.settings import Redis, Scorer
from tests.integration.deployment import until, version

KEYS = Keys("flights")


@pytest.fixture
def address(registry: Valkey) -> Iterator[str]:
    """The server's, for a user with the rights of a monitor of the model flights."""
    with registry.client() as admin:
        admin.execute_command("ACL", "SETUSER", "monitor", "reset", "on", ">pw", *acl.rules(KEYS))
        admin.execute_command("ACL LOG", "RESET")
        yield f"redis://monitor:pw@127.0.0.1:{registry.port}/0"
        admin.acl_deluser("monitor")


def test_the_rights_are_enough_for_all_that_a_monitor_does(registry: Valkey, address: str) -> None:
    layout = Layout([("id", Kind.TEXT), ("x", Kind.NUMBER), ("at", Kind.INTEGER)])
    settings = Redis.model_validate({"url": address, "poll_seconds": 0.05})
    with registry.client() as admin, connect(address) as client:
        versions.push(admin, KEYS, "v1", version("flights", "v1"), actor="test")
        admin.set(KEYS.champion, "v1")
        with (
            Lease(client, KEYS, 3.0) as lease,
            Commands(client, KEYS, 0.05) as taken,
            Following(Scorer.model_validate({"model": "flights"}), settings, layout) as following,
        ):
            until(lambda: lease.number > 0, "the lease is not held")
            until(lambda: following.now.champion is not None, f"nobody is followed: {following.now.refusals}")
            command = Command("c1", "nothing", "ann", "because")
            done = []

            def answer() -> bool:
                for one in taken.waiting():
                    taken.answer(one.id, Answer(True, "done"))
                    done.append(one.id)
                return bool(done)

            client.xadd(KEYS.commands, {"command": command.to_json(), "seconds": "60"})
            until(answer, "the command is not taken")
            until(lambda: commands.send(client, KEYS, command).done, "no answer")
            lease.check()
        assert admin.acl_log() == [], "nothing was denied"


FORBIDDEN: list[Callable[[redis.Redis], object]] = [
    lambda c: c.set(KEYS.champion, "v1"),
    lambda c: c.delete(KEYS.champion),
    lambda c: c.set(KEYS.challenger, "v1"),
    lambda c: c.set(KEYS.version("v1", "manifest"), "x"),
    lambda c: c.xadd(KEYS.audit, {"x": "y"}),
    lambda c: c.set("elsewhere", "x"),
    lambda c: c.get("elsewhere"),
    lambda c: c.flushall(),
    lambda c: c.config_get("*"),
    lambda c: c.acl_list(),
]


@pytest.mark.parametrize("forbidden", FORBIDDEN)
def test_nothing_else_is_allowed(address: str, forbidden: Callable[[redis.Redis], object]) -> None:
    with connect(address) as client, pytest.raises(redis.exceptions.NoPermissionError):
        forbidden(client)


def test_the_document_gives_these_rights() -> None:
    text = (Path(__file__).parents[2] / "docs" / "monitor-operations.md").read_text("utf-8")
    assert " ".join(("ACL SETUSER monitor reset on >PASSWORD", *acl.rules(KEYS))) in " ".join(text.split())
