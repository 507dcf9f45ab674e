"""The rights that a monitor needs in Redis, and no others.

It reads everything under the prefix; it writes its lease, and takes and answers commands. It changes no pointer, unless
it is to begin trials and promote candidates: these rights come on top. Valkey, or Redis from 7.0.
"""

from __future__ import annotations

from scorer.registry.keys import Keys

COMMANDS = (
    "mget", "get", "type", "strlen", "getrange", "xrange", "multi", "exec", "watch", "unwatch", "eval", "set", "del",
    "pexpire", "time", "xadd", "xdel", "ping", "select", "client|setinfo",
)  # fmt: skip
"""What the monitor and its commands send, in the names that ACL uses."""


def rules(keys: Keys) -> tuple[str, ...]:
    """The rights of a monitor of this model, as arguments of ACL SETUSER after the user's name and password."""
    writable = (keys.lease, keys.fence, keys.commands, keys.every_answer)
    return (
        f"%R~{keys.prefix}:*",
        *(f"~{key}" for key in writable),
        *(f"+{command}" for command in COMMANDS),
    )


POINTING = ("exists", "publish")
"""What it sends besides to change pointers."""


def pointing(keys: Keys) -> tuple[str, ...]:
    """The rights that come on top where the monitor is to begin trials and to promote."""
    return (
        *(f"~{key}" for key in (keys.champion, keys.trial, keys.audit)),
        f"&{keys.wake}",
        *(f"+{command}" for command in POINTING),
    )
