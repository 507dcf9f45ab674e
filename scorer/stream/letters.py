"""Dead letters as people ask for them: the newest ones, or the one of a certain event."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

from confluent_kafka import Message

from scorer.errors import SettingsError
from scorer.settings import Settings
from scorer.stream import dead_letters
from scorer.stream.dead_letters import CUT, ORIGIN, PREFIX, Header
from scorer.stream.history import History


class Coordinates(NamedTuple):
    """Where a record is, or was."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}-{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read TOPIC-PARTITION-OFFSET (the topic may hold dashes), or the same with slashes. Raises SettingsError."""
        found = re.fullmatch(r"([A-Za-z0-9._-]{1,249})([-/])([0-9]{1,10})\2([0-9]{1,18})", text)
        if found is None:
            raise SettingsError(f"{text!r} is not TOPIC-PARTITION-OFFSET, as in flights.events-0-1234")
        return cls(found[1], int(found[3]), int(found[4]))


@dataclass(frozen=True, slots=True)
class Letter:
    """One record of the dead-letter topic. ``facts`` are the headers that the scorer gave it, without their prefix.

    ``key`` and ``value`` are the event's own, ``headers`` those that its producer gave it. ``time`` is when the letter
    was written, in milliseconds since the epoch.
    """

    at: Coordinates
    time: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    facts: dict[str, str]

    @classmethod
    def of(cls, message: Message) -> Self:
        """The letter that a record is."""
        headers = dead_letters.listed(message.headers())
        return cls(
            Coordinates(str(message.topic()), int(message.partition() or 0), int(message.offset() or 0)),
            message.timestamp()[1],
            message.key(),
            message.value(),
            tuple(dead_letters.own(headers)),
            {name.removeprefix(PREFIX): _text(value) for name, value in headers if name.startswith(PREFIX)},
        )

    @property
    def source(self) -> str:
        """The coordinates of the event that this letter is about; empty where somebody else wrote the record."""
        parts = [self.facts.get(f"source.{part}", "") for part in ("topic", "partition", "offset")]
        return "-".join(parts) if all(parts) else ""

    @property
    def origin(self) -> str:
        """The coordinates of that event's first appearance."""
        return self.facts.get(ORIGIN.removeprefix(PREFIX), "")

    @property
    def code(self) -> str:
        """The stable code of the reason."""
        return self.facts.get("code", "")

    @property
    def attempt(self) -> int:
        """How often the event had been tried by then; 0 where the record is no dead letter of a scorer."""
        text = self.facts.get("attempt", "")
        return int(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0

    @property
    def cut(self) -> bool:
        """Whether the value is only the beginning of the event's."""
        return CUT.removeprefix(PREFIX) in self.facts


def newest(settings: Settings, code: str | None = None, since: int | None = None) -> Iterator[Letter]:
    """Dead letters from the newest to the oldest, of this code, not older than ``since`` (ms). StreamBroken."""
    with History(settings, settings.topics.dead_letters) as history:
        for message in history.newest_first(since):
            letter = Letter.of(message)
            if code is None or letter.code == code:
                yield letter


def find(settings: Settings, place: Coordinates) -> list[Letter]:
    """The dead letter at ``place``, or those of the event at ``place``: all of its attempts, the newest first.

    The dead letters are read from the newest backwards to the first one of the event. Raises StreamBroken.
    """
    if place.topic == settings.topics.dead_letters:
        with History(settings, place.topic) as history:
            message = history.one(place.partition, place.offset)
        return [] if message is None else [Letter.of(message)]
    found = []
    for letter in newest(settings):
        if str(place) in (letter.source, letter.origin):
            found.append(letter)
        if letter.source == str(place):
            break
    return found


def _text(value: str | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""
