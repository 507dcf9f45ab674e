"""The rights that a scorer needs in Redis, and no others.

For the model ``flights`` and the default prefix::

    ACL SETUSER scorer reset on >PASSWORD %R~scorer:* %W~scorer:flights:instance:* &scorer:flights:wake
        +mget +type +strlen +getrange +xrange +xrevrange +multi +exec +set +del +subscribe +unsubscribe +ping
        +select +client|setinfo

(one line). It reads everything under the prefix and hears the wake-ups of its model; it writes only the keys of its
model's processes. It cannot tell one process from another: the rights of a process of its own would end with
``%W~scorer:flights:instance:NAME-*``. Pushing versions and setting pointers takes another user, with all rights on
``scorer:*`` and its channels. Valkey, or Redis from 7.0.
"""

from __future__ import annotations

from scorer.registry.keys import Keys

COMMANDS = (
    "mget",
    "type",
    "strlen",
    "getrange",
    "xrange",
    "xrevrange",
    "multi",
    "exec",
    "set",
    "del",
    "subscribe",
    "unsubscribe",
    "ping",
    "select",
    "client|setinfo",
)
"""What the scorer sends, in the names that ACL uses."""


def rules(keys: Keys) -> tuple[str, ...]:
    """The rights of a scorer of this model, as arguments of ACL SETUSER after the user's name and password."""
    readable, writable = f"%R~{keys.prefix}:*", f"%W~{keys.every_instance}"
    return (readable, writable, f"&{keys.wake}", *(f"+{command}" for command in COMMANDS))


def command(keys: Keys, user: str = "scorer") -> str:
    """The whole command for a person to give; the password is left to fill in."""
    return " ".join(("ACL", "SETUSER", user, "reset", "on", ">PASSWORD", *rules(keys)))
