"""What redis.url and redis.sentinels say, understood in one place: the settings check it, the client uses it.

Whatever cannot be understood is not repeated in a message: a password might be anywhere in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from scorer.errors import SettingsError

Scheme = Literal["redis", "rediss", "unix"]

_HELP = "write redis://[user:password@]host:port/database, rediss://… for TLS, or unix:///path?db=0"
_TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OPTIONS: dict[Scheme, tuple[str, ...]] = {"redis": (), "rediss": _TLS_OPTIONS, "unix": ("db",)}


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """An address: ``host`` and ``port``, or the ``path`` of a Unix socket; ``tls`` are the files that it names."""

    scheme: Scheme
    host: str
    port: int
    path: str
    database: int
    tls: dict[str, str]
    username: str
    password: str

    def __repr__(self) -> str:
        """Without user and password."""
        return f"<{self.scheme}://{self.host or self.path}>"


def parse(url: str) -> RedisUrl:
    """Understand ``redis://``, ``rediss://`` or ``unix://``. SettingsError where that cannot be."""
    place = _split(url)
    scheme = cast("Scheme", place.scheme)
    given = dict(parse_qsl(place.query, keep_blank_values=True))
    unknown = sorted(set(given) - set(_OPTIONS[scheme]))
    if unknown:
        known = ", ".join(_OPTIONS[scheme]) or "none"
        raise SettingsError(f"redis.url {masked(url)!r}: no option {', '.join(unknown)}; known: {known}")
    text = given.get("db", "0") if scheme == "unix" else place.path.strip("/") or "0"
    if not text.isdecimal():
        raise SettingsError(f"redis.url {masked(url)!r}: the database must be a number")
    return RedisUrl(
        scheme=scheme,
        host=place.hostname or "",
        port=place.port or 6379,
        path=unquote(place.path) if scheme == "unix" else "",
        database=int(text),
        tls=given if scheme == "rediss" else {},
        username=unquote(place.username or ""),
        password=unquote(place.password or ""),
    )


def parse_sentinel(text: str) -> tuple[str, int]:
    """Host and port of a sentinel; 26379 where no port is given. SettingsError where it is neither."""
    try:
        place = urlsplit(f"//{text.strip()}")
        host, port = place.hostname, place.port or 26379
    except ValueError:
        host, port = None, 0
    if not host:
        raise SettingsError(f"redis.sentinels: {text!r} is not host:port")
    return host, port


def masked(url: str) -> str:
    """``url`` without user and password, for messages; greedy, because a password may hold an unescaped @."""
    return re.sub(r"^(\w+:/*)?.*@", r"\1***@", url)


def _split(url: str) -> SplitResult:
    try:
        place = urlsplit(url)
        known = (place.scheme in ("redis", "rediss") and bool(place.hostname) and place.port != 0) or (
            place.scheme == "unix" and bool(place.path)
        )
    except ValueError:
        known = False
    if not known:
        raise SettingsError(f"redis.url cannot be understood; {_HELP}")
    return place
