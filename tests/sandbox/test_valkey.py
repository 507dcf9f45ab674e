"""Real Valkey servers: with passwords, as a Sentinel, on a fixed port, frozen and killed."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from sandbox import Valkey
from sandbox.errors import NotRunning, PortTaken, StartFailed
from sandbox.ports import HOST, free_ports
from tests.sandbox.support import await_true, is_gone, listening

ONCE = Retry(NoBackoff(), 0)

NewValkey = Callable[..., Valkey]


def test_what_is_stored_is_lost_without_a_directory(new_valkey: NewValkey) -> None:
    valkey = new_valkey()
    with valkey.client() as client:
        for again in (valkey.stop, valkey.kill, lambda: None):
            client.set("key", "value")
            again()
            url = valkey.url
            valkey.restart()
            assert valkey.url == url
            assert client.get("key") is None


@pytest.mark.parametrize("end", [Valkey.stop, Valkey.close])
def test_what_is_stored_in_a_directory_is_kept(
    new_valkey: NewValkey, tmp_path: Path, end: Callable[[Valkey], None]
) -> None:
    first = new_valkey(data=tmp_path / "with a space")
    with first.client() as client:
        client.set("key", "value")
    assert (tmp_path / "with a space" / "appendonlydir").is_dir()
    end(first)
    if end is Valkey.stop:
        first.restart()
        again = first
    else:
        again = new_valkey(data=tmp_path / "with a space")
    assert again.url == first.url
    with again.client() as client:
        assert client.get("key") == b"value"


def test_a_frozen_server_keeps_silent_and_its_memory(new_valkey: NewValkey) -> None:
    valkey = new_valkey()
    with redis.Redis(host=HOST, port=valkey.port, socket_timeout=0.2, retry=ONCE) as client:
        client.set("key", "value")
        valkey.freeze()
        with pytest.raises(redis.TimeoutError):
            client.get("key")
        assert valkey.running
        valkey.thaw()
        with valkey.client() as other:
            assert other.get("key") == b"value"


def test_rights_by_user(new_valkey: NewValkey) -> None:
    rights = ["default off", "scorer on >secret ~scorer:* +@read"]
    valkey = new_valkey(settings={"user": rights, "maxmemory": "32mb"})
    with redis.Redis(port=valkey.port, retry=ONCE) as nobody, pytest.raises(redis.AuthenticationError):
        nobody.ping()
    with redis.Redis(host=HOST, port=valkey.port, username="scorer", password="secret") as scorer:  # noqa: S106
        assert scorer.get("scorer:key") is None
        with pytest.raises(redis.exceptions.NoPermissionError):
            scorer.set("scorer:key", "value")


def test_rights_from_a_file(new_valkey: NewValkey, tmp_path: Path) -> None:
    rights = tmp_path / "users.acl"
    rights.write_text("user default off\nuser admin on nopass ~* &* +@all\n")
    valkey = new_valkey(settings={"aclfile": f'"{rights}"'})
    with redis.Redis(host=HOST, port=valkey.port, username="admin", password="") as admin:
        assert admin.acl_users() == ["admin", "default"]


def test_a_sentinel_finds_the_new_master(new_valkey: NewValkey) -> None:
    master = new_valkey()
    replica = new_valkey(settings={"replicaof": f"{HOST} {master.port}"})
    with replica.client() as client:
        await_true(lambda: client.info("replication")["master_link_status"] == "up", "the replica follows")
    sentinel = new_valkey(
        sentinel=True,
        settings={
            "sentinel": [
                f"monitor m {HOST} {master.port} 1",
                "down-after-milliseconds m 300",
                "failover-timeout m 2000",
            ]
        },
    )
    with redis.Redis(host=HOST, port=sentinel.port) as asked:
        assert asked.sentinel_master("m")["port"] == master.port
        await_true(lambda: asked.sentinel_master("m")["num-slaves"] == 1, "the Sentinel knows the replica")
        master.kill()
        await_true(lambda: asked.sentinel_master("m")["port"] == replica.port, "the replica is the master", 60)
        sentinel.restart()
        assert asked.sentinel_master("m")["port"] == replica.port


def test_a_fixed_port_is_kept_or_refused(new_valkey: NewValkey) -> None:
    (port,) = free_ports(1)
    valkey = new_valkey(port=port)
    assert valkey.port == port
    assert listening(valkey.pid) == {(HOST, port)}
    with pytest.raises(PortTaken, match=str(port)):
        Valkey.start(port=port)


def test_a_port_that_is_taken_at_the_last_moment_is_replaced(
    new_valkey: NewValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((HOST, 0)) as squatter:
        taken: int = squatter.getsockname()[1]
        offers = iter([[taken], free_ports(1)])
        monkeypatch.setattr("sandbox.valkey.free_ports", lambda count, preferred: next(offers))
        assert new_valkey().port != taken
        assert next(offers, None) is None


def test_an_answer_from_another_server_on_its_port_does_not_count(
    new_valkey: NewValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = new_valkey()
    offers = iter([[first.port], free_ports(1)])
    monkeypatch.setattr("sandbox.valkey.free_ports", lambda count, preferred: next(offers))
    second = new_valkey()
    assert second.port != first.port
    with second.client() as client:
        assert client.info("server")["process_id"] == second.pid


def test_a_setting_that_is_wrong_shows_the_log(new_valkey: NewValkey) -> None:
    with pytest.raises(StartFailed, match="nonsense 1"):
        new_valkey(settings={"nonsense": "1"})


def test_one_that_has_ended_is_reported(new_valkey: NewValkey) -> None:
    valkey = new_valkey()
    valkey.check()
    valkey.kill()
    with pytest.raises(StartFailed, match="Valkey ended with exit code 137"):
        valkey.check()
    with pytest.raises(NotRunning):
        valkey.freeze()


def test_a_closed_server_leaves_neither_process_nor_file(new_valkey: NewValkey) -> None:
    valkey = new_valkey()
    pid, directory = valkey.pid, valkey.log.parent
    valkey.close()
    assert is_gone(pid)
    assert not directory.exists()
