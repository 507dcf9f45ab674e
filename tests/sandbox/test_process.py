"""Real processes under a keeper: signalled, stopped, and gone when their parent is, whatever ended it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import NotRunning, PortTaken, SandboxError, StartFailed
from sandbox.home import Home
from sandbox.process import Process
from tests.sandbox.support import await_true, is_gone, is_stopped

SLEEP = "import time; time.sleep(600)"
# Says its own process id and that of a child of its own, and ignores what is polite.
STUBBORN = (
    "import os, signal, subprocess, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print(os.getpid(), child.pid, flush=True)\n"
    "time.sleep(600)\n"
)

Run = Callable[..., Process]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Runs a Python program under a keeper; its log is ``tmp_path / "log"``."""
    started: list[Process] = []

    def start(program: str, **options: Any) -> Process:
        command = [sys.executable, "-c", program]
        started.append(Process(command, log=tmp_path / "log", directory=tmp_path, environment=os.environ, **options))
        return started[-1]

    yield start
    for process in started:
        process.kill()


def ended(process: Process) -> bool:
    return not process.running


def said(log: Path) -> list[int]:
    """The numbers in the log's first line, as soon as there is one."""
    await_true(lambda: log.exists() and "\n" in log.read_text(), "the program says something")
    return [int(word) for word in log.read_text().splitlines()[0].split()]


def test_output_goes_to_the_log_and_the_exit_code_to_the_caller(run: Run, tmp_path: Path) -> None:
    process = run("import sys; print('out'); print('error', file=sys.stderr); sys.exit(7)")
    await_true(partial(ended, process), "it ended")
    assert process.returncode == 7
    assert sorted((tmp_path / "log").read_text().split()) == ["error", "out"]


def test_a_second_process_appends_but_shows_only_its_own_end(run: Run, tmp_path: Path) -> None:
    for word in ("first", "second"):
        process = run(f"print('{word}')")
        await_true(partial(ended, process), "it ended")
    assert (tmp_path / "log").read_text().split() == ["first", "second"]
    assert "second" in process.log_end()
    assert "first" not in process.log_end()


@pytest.mark.parametrize(
    ("program", "kind"), [("raise OSError('Address already in use')", PortTaken), ("raise OSError('x')", StartFailed)]
)
def test_one_that_ended_early_is_reported_with_its_log(run: Run, program: str, kind: type[StartFailed]) -> None:
    process = run(program)
    await_true(partial(ended, process), "it ended")
    with pytest.raises(StartFailed, match=r"Thing ended with exit code 1.*\n(.*\n)*.*OSError") as caught:
        process.check("Thing")
    assert type(caught.value) is kind


def test_a_program_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    process = Process([str(tmp_path / "none")], log=tmp_path / "log", directory=tmp_path, environment={})
    await_true(partial(ended, process), "it ended")
    with pytest.raises(StartFailed, match=r"cannot be started: .*No such file"):
        process.check("None")
    process.kill()


def test_stop_asks_first(run: Run, tmp_path: Path) -> None:
    process = run("import signal, sys; signal.signal(15, lambda *_: sys.exit(3)); print(1, flush=True); signal.pause()")
    said(tmp_path / "log")
    process.stop(60)
    assert process.returncode == 3
    assert is_gone(process.pid)


def test_stop_kills_what_does_not_listen_with_all_its_children(run: Run, tmp_path: Path) -> None:
    process = run(STUBBORN)
    pid, child = said(tmp_path / "log")
    assert pid == process.pid
    process.stop(0.1)
    assert process.returncode == 128 + signal.SIGKILL
    assert is_gone(pid)
    await_true(lambda: is_gone(child), "the child is gone")


def test_freeze_thaw_and_stop_of_the_frozen(run: Run) -> None:
    process = run(SLEEP)
    process.freeze()
    await_true(lambda: is_stopped(process.pid), "it is stopped")
    assert process.running
    process.thaw()
    await_true(lambda: not is_stopped(process.pid), "it goes on")
    process.freeze()
    process.stop(60)
    assert process.returncode == 128 + signal.SIGTERM


def test_a_signal_right_after_the_start_reaches_the_program(run: Run) -> None:
    for _ in range(20):
        process = run(SLEEP)
        process.freeze()
        process.stop(60)
        assert process.returncode == 128 + signal.SIGTERM


def test_what_has_ended_cannot_be_signalled_but_stopped_again(run: Run) -> None:
    process = run(SLEEP)
    process.kill()
    process.kill()
    process.stop(1)
    assert process.returncode == 128 + signal.SIGKILL
    with pytest.raises(NotRunning, match=str(process.pid)):
        process.freeze()


PARENT = """
import json, os, sys
from pathlib import Path
from sandbox.home import Home
from sandbox.process import Process
here, grace, how = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
home = Home(None, "test")
process = Process([sys.executable, "-c", sys.argv[4]], log=home.path / "log", directory=here,
                  environment=os.environ, grace=grace, home=home.path)
while not (home.path / "log").exists() or chr(10) not in (home.path / "log").read_text():
    pass
if how == "fork" and os.fork() == 0:
    import time
    time.sleep(600)
service = (home.path / "log").read_text().split()
(here / "facts").write_text(json.dumps({"keeper": process._keeper.pid, "home": str(home.path), "service": service}))
(here / "facts").rename(here / "ready")
if how == "exit":
    os._exit(0)
import time
time.sleep(600)
"""


class Family:
    """A parent, its keeper, the service and the service's child, each a process of its own."""

    def __init__(self, directory: Path, *, grace: float, how: str, program: str = STUBBORN) -> None:
        command = [sys.executable, "-c", PARENT, str(directory), str(grace), how, program]
        environment = os.environ | {"TMPDIR": str(directory)}
        self.parent = subprocess.Popen(command, start_new_session=True, env=environment)
        await_true((directory / "ready").exists, "the parent has started its service")
        facts = json.loads((directory / "ready").read_text())
        self.keeper, self.home = int(facts["keeper"]), Path(facts["home"])
        self.service, self.child = map(int, facts["service"])

    def assert_gone(self) -> None:
        for name in ("keeper", "service", "child"):
            await_true(partial(is_gone, getattr(self, name)), f"{name} is gone")
        await_true(lambda: not self.home.exists(), "the temporary directory is removed")


MakeFamily = Callable[..., Family]


@pytest.fixture
def family(tmp_path: Path) -> Iterator[MakeFamily]:
    """Makes a ``Family``; whatever a test does, nothing of it stays."""
    made: list[Family] = []

    def make(**options: Any) -> Family:
        made.append(Family(tmp_path, **options))
        return made[-1]

    yield make
    for one in made:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.parent.pid, signal.SIGKILL)
        one.parent.wait()


@pytest.mark.parametrize("grace", [0.0, 0.2])
def test_a_killed_parent_leaves_nothing(family: MakeFamily, grace: float) -> None:
    one = family(grace=grace, how="wait")
    one.parent.kill()
    one.parent.wait()
    one.assert_gone()


def test_a_parent_that_just_exits_leaves_nothing(family: MakeFamily) -> None:
    one = family(grace=0.0, how="exit")
    one.parent.wait(60)
    one.assert_gone()


def test_a_killed_parent_leaves_nothing_even_when_its_fork_lives_on(family: MakeFamily) -> None:
    one = family(grace=0.0, how="fork")
    os.kill(one.parent.pid, signal.SIGKILL)
    one.parent.wait()
    one.assert_gone()
    os.killpg(one.parent.pid, signal.SIGKILL)


def test_an_abandoned_service_may_end_by_itself_within_the_grace(family: MakeFamily, tmp_path: Path) -> None:
    mark = tmp_path / "ended-well"
    program = (
        "import os, pathlib, signal, sys\n"
        f"signal.signal(15, lambda *_: (pathlib.Path({str(mark)!r}).touch(), sys.exit(0)))\n"
        "print(os.getpid(), os.getpid(), flush=True)\n"
        "signal.pause()"
    )
    one = family(grace=60.0, how="wait", program=program)
    one.parent.kill()
    one.parent.wait()
    one.assert_gone()
    assert mark.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to the death of another")
def test_a_killed_keeper_leaves_no_service(run: Run, tmp_path: Path) -> None:
    process = run(SLEEP)
    os.kill(process._keeper.pid, signal.SIGKILL)
    await_true(lambda: is_gone(process.pid), "the service is gone")


def test_a_lock_is_held_until_the_service_has_ended(tmp_path: Path, run: Run) -> None:
    home = Home(tmp_path / "data", "test")
    process = run(SLEEP, hold=home.hold)
    home.close()  # as if the parent had died: the keeper alone holds it now
    program = "import sys; from pathlib import Path; from sandbox.home import Home; Home(Path(sys.argv[1]), 'x')"
    command = [sys.executable, "-c", program, str(tmp_path / "data")]
    held = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "InUse" in held.stderr
    process.kill()
    assert subprocess.run(command, check=False).returncode == 0


def test_temporary_homes_are_removed_and_kept_ones_are_not(tmp_path: Path) -> None:
    temporary, kept = Home(None, "test"), Home(tmp_path / "kept", "test")
    assert temporary.path.parent == Path(tempfile.gettempdir())
    kept.remember({"port": 5})
    for home in (temporary, kept):
        home.close()
    assert not temporary.path.exists()
    again = Home(tmp_path / "kept", "test")
    assert again.recall() == {"port": 5}
    for damage in ('{"port"', "[5]", "\x00"):
        (tmp_path / "kept" / "sandbox.json").write_text(damage)
        with pytest.raises(SandboxError, match="is damaged; remove"):
            again.recall()
    again.close()
