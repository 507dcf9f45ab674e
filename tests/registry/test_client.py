"""Connecting, and saying what went wrong without saying secrets."""

from __future__ import annotations

import socket
import tempfile
import threading
import traceback
from collections.abc import Callable

import pytest
import redis

from sandbox import Valkey
from scorer.errors import RegistryUnavailable, SettingsError
from scorer.redis_url import masked
from scorer.registry import pointers
from scorer.registry.client import answering, connect
from scorer.registry.keys import Keys
from tests.registry.servers import nobody

HIDDEN = "s3cr3t/p@ss"
QUOTED = "s3cr3t%2Fp%40ss"


def test_user_password_and_database_come_from_the_url(server: Valkey) -> None:
    with server.client() as admin:
        admin.acl_setuser("ann", enabled=True, passwords=[f"+{HIDDEN}"], keys=["*"], commands=["+@all"])
        with connect(f"redis://ann:{QUOTED}@127.0.0.1:{server.port}/3") as client:
            assert client.acl_whoami() == "ann"
            client.set("here", "yes")
        with connect(f"redis://127.0.0.1:{server.port}/3") as client:
            assert client.get("here") == b"yes"
        admin.acl_deluser("ann")


def test_a_unix_socket_serves_as_well(new_valkey: Callable[..., Valkey]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        server = new_valkey(settings={"unixsocket": f"{directory}/v"})
        with connect(f"unix://{directory}/v?db=2") as client:
            client.set("a", "b")
        with connect(f"redis://127.0.0.1:{server.port}/2") as client:
            assert client.get("a") == b"b"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        f"http://u:{QUOTED}@host",
        f"redis://:{QUOTED}",
        f"redis:u:{QUOTED}@host",
        f"redis://u:{QUOTED}@",
        f"redis://u:{QUOTED}@host:port",
        f"redis://u:{QUOTED}@host:99999",
        f"redis://u:{QUOTED}@host/zero",
        f"redis://u:{QUOTED}@host?socket_timeout=100",
        f"rediss://u:{QUOTED}@host?ssl_cert_reqs=none",
        f"unix://u:{QUOTED}@host",
    ],
)
def test_other_urls_are_refused_without_repeating_secrets(url: str) -> None:
    with pytest.raises(SettingsError, match=r"redis\.url") as caught:
        connect(url)
    assert QUOTED not in str(caught.value)
    assert HIDDEN not in str(caught.value)


@pytest.mark.parametrize("text", ["", ":26379", "host:port", "host:99999", "[::1"])
def test_other_sentinels_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"redis\.sentinels"):
        connect("redis://unused", sentinels=[text])


def test_masked_hides_user_and_password() -> None:
    assert masked("redis://user:pass@host:1/0") == "redis://***@host:1/0"
    assert masked("redis://:pa@ss/@host:1/0") == "redis://***@host:1/0"
    assert masked("redis:user:pass@host") == "redis:***@host"
    assert masked("redis://host:1/0") == "redis://host:1/0"


@pytest.mark.parametrize("sentinels", [(), ("127.0.0.1:1",)])
def test_secrets_appear_in_no_repr_and_no_traceback(sentinels: tuple[str, ...], keys: Keys) -> None:
    url = nobody().replace("//", f"//somebody:{QUOTED}@")
    client = connect(url, sentinels=sentinels, sentinel_username="watcher", sentinel_password=HIDDEN)
    with pytest.raises(RegistryUnavailable) as caught:
        pointers.read(client, keys)
    text = "".join(traceback.format_exception(caught.value)) + repr(client) + repr(client.connection_pool)
    text += repr(client.connection_pool.connection_kwargs) + repr(client.connection_pool.make_connection())
    assert HIDDEN not in text
    assert QUOTED not in text


def test_an_old_server_that_repeats_the_password_is_not_quoted(keys: Keys) -> None:
    def answer_badly() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4_096)
            connection.sendall(f"-ERR unknown command 'AUTH', with args beginning with: '{HIDDEN}'\r\n".encode())
            connection.recv(4_096)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_badly)
        thread.start()
        client = connect(f"redis://:{QUOTED}@127.0.0.1:{listener.getsockname()[1]}/0")
        with pytest.raises(RegistryUnavailable) as caught:
            pointers.read(client, keys)
        client.close()
        thread.join(10)
    assert "unknown command" in str(caught.value)
    assert HIDDEN not in "".join(traceback.format_exception(caught.value))


def test_a_server_that_is_not_there_is_named(keys: Keys) -> None:
    url = nobody()
    with pytest.raises(RegistryUnavailable) as caught:
        pointers.read(connect(url.replace("//", "//ann:pw@")), keys)
    assert f"cannot read the pointers at {url}: " in str(caught.value)
    assert "check that it runs" in str(caught.value)


def test_a_frozen_server_is_given_up_after_the_timeout(server: Valkey, keys: Keys) -> None:
    with connect(server.url, timeout=0.1) as client:
        pointers.read(client, keys)
        server.freeze()
        try:
            with pytest.raises(RegistryUnavailable, match="frozen, overloaded or unreachable"):
                pointers.read(client, keys)
        finally:
            server.thaw()
        pointers.read(client, keys)


def test_nothing_is_tried_twice(keys: Keys) -> None:
    """Whoever calls decides about another try; a hidden one would double the time that the caller is stuck."""
    tries: list[bytes] = []

    def hang_up() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            tries.append(connection.recv(4_096))
            connection.close()

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=hang_up)
    thread.start()
    with connect(f"redis://127.0.0.1:{listener.getsockname()[1]}/0") as client, pytest.raises(RegistryUnavailable):
        pointers.read(client, keys)
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(10)
    assert len(tries) == 1


def test_a_restarted_server_is_found_again_at_once(own_server: Valkey, keys: Keys) -> None:
    with connect(own_server.url) as client:
        pointers.read(client, keys)
        own_server.kill()
        own_server.restart()
        pointers.read(client, keys)


def test_wrong_and_missing_passwords_are_told_from_missing_rights(server: Valkey, keys: Keys) -> None:
    with server.client() as admin:
        admin.acl_setuser("poor", enabled=True, passwords=["+pw"], commands=["+ping"])
        for url, advice in (
            (f"redis://poor:wrong@127.0.0.1:{server.port}", "check user and password"),
            (f"redis://poor:pw@127.0.0.1:{server.port}", "give the user the rights"),
        ):
            with connect(url) as client, pytest.raises(RegistryUnavailable, match=advice):
                pointers.read(client, keys)
        admin.acl_deluser("poor")


def test_a_redis_cluster_is_named_as_not_supported(new_valkey: Callable[..., Valkey], keys: Keys) -> None:
    server = new_valkey(settings={"cluster-enabled": "yes"})
    with connect(server.url) as client, pytest.raises(RegistryUnavailable, match="Redis Cluster is not supported"):
        pointers.read(client, keys)


def test_a_replica_cannot_be_changed(new_valkey: Callable[..., Valkey], server: Valkey, keys: Keys) -> None:
    replica = new_valkey(settings={"replicaof": f"127.0.0.1 {server.port}"})
    with connect(replica.url) as client, pytest.raises(RegistryUnavailable, match="name the primary"):
        pointers.set_challengers(client, keys, [], actor="ann", reason="")


def test_something_that_is_not_redis_is_said_to_be_so(keys: Keys) -> None:
    def talk_http() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4_096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk_http)
        thread.start()
        client = connect(f"redis://127.0.0.1:{listener.getsockname()[1]}/0")
        with pytest.raises(RegistryUnavailable, match="leads to a Redis server"):
            pointers.read(client, keys)
        client.close()
        thread.join(10)


def test_other_errors_pass_through(client: redis.Redis) -> None:
    with pytest.raises(ZeroDivisionError), answering(client, "divide"):
        _ = 1 / 0
