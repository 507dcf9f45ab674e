"""Replays that are killed, or overtaken by another one, at every stage of a transaction."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox import Kafka
from scorer.errors import HUNG
from scorer.stream.replay import replay
from tests.integration.deployment import Deployment
from tests.integration.letters import letters, once, origins, settled
from tests.settings_file import write_settings

CHILD = """
import sys
import threading
from scorer.cli.app import run
from scorer.stream import unreplayed
from scorer.stream.transaction import Transaction

unreplayed.CHUNK_EVENTS = 10
stage, commit = sys.argv[1], Transaction.commit

def pause():
    print("here", flush=True)
    sys.stdin.readline()

def paused(self, offsets, group):
    if stage == "produced":
        assert self.producer.flush(30) == 0
        pause()
    if stage == "offsets sent":
        assert self.producer.flush(30) == 0
        self.producer.send_offsets_to_transaction(offsets, group, 30)
        pause()
    if stage == "hung":
        self._call(threading.Event().wait)
    commit(self, offsets, group)
    if stage == "committed":
        pause()

Transaction.commit = paused
sys.exit(run(["--settings", sys.argv[2], "dead-letters", "replay"]))
"""
"""A replay that stops and waits for a line at one stage of each of its transactions of ten letters.

At the stage "hung", a call of the client never returns.
"""

STAGES = ["produced", "offsets sent", "committed"]


class Child:
    """A replay in a process of its own."""

    def __init__(self, deployment: Deployment, stage: str) -> None:
        file = write_settings(deployment.settings, deployment.directory)
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, stage, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def await_pause(self) -> None:
        """Wait until it stands at its stage."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line == "here\n", self.process.communicate()

    def go_on(self) -> None:
        """Let it go on to the next pause."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def end(self) -> tuple[int, str]:
        """Wait for its end; exit code and standard error."""
        _, errors = self.process.communicate(timeout=120)
        return self.process.returncode, errors


@pytest.fixture
def child(deploy: Callable[..., Deployment]) -> Iterator[Callable[[Deployment, str], Child]]:
    started: list[Child] = []

    def start(deployment: Deployment, stage: str) -> Child:
        started.append(Child(deployment, stage))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


@pytest.mark.parametrize("stage", STAGES)
def test_a_replay_that_is_killed_and_run_again_replays_everything_once(
    deploy: Callable[..., Deployment], child: Callable[[Deployment, str], Child], stage: str
) -> None:
    deployment = settled(deploy())
    made = letters(deployment, 35)
    first = child(deployment, stage)
    first.await_pause()
    first.go_on()
    first.await_pause()  # in the second chunk of ten
    first.process.kill()
    first.process.wait()
    assert replay(deployment.settings).replayed == (15 if stage == "committed" else 25)
    assert origins(deployment) == once(made)
    assert replay(deployment.settings).replayed == 0


@pytest.mark.parametrize("stage", STAGES)
def test_of_two_replays_at_once_the_later_one_goes_on_and_nothing_doubles(
    deploy: Callable[..., Deployment], child: Callable[[Deployment, str], Child], stage: str
) -> None:
    deployment = settled(deploy())
    made = letters(deployment, 35)
    first = child(deployment, stage)
    first.await_pause()
    assert replay(deployment.settings).replayed == (25 if stage == "committed" else 35)
    first.go_on()
    code, errors = first.end()
    assert code == 8
    assert "another replay" in errors
    assert "nothing is replayed twice" in errors
    assert "Traceback" not in errors
    assert origins(deployment) == once(made)


def test_ctrl_c_ends_it_without_a_traceback_and_nothing_is_lost(
    deploy: Callable[..., Deployment], child: Callable[[Deployment, str], Child]
) -> None:
    deployment = settled(deploy())
    made = letters(deployment, 35)
    first = child(deployment, "produced")
    first.await_pause()
    first.process.send_signal(signal.SIGINT)
    code, errors = first.end()
    assert (code, errors) == (130, "scorer: interrupted\n")
    assert replay(deployment.settings).replayed == 35
    assert origins(deployment) == once(made)


def test_a_client_that_never_returns_ends_it_with_a_word(
    deploy: Callable[..., Deployment], child: Callable[[Deployment, str], Child]
) -> None:
    deployment = settled(deploy())
    made = letters(deployment, 10)
    code, errors = child(deployment, "hung").end()
    assert code == HUNG, errors
    assert "run it again: nothing is replayed twice" in errors
    assert replay(deployment.settings).replayed == 10
    assert origins(deployment) == once(made)


def test_the_coordinator_restarts_while_offsets_are_sent(
    new_kafka: Callable[..., Kafka], tmp_path: Path, child: Callable[[Deployment, str], Child]
) -> None:
    """Whether librdkafka returns from the call then depends on what it learns first; the replay ends either way."""
    kafka = new_kafka()
    deployment = settled(Deployment(tmp_path, kafka.bootstrap))
    made = letters(deployment, 10)
    first = child(deployment, "produced")
    first.await_pause()
    kafka.freeze()
    first.go_on()
    kafka.kill()
    kafka.restart()
    code, errors = first.end()
    assert code in {0, HUNG}, errors
    assert replay(deployment.settings).replayed == (10 if code == HUNG else 0)
    assert origins(deployment) == once(made)
