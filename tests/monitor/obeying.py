"""A monitor that does nothing but count commands, and is killed at a chosen point; for test_commands."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from monitor.answering import Answering
from monitor.auditing import Auditing
from monitor.commands import Answer, Command, Commands
from monitor.rows import Layout
from monitor.store.cohorts import Timing
from monitor.store.state import State
from monitor.store.step import Step
from scorer.registry.client import connect
from scorer.registry.keys import Keys
from scorer.settings import Schemas

KEYS = Keys("flights")
HOUR = 3_600_000_000
TIMING = Timing(matures_after=HOUR, retention=48 * HOUR, idle_after=HOUR, ahead=HOUR, recorded_for=HOUR)


class Counting:
    """A state that counts in itself how often the command ``count`` was done."""

    def __init__(self, path: Path) -> None:
        self.state = State(path, Layout({"score": "f8"}), TIMING)
        self.answering = Answering(Auditing("flights", "monitor-0", Schemas()), {"count": self._count})
        self.point = ""

    @property
    def counted(self) -> int:
        return int(self.state.kept("counted") or 0)

    def round(self, commands: Commands, time: int) -> None:
        """What a loop does with commands."""
        commands.exchange()
        waiting = commands.waiting()
        if waiting:
            self._die("taken")
        with self.state.step() as step:
            step.tick(time)
            said = self.answering.answer(step, waiting)
            if said:
                self._die("in the step")
        if said:
            self._die("committed")
        for command, answer in said.items():
            commands.answer(command, answer)
        commands.exchange()

    def _count(self, step: Step, _command: Command, time: int) -> Answer:
        step.keep("counted", str(self.counted + 1).encode())
        return Answer(True, f"counted at {time}", str(self.counted))

    def _die(self, point: str) -> None:
        if point == self.point:
            os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, path: Path, point: str) -> None:
    """Go round until killed, or until the stream of commands is empty."""
    with connect(url) as client:
        counting, commands = Counting(path), Commands(client, KEYS, 0.01)
        counting.point = point
        time = max(1, counting.state.clock.time)
        while client.xlen(KEYS.commands):
            time += 1
            counting.round(commands, time)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
