"""Free ports on the loopback address."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence

from sandbox.errors import SandboxError

HOST = "127.0.0.1"

# Below the ports that Linux and macOS give to outgoing connections. In that range, a client that keeps trying to
# reach a stopped broker may get the broker's own port as its source port, and so connect to itself and take it.
_FIRST, _LAST = 20_000, 32_767


def free_ports(count: int, preferred: Sequence[int] = ()) -> list[int]:
    """``count`` ports that nobody listens on now: ``preferred`` if all of them are free, else others at random.

    Another program can still take one before the service does; the service then ends, and its starter tries again.
    """
    if len(preferred) == count and all(map(is_free, preferred)):
        return list(preferred)
    found: set[int] = set()
    for _ in range(1_000):
        if len(found) == count:
            return list(found)
        port = _FIRST + secrets.randbelow(_LAST - _FIRST + 1)
        if is_free(port):
            found.add(port)
    raise SandboxError(f"no {count} free ports between {_FIRST} and {_LAST} on {HOST}")


def is_free(port: int) -> bool:
    """Whether a server could listen on it now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: an old connection is no obstacle
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
        return True
