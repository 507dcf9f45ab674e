"""Commands to a running monitor: each is done once, is answered in words, and is audited."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import fastavro
import pytest
import redis

from monitor import commands as sending
from monitor.answering import acknowledge, unexpected
from monitor.auditing import AUDIT
from monitor.commands import LONGEST, WAITING, Answer, Command, Commands, Unanswered, send
from monitor.judge.incidents import KEPT, Incidents
from monitor.judge.sign import Sign
from monitor.lease import Lease
from monitor.store import commands as kept
from monitor.store.state import State
from sandbox import Valkey
from scorer import schema_files
from scorer.errors import RegistryUnavailable, SettingsError
from scorer.registry.client import connect
from scorer.registry.instances import Json
from tests.monitor.obeying import KEYS, Counting
from tests.registry.servers import nobody, until

COUNT = Command("c-1", "count", "ann", "to see", None, {"what": "flüge"})


class Clock:
    """A steady clock that goes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def client(registry: Valkey) -> Iterator[redis.Redis]:
    with connect(registry.url, timeout=0.5) as connected:
        yield connected


@pytest.fixture
def commands(client: redis.Redis) -> Commands:
    """One whose thread does not run: the test exchanges."""
    return Commands(client, KEYS, 0.01, clock=Clock())


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Counting]:
    made = Counting(tmp_path / "state")
    with closing(made.state):
        yield made


@pytest.fixture
def sent(registry: Valkey, client: redis.Redis) -> Iterator[Callable[..., Future[Answer]]]:
    """Sends a command from a thread, and returns when it is in the stream."""
    with ThreadPoolExecutor(4) as pool, connect(registry.url) as own:

        def start(command: Command, seconds: float = 30.0) -> Future[Answer]:
            before = client.xlen(KEYS.commands)
            future = pool.submit(send, own, KEYS, command, seconds)
            until(lambda: client.xlen(KEYS.commands) != before or future.done(), "it is sent")
            return future

        yield start


def test_a_command_is_done_and_answered(
    counting: Counting, commands: Commands, sent: Callable[..., Future[Answer]], client: redis.Redis
) -> None:
    answer = sent(COUNT)
    counting.round(commands, 7)
    assert answer.result(30) == Answer(True, "counted at 7", "1")
    assert client.xlen(KEYS.commands) == 0
    assert counting.counted == 1


def test_an_answer_is_written_once_and_expires(
    counting: Counting, commands: Commands, sent: Callable[..., Future[Answer]], client: redis.Redis
) -> None:
    answer = sent(COUNT)
    counting.round(commands, 7)
    answer.result(30)
    assert 0 < int(client.pttl(KEYS.answer("c-1"))) <= 600_000
    client.delete(KEYS.answer("c-1"))
    commands.exchange()
    assert client.get(KEYS.answer("c-1")) is None


def test_an_answer_does_not_wait_for_the_next_look(client: redis.Redis, sent: Callable[..., Future[Answer]]) -> None:
    answer = sent(COUNT)
    with Commands(client, KEYS, 3_600.0) as commands:
        until(commands.waiting, "it is taken")
        commands.answer("c-1", Answer(True, "done"))
        assert answer.result(30) == Answer(True, "done")


def test_the_same_id_is_done_once_and_answered_again(
    counting: Counting, commands: Commands, sent: Callable[..., Future[Answer]], client: redis.Redis
) -> None:
    first, second = sent(COUNT), sent(COUNT)
    counting.round(commands, 7)
    assert first.result(30) == second.result(30)
    client.delete(KEYS.answer("c-1"))
    again = sent(COUNT)
    counting.round(commands, 9)
    assert again.result(30) == Answer(True, "counted at 7", "1")
    assert counting.counted == 1
    assert len(counting.state.unsent(AUDIT)) == 1


def test_a_command_is_done_once_although_the_monitor_is_killed(
    registry: Valkey, sent: Callable[..., Future[Answer]], tmp_path: Path
) -> None:
    def run(point: str) -> int:
        arguments = ["-m", "tests.monitor.obeying", registry.url, str(tmp_path / "state"), point]
        return subprocess.run([sys.executable, *arguments], check=False).returncode

    answer = sent(COUNT, 120.0)
    for point in ("taken", "in the step", "committed", "committed"):
        assert run(point) == -signal.SIGKILL, point
    assert run("") == 0
    assert answer.result(30).present == "1"
    again = Counting(tmp_path / "state")
    with closing(again.state):
        assert again.counted == 1
        assert len(again.state.unsent(AUDIT)) == 1


def read(schema: Any, record: bytes) -> dict[str, Any]:
    found = fastavro.schemaless_reader(io.BytesIO(record), schema, None)
    assert isinstance(found, dict)
    return found


def test_every_command_is_audited(counting: Counting, commands: Commands, sent: Callable[..., Future[Answer]]) -> None:
    answers = [sent(COUNT), sent(replace(COUNT, id="c-2", kind="dance"))]
    counting.round(commands, 7)
    for answer in answers:
        answer.result(30)
    schema = fastavro.parse_schema(schema_files.own("audit"))
    letters = counting.state.unsent(AUDIT)
    assert [letter.id for letter in letters] == ["audit/1/c-1", "audit/1/c-2"]
    assert all(letter.payload[:5] == b"\0\0\0\x03\xea" for letter in letters)
    done, refused = (read(schema, letter.payload[5:]) for letter in letters)
    assert done == {
        "at": done["at"], "model": "flights", "instance": "monitor-0", "event": "applied", "pointer": "count",
        "version": '{"what": "flüge"}', "digest": None, "previous": "1", "seen": done["at"], "reason": None,
        "command": "c-1", "actor": "ann", "actor_reason": "to see", "trial": None,
    }  # fmt: skip
    assert round(done["at"].timestamp() * 1e6) == 7
    assert (refused["event"], refused["command"]) == ("refused", "c-2")
    assert refused["reason"] == "command: this monitor knows no command 'dance'; it knows count"


def test_a_command_that_expects_another_state_is_refused() -> None:
    assert unexpected(COUNT, "open") is None
    assert unexpected(replace(COUNT, expected="open"), "open") is None
    refusal = unexpected(replace(COUNT, expected="open"), "resolved")
    assert refusal == Answer(False, "it is resolved, not open as expected; nothing was changed", "resolved")


class Alarmed:
    """Holds incidents, one of which is open."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.incidents, [letter] = Incidents("flights").take(
            [Sign("requirement", "brier", "FAIL", "brier above 0.2")], 7
        )
        self.id = letter.incident.id

    def do(self, expected: str | None = None, incident: str | None = None) -> Answer:
        payload: dict[str, Json] = {"incident": incident or self.id}
        with self._state.step() as step:
            return acknowledge(self)(step, replace(COUNT, kind="acknowledge", expected=expected, payload=payload), 8)


def test_an_incident_is_acknowledged(counting: Counting) -> None:
    alarmed = Alarmed(counting.state)
    assert alarmed.do("acknowledged").text == "it is open, not acknowledged as expected; nothing was changed"
    assert alarmed.do("open") == Answer(
        True, "acknowledged, so nobody is reminded of it: brier above 0.2", "acknowledged"
    )
    assert [one.acknowledged for one in alarmed.incidents.open.values()] == ["ann"]
    assert Incidents.of_json(counting.state.kept(KEPT) or b"") == alarmed.incidents, "a restart knows it, too"
    assert alarmed.do("open").present == "acknowledged"
    assert alarmed.do().done
    assert alarmed.do(incident="other") == Answer(False, "no incident other is open: it is unknown", "unknown")


def test_an_incident_that_has_ended_is_not_acknowledged(counting: Counting) -> None:
    alarmed = Alarmed(counting.state)
    for hour in range(1, 9):
        alarmed.incidents, _ = alarmed.incidents.take([], hour * 3_600_000_000)
    assert alarmed.do().present == "ended"


def test_nobody_answers(client: redis.Redis) -> None:
    with pytest.raises(Unanswered, match=r"no monitor of flights has answered count within 0\.01 s; none is at work"):
        send(client, KEYS, COUNT, 0.01)
    Lease(client, KEYS, 30.0, holder="somebody").ask()
    with pytest.raises(Unanswered, match=r"\d+ somebody is at work.* under its id, c-1"):
        send(client, KEYS, COUNT, 0.01)


def test_what_nobody_waits_for_any_more_is_not_done(
    counting: Counting, commands: Commands, client: redis.Redis
) -> None:
    with pytest.raises(Unanswered):
        send(client, KEYS, COUNT, 0.01)
    counting.round(commands, 7)
    assert counting.counted == 0
    assert client.xlen(KEYS.commands) == 0
    assert send(client, KEYS, COUNT) == Answer(
        False, "nobody waited for it any more when the monitor came to it, so it was not done"
    )


def test_what_the_loop_comes_to_too_late_is_not_done(client: redis.Redis, sent: Callable[..., Future[Answer]]) -> None:
    clock = Clock()
    commands = Commands(client, KEYS, 0.01, clock=clock)
    answer = sent(COUNT, 30.0)
    commands.exchange()
    clock.now += 31.0
    assert commands.waiting() == []
    commands.exchange()
    assert "nobody waited" in answer.result(30).text


def test_what_is_no_command_is_removed_and_the_others_are_taken(
    commands: Commands, client: redis.Redis, sent: Callable[..., Future[Answer]]
) -> None:
    said = json.loads(COUNT.to_json())
    bodies: list[object] = [
        "", "{", "[]", "null", {}, said | {"until": "x"}, said | {"id": "a b"}, said | {"payload": []},
        said | {"actor": 1}, said | {"expected": 1}, said | {"payload": {"x": "y" * LONGEST}},
        said | {"kind": "\ud800"}, said | {"payload": {"x": ["\udfff"]}},
    ]  # fmt: skip
    for body in bodies:
        text = body if isinstance(body, str) else json.dumps(body)
        client.xadd(KEYS.commands, {"command": text, "seconds": "10"})
    for seconds in ("nan", "-1", "inf", "x"):
        client.xadd(KEYS.commands, {"command": COUNT.to_json(), "seconds": seconds})
    client.xadd(KEYS.commands, {"other": b"\xff"})
    client.xadd(KEYS.commands, {"command": "[" * 9_000, "seconds": "10"})
    answer = sent(COUNT)
    commands.exchange()
    assert [replace(command, until=0.0) for command in commands.waiting()] == [replace(COUNT, until=0.0)]
    assert client.xlen(KEYS.commands) == 1
    commands.answer("c-1", Answer(True, "done"))
    commands.exchange()
    assert answer.result(30) == Answer(True, "done")


def test_commands_that_nobody_takes_are_bounded(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "KEPT", 1)
    for number in range(300):  # the server drops whole nodes of its stream, of 100 entries
        client.xadd(KEYS.commands, {"other": str(number)})
    with pytest.raises(Unanswered):
        send(client, KEYS, COUNT, 0.01)
    assert client.xlen(KEYS.commands) <= 101


def test_no_more_are_taken_than_there_is_room_for(commands: Commands, client: redis.Redis) -> None:
    for number in range(WAITING + 5):
        body = replace(COUNT, id=f"c-{number}").to_json()
        client.xadd(KEYS.commands, {"command": body, "seconds": "3600"})
    commands.exchange()
    commands.exchange()
    waiting = commands.waiting()
    assert [command.id for command in waiting] == [f"c-{number}" for number in range(WAITING)]
    assert commands.waiting() == [], "each is told once"
    for command in waiting:
        commands.answer(command.id, Answer(True, "done"))
    commands.exchange()
    assert [command.id for command in commands.waiting()] == [f"c-{WAITING + number}" for number in range(5)]
    assert len(commands._entries) == 5, "what is answered is remembered for ever"


@pytest.mark.parametrize(
    "wrong",
    [{"id": "a:b"}, {"actor": " "}, {"reason": "x" * 3_000}, {"payload": {"x": "y" * LONGEST}}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_makes_no_sense_is_not_sent(wrong: dict[str, object], client: redis.Redis) -> None:
    with pytest.raises(SettingsError):
        send(client, KEYS, replace(COUNT, **wrong))  # type: ignore[arg-type]
    with pytest.raises(SettingsError):
        send(client, KEYS, COUNT, 0.0)
    assert client.xlen(KEYS.commands) == 0


def test_a_frozen_redis_holds_up_neither_the_loop_nor_the_answer(
    registry: Valkey, sent: Callable[..., Future[Answer]]
) -> None:
    with connect(registry.url, timeout=0.3) as own, Commands(own, KEYS, 0.01) as commands:
        answer = sent(COUNT)
        until(commands.waiting, "it is taken")
        registry.freeze()
        try:
            loop = threading.Thread(target=lambda: commands.answer("c-1", Answer(True, "done")))
            loop.start()
            loop.join(10.0)
            assert not loop.is_alive(), "the loop waits for Redis"
            until(lambda: commands.problem, "the trouble is known")
        finally:
            registry.thaw()
        try:
            assert answer.result(30) == Answer(True, "done")
        except RegistryUnavailable:  # the sender's own time-out is as short as the freeze was long
            assert send(own, KEYS, COUNT) == Answer(True, "done")
        until(lambda: not commands.problem, "all is well again")
        commands.check()


def test_without_redis_the_sender_is_told() -> None:
    with connect(nobody()) as client, pytest.raises(RegistryUnavailable, match="whether the change happened"):
        send(client, KEYS, COUNT)


def test_a_thread_that_ends_is_noticed(client: redis.Redis) -> None:
    def broken() -> float:
        raise ValueError("the clock is broken")

    with Commands(client, KEYS, 0.01, clock=broken) as commands:

        def seen() -> bool:
            try:
                commands.check()
            except ValueError:
                return True
            return False

        until(seen, "the failure is raised")


def test_the_answers_that_are_kept_are_bounded(counting: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "KEPT", 3)
    for number in range(6):
        with counting.state.step() as step:
            step.tick(number + 1)
            step.answer(f"c-{number}", b"", str(number).encode())
    found = known(counting.state)
    assert found == ["c-3", "c-4", "c-5"]


def known(state: State) -> list[str]:
    """The ids of commands 0 to 5 that the state still knows."""
    with state.step() as step:
        return [f"c-{number}" for number in range(6) if step.answered(f"c-{number}") is not None]
