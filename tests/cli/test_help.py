"""Every command and option explains itself, and none makes another one wait."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer.main

from scorer.cli.app import COMMANDS, build
from tests.cli.conftest import Command

HEAVY = (
    "numba",
    "pandas",
    "scorer.model",
    "scorer.wire",
    "scorer.service.worker",
    "redis",
    "confluent_kafka",
    "fastavro",
)


def commands() -> Iterator[tuple[str, object]]:
    """Every command, by the words that lead to it."""
    yield from _below("", typer.main.get_command(build()))


def _below(words: str, command: object) -> Iterator[tuple[str, object]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield words, command
    for name, child in (children or {}).items():
        yield from _below(f"{words} {name}".strip(), child)


ALL = dict(commands())


def test_these_are_the_commands() -> None:
    assert set(ALL) == {
        "run",
        "check",
        "status",
        "predict",
        "settings",
        *(f"topics {name}" for name in ("create", "show")),
        *(
            f"models {name}"
            for name in (
                "push",
                "list",
                "show",
                "verify",
                "diff",
                "import",
                "import-table",
                "test",
                "baseline",
                "add-case",
                "sign",
            )
        ),
        *(f"champion {name}" for name in ("show", "set", "rollback")),
        *(f"trial {name}" for name in ("start", "stop", "show")),
        *(f"dead-letters {name}" for name in ("list", "show", "replay")),
        "predictions show",
        "keys new",
    }


@pytest.mark.parametrize("words", ALL)
def test_a_command_and_all_its_parameters_have_help(words: str) -> None:
    command = ALL[words]
    text = getattr(command, "help", "") or ""
    assert text.splitlines()[0].endswith("."), f"{words}: {text!r}"
    assert len(text.splitlines()[0]) <= 64, f"{words}: its first line is cut in lists"
    for parameter in getattr(command, "params", []):
        assert (parameter.help or "").endswith("."), f"{words}: {parameter.name} has no help"
    assert "--json" in {name for parameter in getattr(command, "params", []) for name in parameter.opts}


@pytest.mark.parametrize("name", COMMANDS)
def test_lists_say_what_the_command_says_of_itself(name: str, command: Command) -> None:
    whole, listed = command(name, "--help"), command("--help")
    assert (whole.code, listed.code) == (0, 0)
    assert COMMANDS[name] in whole.out
    assert COMMANDS[name] in listed.out


def test_a_misspelt_command_is_an_error_with_a_suggestion(command: Command) -> None:
    ran = command("champoin", "set", "v1")
    assert ran.code == 2
    assert "Did you mean 'champion'?" in ran.err
    assert "Traceback" not in ran.err


def test_the_release(command: Command) -> None:
    assert command("--version").out.strip() == "0.1.0"


@pytest.mark.parametrize("arguments", [["run", "--help"], ["--help"], ["settings"]])
def test_the_parent_of_the_workers_loads_no_kernels_and_no_clients(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom scorer.cli.app import run\n"
        f"run({arguments})\nimport scorer.cli\n"
        f"found = [name for name in {HEAVY} if name in sys.modules]\nassert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_worker_that_imports_the_command_again_does_not_load_the_command_line() -> None:
    code = "import sys, scorer.cli\nassert 'typer' not in sys.modules and 'scorer.settings' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
