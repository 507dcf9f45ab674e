"""Processes that want one lease, of which some are killed or frozen: never do two write at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import pytest

from monitor.lease import LeaseLost
from sandbox import Valkey
from tests.registry.servers import until


class Record(NamedTuple):
    """What a process has written: with which number, who, and how it stood."""

    number: int
    name: str
    standing: str


class Processes:
    """Processes that want the lease for a second at a time, and what they write."""

    def __init__(self, url: str, file: Path) -> None:
        self._url, self._file = url, file
        self._started: list[subprocess.Popen[str]] = []
        file.touch()

    def start(self, name: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.monitor.holder", self._url, str(self._file), name, "1.0"]
        self._started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        return self._started[-1]

    def written(self) -> list[Record]:
        """Whole lines, in their order."""
        lines = [line.split() for line in self._file.read_text("utf-8").splitlines(True) if line.endswith("\n")]
        return [Record(int(number), name, standing) for number, name, standing in lines]

    def await_writer(self, name: str) -> None:
        until(lambda: [record.name for record in self.written()][-1:] == [name], f"{name} writes")

    def late(self) -> int:
        """How many records lie behind one with a greater number."""
        numbers = [record.number for record in self.written()]
        return sum(number < greatest for number, greatest in zip(numbers, accumulate(numbers, max), strict=True))

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def processes(registry: Valkey, tmp_path: Path) -> Iterator[Processes]:
    made = Processes(registry.url, tmp_path / "written")
    yield made
    made.close()


def test_a_stand_by_takes_over_from_one_that_was_killed(processes: Processes) -> None:
    one = processes.start("one")
    processes.await_writer("one")
    processes.start("two")
    one.kill()
    processes.await_writer("two")
    assert len({record.number for record in processes.written()}) == 2
    assert processes.late() == 0


def test_one_that_was_frozen_writes_nothing_when_it_wakes(processes: Processes) -> None:
    one = processes.start("one")
    processes.await_writer("one")
    processes.start("two")
    os.kill(one.pid, signal.SIGSTOP)
    processes.await_writer("two")
    os.kill(one.pid, signal.SIGCONT)
    _, said = one.communicate(timeout=30)
    assert one.returncode == LeaseLost.exit_code
    assert "has lost its lease to" in said
    assert processes.late() <= 1, "more than the one record that may have been under way"


def test_while_redis_is_frozen_the_owner_alone_goes_on(processes: Processes, registry: Valkey) -> None:
    processes.start("one")
    processes.await_writer("one")
    processes.start("two")
    registry.freeze()
    try:
        until(lambda: processes.written()[-1].standing == "away", "the lease runs out")
        seen = len(processes.written())
        until(lambda: len(processes.written()) > seen + 100, "it goes on")
        assert {record.name for record in processes.written()} == {"one"}
    finally:
        registry.thaw()
    # Whoever is heard first has it now; the other one waits, or ends.
    until(lambda: processes.written()[-1].standing == "held", "somebody has it again")
    greatest = max(processes.written())
    until(lambda: processes.written()[-1][:2] == greatest[:2], "the one with the greatest number goes on")
