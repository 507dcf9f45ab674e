"""What is to be sent once its transaction is committed: records, mails, pointer changes.

A letter's id is made of its kind, the tick and a name that is unique within both, so a step that is done again after a
kill makes the same ids. It is sent after the commit and then struck out; a kill between the two sends it twice, under
one id, by which whoever receives it knows the copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from duckdb import DuckDBPyConnection

MOST = 2_000
"""So many letters of a kind are loaded at a time, the oldest first; the others wait on disk until those are struck out.
What was sent and not yet struck out is among them, however long the outbox has become."""


class Letter(NamedTuple):
    """``payload`` is what is sent, as its kind has it."""

    id: str
    payload: bytes


def put(connection: DuckDBPyConnection, kind: str, tick: int, name: str, payload: bytes) -> str:
    """Add a letter and return its id. Raises duckdb.ConstraintException where that id is there already."""
    letter = f"{kind}/{tick}/{name}"
    connection.execute("INSERT INTO outbox VALUES (?, ?, ?, ?)", [letter, kind, payload, tick])
    return letter


def unsent(connection: DuckDBPyConnection, kind: str, most: int = MOST) -> list[Letter]:
    """The oldest letters of a kind, in the order of tick and id."""
    return _letters(connection, "SELECT id, payload FROM outbox WHERE kind = ? ORDER BY tick, id LIMIT ?", [kind, most])


def addressed(connection: DuckDBPyConnection, kind: str, most: int = MOST) -> list[Letter]:
    """Of each address, which ids of this kind name behind an ``@``, the oldest letters, in the order of tick and id:
    one that takes nothing holds up no other."""
    query = (
        "SELECT id, payload FROM outbox WHERE kind = ? QUALIFY row_number() OVER "
        "(PARTITION BY regexp_extract(id, '@([^@]*)$', 1) ORDER BY tick, id) <= ? ORDER BY tick, id"
    )
    return _letters(connection, query, [kind, most])


def _letters(connection: DuckDBPyConnection, query: str, facts: list[str | int]) -> list[Letter]:
    return [Letter(one, bytes(payload)) for one, payload in connection.execute(query, facts).fetchall()]


def strike(connection: DuckDBPyConnection, ids: Iterable[str]) -> None:
    """Forget letters that were sent."""
    connection.execute("DELETE FROM outbox WHERE id IN (SELECT unnest(?::VARCHAR[]))", [list(ids)])


def withdraw(connection: DuckDBPyConnection, kind: str, payload: bytes) -> None:
    """Forget the letters of this kind and payload, which another one replaces."""
    connection.execute("DELETE FROM outbox WHERE kind = ? AND payload = ?", [kind, payload])


def discard(connection: DuckDBPyConnection, but: str) -> None:
    """Forget the letters of every kind but one."""
    connection.execute("DELETE FROM outbox WHERE kind <> ?", [but])
