"""What is to be sent once its transaction is committed: records, mails, pointer changes.

A letter's id is made of its kind, the tick and a name that is unique within both, so a step that is done again after a
kill makes the same ids. It is sent after the commit and then struck out; a kill between the two sends it twice, under
one id, by which whoever receives it knows the copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from duckdb import DuckDBPyConnection


class Letter(NamedTuple):
    """``payload`` is what is sent, as its kind has it."""

    id: str
    payload: bytes


def put(connection: DuckDBPyConnection, kind: str, tick: int, name: str, payload: bytes) -> str:
    """Add a letter and return its id. Raises duckdb.ConstraintException where that id is there already."""
    letter = f"{kind}/{tick}/{name}"
    connection.execute("INSERT INTO outbox VALUES (?, ?, ?, ?)", [letter, kind, payload, tick])
    return letter


def unsent(connection: DuckDBPyConnection, kind: str) -> list[Letter]:
    """The letters of a kind, in the order of tick and id."""
    rows = connection.execute("SELECT id, payload FROM outbox WHERE kind = ? ORDER BY tick, id", [kind]).fetchall()
    return [Letter(one, bytes(payload)) for one, payload in rows]


def strike(connection: DuckDBPyConnection, ids: Iterable[str]) -> None:
    """Forget letters that were sent."""
    connection.execute("DELETE FROM outbox WHERE id IN (SELECT unnest(?::VARCHAR[]))", [list(ids)])


def withdraw(connection: DuckDBPyConnection, kind: str, payload: bytes) -> None:
    """Forget the letters of this kind and payload, which another one replaces."""
    connection.execute("DELETE FROM outbox WHERE kind = ? AND payload = ?", [kind, payload])


def discard(connection: DuckDBPyConnection, but: str) -> None:
    """Forget the letters of every kind but one."""
    connection.execute("DELETE FROM outbox WHERE kind <> ?", [but])
