"""One way to connect to Redis, and one way to say what went wrong with it.

Standalone servers and Sentinel; no Redis Cluster, because pointers are read and changed together. Sockets have short
timeouts and nothing is retried in here: whoever calls knows whether asking again makes sense.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import redis
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool

from scorer import redis_url
from scorer.errors import RegistryUnavailable
from scorer.settings import Redis as RedisSettings

READ_BYTES = 1 << 20
"""Bytes per read from the socket. A version arrives in few large reads, because after each one the thread must get
the interpreter's lock back from a loop that is busy scoring (5 ms in the worst case)."""

_ADVICE: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (redis.exceptions.NoPermissionError, "give the user the rights that scorer.registry.acl lists"),
    (redis.AuthenticationError, "check user and password in redis.url"),
    (MasterNotFoundError, "check redis.sentinels and redis.sentinel_master, and whether the primary is up"),
    (redis.BusyLoadingError, "it is still loading its data; wait"),
    (redis.ReadOnlyError, "it is a replica: name the primary, or use Sentinel"),
    (redis.OutOfMemoryError, "its memory is full: delete what is not needed, or raise maxmemory"),
    (
        (redis.exceptions.AskError, redis.exceptions.ClusterError, redis.exceptions.ClusterCrossSlotError),
        "Redis Cluster is not supported: use one server, or Sentinel",
    ),
    (redis.TimeoutError, "it is frozen, overloaded or unreachable: look at the server, or raise redis.timeout_seconds"),
    ((redis.ConnectionError, OSError), "check that it runs and that redis.url is right"),
    (redis.InvalidResponse, "check that redis.url leads to a Redis server"),
    (redis.ResponseError, "check what the key holds (TYPE) and whether the server is new enough (7.0)"),
)


class _Credentials(CredentialProvider):
    """User and password, kept out of every ``repr`` and every list of connection arguments."""

    def __init__(self, username: str | None, password: str) -> None:
        self._username, self._password = username, password

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        return (self._username, self._password) if self._username else (self._password,)

    def __repr__(self) -> str:
        return "<credentials>"

    def hidden(self, text: str) -> str:
        """``text`` without the password: an old server repeats a command that it does not know, AUTH included."""
        return text.replace(self._password, "***") if self._password else text


def connect(
    url: str,
    *,
    sentinels: Sequence[str] = (),
    master: str = "mymaster",
    sentinel_username: str | None = None,
    sentinel_password: str | None = None,
    timeout: float = 1.0,
) -> redis.Redis:
    """A client for ``redis://``, ``rediss://`` (TLS) or ``unix://``. Connects when it is first used.

    ``sentinels`` are ``host:port``; then ``url`` gives only scheme, user, password and database, and the primary is
    the one that they know as ``master``. ``timeout`` in seconds bounds connecting and each read or write. A
    ``rediss`` URL may name files: ``?ssl_ca_certs=…&ssl_certfile=…&ssl_keyfile=…``; certificates are always checked.

    Raises SettingsError where the URL or a sentinel's address cannot be understood.
    """
    place = redis_url.parse(url)
    common: dict[str, object] = {
        "db": place.database,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    arguments = {
        **common,
        **place.tls,
        **_credentials(place.username, place.password),
        "socket_read_size": READ_BYTES,
    }
    if sentinels:
        security = {"ssl": place.scheme == "rediss"}
        watchers = _credentials(sentinel_username or "", sentinel_password or "")
        sentinel = Sentinel(  # type: ignore[no-untyped-call]  # so are all of redis.sentinel
            [redis_url.parse_sentinel(text) for text in sentinels],
            sentinel_kwargs={**common, **place.tls, **security, **watchers, "db": 0},
        )
        client: redis.Redis = sentinel.master_for(master, **arguments, **security)  # type: ignore[no-untyped-call]
        return client
    if place.scheme == "unix":
        # A path has no peer to keep alive.
        del arguments["socket_keepalive"], arguments["socket_connect_timeout"]
        return _client(redis.UnixDomainSocketConnection, arguments | {"path": place.path})
    arguments |= {"host": place.host, "port": place.port}
    return _client(redis.SSLConnection if place.scheme == "rediss" else redis.Connection, arguments)


def connect_by(settings: RedisSettings) -> redis.Redis:
    """The client that the settings describe."""
    watchers = settings.sentinel_password
    return connect(
        settings.url.get_secret_value(),
        sentinels=settings.sentinels,
        master=settings.sentinel_master,
        sentinel_username=settings.sentinel_username,
        sentinel_password=None if watchers is None else watchers.get_secret_value(),
        timeout=settings.timeout_seconds,
    )


def _client(
    kind: type[redis.Connection | redis.UnixDomainSocketConnection], arguments: dict[str, object]
) -> redis.Redis:
    return redis.Redis.from_pool(redis.ConnectionPool(kind, **arguments))  # type: ignore[arg-type]  # typed above


def primary(client: redis.Redis) -> tuple[str, int] | None:
    """Ask the sentinels who the primary is, and drop idle connections to a former one. ``None`` without Sentinel.

    A former primary that was cut off from the sentinels, but not from us, would go on answering with old pointers.
    Raises RegistryUnavailable where no sentinel knows a primary.
    """
    pool = client.connection_pool
    if not isinstance(pool, SentinelConnectionPool):
        return None
    with answering(client, "find the primary"):
        host, port = pool.get_master_address()  # type: ignore[no-untyped-call]
    return str(host), int(port)


def address(client: redis.Redis) -> str:
    """Where ``client`` connects to, for messages: never with user or password."""
    pool = client.connection_pool
    arguments = pool.connection_kwargs
    if isinstance(pool, SentinelConnectionPool):
        watchers = (sentinel.connection_pool.connection_kwargs for sentinel in pool.sentinel_manager.sentinels)
        known_to = ", ".join(sorted(f"{watcher.get('host')}:{watcher.get('port')}" for watcher in watchers))
        return f"the primary {pool.service_name!r} known to the sentinels {known_to}"
    if "path" in arguments:
        return f"unix://{arguments['path']}"
    scheme = "rediss" if issubclass(pool.connection_class, redis.SSLConnection) else "redis"
    return f"{scheme}://{arguments.get('host')}:{arguments.get('port')}/{arguments.get('db')}"


@contextmanager
def answering(client: redis.Redis, what: str, *, changing: bool = False) -> Iterator[None]:
    """Turn whatever goes wrong with Redis inside the block into RegistryUnavailable.

    ``what`` is what was tried, as in "cannot ``read the pointers``". With ``changing``, the message says that the
    change may have happened although no answer came. A WatchError that reports a changed key passes.
    """
    try:
        yield
    except redis.WatchError as error:
        # A connection that broke under WATCH is reported like a changed key. Doing everything again would be wrong:
        # the server may have executed the transaction, and only its answer was lost.
        lost = error.__context__
        if not isinstance(lost, redis.ConnectionError | redis.TimeoutError):
            raise
        raise _explained(client, what, lost, changing=changing) from None
    except (redis.RedisError, OSError) as error:
        raise _explained(client, what, error, changing=changing) from None


def _explained(client: redis.Redis, what: str, error: Exception, *, changing: bool) -> RegistryUnavailable:
    text = "none of them knows a healthy one" if isinstance(error, MasterNotFoundError) else str(error)
    text = text or type(error).__name__
    credentials = client.connection_pool.connection_kwargs.get("credential_provider")
    if isinstance(credentials, _Credentials):
        text = credentials.hidden(text)
    advice = next((advice for kind, advice in _ADVICE if isinstance(error, kind)), "look at the server's log")
    if isinstance(error, MasterNotFoundError) and redis.AuthenticationError.__name__ in str(error):
        advice = "a sentinel wants another password: check redis.sentinel_username and redis.sentinel_password"
    unanswered = isinstance(error, redis.ConnectionError | redis.TimeoutError | OSError)
    unknown = "; whether the change happened is unknown, so look before trying again" if changing and unanswered else ""
    return RegistryUnavailable(f"cannot {what} at {address(client)}: {text}{unknown}; {advice}")


def _credentials(username: str, password: str) -> dict[str, object]:
    return {"credential_provider": _Credentials(username or None, password)} if username or password else {}
