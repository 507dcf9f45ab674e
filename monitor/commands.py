"""Commands to a running monitor, through Redis: sent by people's commands, answered by the one that holds the lease.

A command waits in the stream ``P:M:commands`` until it is answered; the answer lies under ``P:M:answer:ID`` for a
while. The monitor keeps id and answer in its state, in the transaction of what the command does, and only then answers
here. So a command is done once, however often the monitor is killed on the way. One that nobody has taken after the
seconds for which its sender waits is void: what nobody waits for any more happens no more.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from types import TracebackType
from typing import Final, Self, cast

import redis
from redis.typing import EncodableT, FieldT

from monitor.rounds import Rounds
from scorer.errors import RegistryUnavailable, ScorerError, SettingsError
from scorer.registry import audit
from scorer.registry.client import answering
from scorer.registry.instances import Json
from scorer.registry.keys import Keys, check_name, is_name

LOGGER = logging.getLogger(__name__)

WAITING = 100
"""So many commands wait in the loop at most; the others wait in Redis."""

KEPT = 1_000
"""Commands in the stream at most, about; beyond that the oldest are dropped. Only a person sends them."""

LONGEST = 10_000
"""Characters of one command at most."""

LONGEST_SECONDS = 3_600.0
"""A command is valid for so long at most."""

ANSWER_SECONDS = 600.0
GRACE_SECONDS = 2.0
"""So much longer than the command is valid its sender waits: it may have been taken at the last moment."""

ASK_SECONDS = 0.05


class Unanswered(ScorerError):
    """Raised when no monitor answers a command in time. Send it again with the same id: it is done once."""

    exit_code = 19


@dataclass(frozen=True, slots=True)
class Command:
    """``id`` by which it is done once, whoever sends it how often; ``kind`` what is to be done with ``payload``.

    ``expected`` is the state in which it shall be done, as its kind has it; ``None``: in any. ``until`` is when it is
    void, by the steady clock of the process that took it.
    """

    id: str
    kind: str
    actor: str
    reason: str
    expected: str | None = None
    payload: Mapping[str, Json] = field(default_factory=dict)
    until: float = float("inf")

    def to_json(self) -> bytes:
        """All that its sender said, as UTF-8 JSON."""
        return json.dumps({name: getattr(self, name) for name in _SAID}).encode()

    @staticmethod
    def of_json(data: bytes) -> Command:
        """What :meth:`to_json` gave."""
        return Command(**json.loads(data))


_SAID: Final = {one.name: None for one in fields(Command) if one.name != "until"}.keys()


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the command was ``done``, and in words what came of it, or why not. ``present`` is the state that its
    kind speaks of, as it is now; ``result`` is what it was for."""

    done: bool
    text: str
    present: str | None = None
    result: Json = None

    def to_json(self) -> bytes:
        """All of it, as UTF-8 JSON."""
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def of_json(data: bytes) -> Answer:
        """What :meth:`to_json` gave."""
        return Answer(**json.loads(data))


def send(client: redis.Redis, keys: Keys, command: Command, seconds: float = 10.0) -> Answer:
    """Have the running monitor do this within ``seconds``; waits for its answer.

    Raises Unanswered where there is none, RegistryUnavailable, and SettingsError where the id is no name, nobody gives
    the command or it is too long.
    """
    check_name(command.id, "command")
    audit.checked(command.actor, command.reason)
    if not 0.0 < seconds <= LONGEST_SECONDS:
        raise SettingsError(f"a command is valid for up to {LONGEST_SECONDS:g} s, not {seconds:g}; nothing was sent")
    body = command.to_json()
    if len(body) > LONGEST:
        raise SettingsError(
            f"a command has at most {LONGEST:,} characters, and this one {len(body):,}; nothing was sent"
        )
    entry: dict[FieldT, EncodableT] = {"command": body, "seconds": str(seconds)}
    with answering(client, "send a command to the monitor", changing=True):
        client.xadd(keys.commands, entry, maxlen=KEPT, approximate=True)
    pause, deadline = threading.Event(), time.monotonic() + seconds + GRACE_SECONDS
    while time.monotonic() < deadline:
        with answering(client, f"read the answer to command {command.id}", changing=True):
            found = client.get(keys.answer(command.id))
        if found is not None:
            return Answer.of_json(cast("bytes", found))
        pause.wait(ASK_SECONDS)
    raise Unanswered(_unanswered(client, keys, command, seconds))


def _unanswered(client: redis.Redis, keys: Keys, command: Command, seconds: float) -> str:
    """Why there is no answer, as far as one can see from here."""
    with answering(client, "look for the monitor"):
        holder = cast("bytes | None", client.get(keys.lease))
    now = (
        "none is at work: start one with monitor run"
        if holder is None
        else f"{holder.decode('utf-8', 'replace')} is at work"
    )
    return (
        f"no monitor of {keys.model} has answered {command.kind} within {seconds:g} s; {now}. It will not be done any "
        f"more; only one that was just busy with it may have done it: send it again under its id, {command.id}, to know"
    )


class Commands:
    """Takes commands from Redis, and answers there, in a thread; the loop asks what waits. A context manager."""

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        poll_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.problem = ""
        self._client, self._keys, self._poll_seconds, self._clock = client, keys, poll_seconds, clock
        self._lock = threading.Lock()
        self._inbox: deque[Command] = deque()
        self._answers: dict[str, Answer] = {}
        self._entries: dict[str, str] = {}  # by entry of the stream, the id of a command that is not answered yet
        self._rounds = Rounds("commands", self._round)

    def __enter__(self) -> Self:
        self._rounds.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._rounds.stop()

    def waiting(self) -> list[Command]:
        """What is to be done, the oldest first; each is told once, and wants an answer. Never waits for Redis."""
        now = self._clock()
        with self._lock:
            found = list(self._inbox)
            self._inbox.clear()
        late = [command for command in found if now >= command.until]
        for command in late:
            self.answer(command.id, _void())
        return [command for command in found if now < command.until]

    def answer(self, command: str, answer: Answer) -> None:
        """Answer the command of that id: what it does is committed. Never waits for Redis."""
        with self._lock:
            self._answers[command] = answer
        self._rounds.wake()

    def check(self) -> None:
        """Raise whatever ended the thread."""
        if self._rounds.failure is not None:
            raise self._rounds.failure

    def exchange(self) -> None:
        """Write the answers, take what waits. Called by the thread; waits for Redis as long as its client does."""
        try:
            self._write()
            self._take()
        except RegistryUnavailable as error:
            if not self.problem:
                LOGGER.warning("commands are not taken: %s", error)
            self.problem = str(error)
        else:
            self.problem = ""

    def _write(self) -> None:
        with self._lock:
            answers = dict(self._answers)
        if not answers:
            return
        entries = [entry for entry, command in self._entries.items() if command in answers]
        with answering(self._client, "answer commands"), self._client.pipeline() as pipe:
            for command, answer in answers.items():
                pipe.set(self._keys.answer(command), answer.to_json(), px=int(ANSWER_SECONDS * 1_000))
            if entries:
                pipe.xdel(self._keys.commands, *entries)
            pipe.execute()
        with self._lock:
            for command in answers:
                del self._answers[command]
        for entry in entries:
            del self._entries[entry]

    def _take(self) -> None:
        asked = self._clock()
        with answering(self._client, "read the commands"), self._client.pipeline() as pipe:
            pipe.time()
            pipe.xrange(self._keys.commands, count=WAITING)
            (seconds, micros), found = pipe.execute()
        unreadable = []
        for key, content in cast("list[tuple[bytes, dict[bytes, bytes]]]", found):
            entry = key.decode()
            if entry in self._entries:
                continue
            command, valid = _read(content)
            if command is None:
                unreadable.append(entry)
                continue
            age = seconds + micros / 1e6 - audit.id_order(entry)[0] / 1e3
            self._entries[entry] = command.id
            with self._lock:
                self._inbox.append(replace(command, until=asked + valid - age))
        if unreadable:
            LOGGER.warning("%d entries of %s are no commands and are removed", len(unreadable), self._keys.commands)
            with answering(self._client, "remove what is no command"):
                self._client.xdel(self._keys.commands, *unreadable)

    def _round(self) -> float:
        self.exchange()
        return self._poll_seconds


def _void() -> Answer:
    return Answer(False, "nobody waited for it any more when the monitor came to it, so it was not done")


def _read(content: Mapping[bytes, bytes]) -> tuple[Command | None, float]:
    """The command of an entry, and for how many seconds it is valid; ``None`` where somebody else wrote it."""
    body = content.get(b"command", b"")
    try:
        said, valid = json.loads(body), float(content.get(b"seconds", b""))
        json.dumps(
            said, ensure_ascii=False
        ).encode()  # half of a surrogate pair can be written in JSON, and nowhere else
    except (ValueError, RecursionError):
        return None, 0.0
    if len(body) > LONGEST or not isinstance(said, dict) or said.keys() != _SAID or not 0.0 < valid <= LONGEST_SECONDS:
        return None, 0.0
    texts = (said["id"], said["kind"], said["actor"], said["reason"])
    known = all(isinstance(text, str) for text in texts) and isinstance(said["expected"], str | None)
    return (Command(**said) if known and isinstance(said["payload"], dict) and is_name(said["id"]) else None), valid
