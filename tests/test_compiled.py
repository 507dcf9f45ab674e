"""Where machine code is kept, and that a start never fails for want of a place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

MODULE = """\
from numba import types
from scorer.compiled import entry

@entry(types.int64(types.int64))
def double(number):
    return 2 * number

@entry(types.int64(types.int64))
def half(number):
    return number // 2

print(half(double(21)), sum(sum(function.stats.cache_hits.values()) for function in (double, half)))
"""
FOUND, COMPILED = ("21", "2"), ("21", "0")
WARNING = "RuntimeWarning: machine code for this processor and these sources is neither in "
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "PYTHONWARNINGS"))}


class Machine:
    """Runs a module with two compiled functions, as often as wanted, each time in a new process."""

    def __init__(self, directory: Path) -> None:
        self.base = directory / "cache"
        self.module = directory / "module.py"
        self.module.write_text(MODULE)
        self.base.mkdir()
        self.warned = ""

    @property
    def kept(self) -> Path:
        """The directory for the present sources."""
        [found] = (self.base / "scorer").iterdir()
        return found

    def start(self, **variables: str | None) -> tuple[str, str]:
        """What came out, and how many functions were found compiled; ``warned`` is what was said besides.

        A variable that is ``None`` is not set.
        """
        environment = {**ENVIRONMENT, "XDG_CACHE_HOME": str(self.base), **variables}
        done = subprocess.run(
            [*_without_power_over_files(), sys.executable, str(self.module)],
            env={name: value for name, value in environment.items() if value is not None},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.warned = done.stderr
        result, hits = done.stdout.split()
        return result, hits

    def forbid(self, mode: int) -> None:
        """Give files and directories the rights of ``mode``; directories can be entered if they can be read."""
        for path in [self.base, *self.base.rglob("*")]:
            path.chmod(mode | (mode & 0o444) >> 2 if path.is_dir() else mode)


def _without_power_over_files() -> list[str]:
    """The superuser may write whatever the rights say; the command before the command that ends that."""
    if os.geteuid():
        return []
    setpriv = shutil.which("setpriv")
    assert setpriv, "as the superuser these tests need the command setpriv, of util-linux"
    return [setpriv, "--bounding-set", "-dac_override,-dac_read_search", "--"]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.forbid(0o644)


def test_machine_code_is_kept_where_the_sources_say(machine: Machine) -> None:
    assert machine.start() == COMPILED
    assert machine.start() == FOUND
    assert not machine.warned
    assert list(machine.kept.rglob("*.nbc"))
    assert not list(machine.module.parent.glob("__pycache__/*.nb?"))


def test_a_directory_that_can_only_be_read_is_enough(machine: Machine) -> None:
    machine.start()
    machine.forbid(0o444)
    assert machine.start() == FOUND
    assert not machine.warned


def test_another_processor_compiles_anew_and_says_so(machine: Machine) -> None:
    machine.start()
    machine.forbid(0o444)
    assert machine.start(NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="") == COMPILED
    assert machine.warned.count(WARNING) == 1
    assert f"{WARNING}{machine.kept} nor" in machine.warned
    assert "Permission denied" in machine.warned


def test_another_processor_keeps_its_own_where_it_may(machine: Machine) -> None:
    machine.start()
    assert machine.start(NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="") == COMPILED
    assert machine.start(NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="") == FOUND
    assert machine.start() == FOUND
    assert not machine.warned


def test_an_empty_directory_that_can_only_be_read(machine: Machine) -> None:
    machine.forbid(0o444)
    assert machine.start() == COMPILED
    assert machine.warned.count(WARNING) == 1


def test_a_directory_that_cannot_even_be_read(machine: Machine) -> None:
    machine.start()
    machine.kept.chmod(0)
    assert machine.start() == COMPILED
    assert "Permission denied" in machine.warned


@pytest.mark.parametrize("mode", [0o720, 0o702])
def test_a_directory_that_others_may_write_to_is_not_run(machine: Machine, mode: int) -> None:
    machine.start()
    machine.kept.chmod(mode)
    assert machine.start() == COMPILED
    assert "others may write to it, so delete it" in machine.warned


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can give a directory away")
def test_a_directory_of_somebody_else_is_not_run(machine: Machine) -> None:
    machine.start()
    os.chown(machine.kept, 54_321, -1)
    machine.kept.chmod(0o755)
    assert machine.start() == COMPILED
    assert "others may write to it, so delete it" in machine.warned


def test_a_user_without_a_home(machine: Machine) -> None:
    nobody = "import pwd\n\ndef unknown(number):\n    raise KeyError(number)\n\npwd.getpwuid = unknown\n"
    machine.module.write_text(nobody + MODULE)
    assert machine.start(XDG_CACHE_HOME=None, HOME=None) == COMPILED
    assert "set HOME or XDG_CACHE_HOME" in machine.warned


@pytest.mark.parametrize(("suffix", "left"), [("nbi", 10), ("nbc", 0)])
def test_files_that_were_cut_short(machine: Machine, suffix: str, left: int) -> None:
    machine.start()
    for file in machine.kept.rglob(f"*.{suffix}"):
        file.write_bytes(file.read_bytes()[:left])
    assert machine.start() == COMPILED
    assert "so delete it" in machine.warned


def test_the_directory_of_the_environment_comes_first(machine: Machine, tmp_path: Path) -> None:
    own = tmp_path / "own"
    machine.start(NUMBA_CACHE_DIR=str(own))
    assert list(own.rglob("*.nbc"))
    assert not list(machine.base.iterdir())


def test_other_peoples_functions_are_kept_where_numba_keeps_them(machine: Machine) -> None:
    machine.module.write_text("import numba\n" + MODULE + "numba.njit('i8(i8)', cache=True)(lambda number: number)\n")
    machine.start()
    assert list(machine.module.parent.glob("__pycache__/*.nbc"))


def test_the_vector_library_that_rounds_by_place_is_never_used() -> None:
    """Either it is switched off before numba looks for it, or nothing is scored at all."""

    def said(code: str) -> str:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    off = "import scorer; from numba.core import config; print(config.DISABLE_INTEL_SVML, config.USING_SVML)"
    assert said(off).split() == ["1", "False"]
    late = "from numba.core import config; config.USING_SVML = True; import scorer.compiled"
    assert "import scorer first" in said(late)
