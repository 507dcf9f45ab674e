"""What a command does when it cannot do what it is asked: one message, a code, no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.ports import free_ports
from scorer.cli import program
from scorer.errors import ScorerError
from tests.cli.conftest import Command, Ran

GOOD = '[scorer]\nmodel = "m"\n[schemas]\nevents = {1 = "event.avsc"}\n'


def away() -> str:
    """An address where nobody listens."""
    return f"127.0.0.1:{free_ports(1)[0]}"


def only_a_message(ran: Ran, code: int) -> str:
    assert ran.code == code, ran
    assert ran.out == ""
    assert ran.err.startswith("scorer: ")
    assert "Traceback" not in ran.err
    return ran.err


def test_without_settings_it_says_which_are_missing(command: Command) -> None:
    message = only_a_message(command("status"), 2)
    assert "scorer.model: is required; set it in the file, or as SCORER_MODEL in the environment" in message


def test_all_mistakes_are_listed_at_once_and_no_value_is_shown(command: Command, tmp_path: Path) -> None:
    text = '[scorer]\nmodel = "m"\nworkers = "hunter2"\nworkres = 3\n[redis]\ntimeout_seconds = -1\n'
    (tmp_path / "bad.toml").write_text(text)
    message = only_a_message(command("--settings", tmp_path / "bad.toml", "topics", "show"), 2)
    assert "3 mistakes" in message
    for key in ("scorer.workers", "scorer.workres: there is no such key", "redis.timeout_seconds"):
        assert key in message
    assert "hunter2" not in message


def test_the_file_is_named_by_option_by_variable_or_by_default(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("default", "variable", "option"):
        (tmp_path / f"{name}.toml").write_text(GOOD.replace('"m"', f'"{name}"'))

    def model(*arguments: str) -> str:
        values = {row["key"]: row["value"] for row in command(*arguments, "settings", "--values", "--json").json}
        return str(values["scorer.model"])

    (tmp_path / "default.toml").rename("scorer.toml")
    assert model() == "default"
    monkeypatch.setenv("SCORER_SETTINGS", "variable.toml")
    assert model() == "variable"
    assert model("--settings", "option.toml") == "option"
    monkeypatch.setenv("SCORER_MODEL", "environment")
    assert model() == "environment"


def test_a_file_that_is_not_there(command: Command) -> None:
    assert "nowhere.toml: cannot be read" in only_a_message(command("--settings", "nowhere.toml", "status"), 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["models", "list"],
        ["models", "show", "v1"],
        ["models", "verify", "v1"],
        ["champion", "show"],
        ["champion", "set", "v1"],
        ["champion", "rollback"],
        ["trial", "show"],
        ["trial", "stop"],
    ],
)
def test_redis_is_away(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    (tmp_path / "scorer.toml").write_text(GOOD)
    monkeypatch.setenv("REDIS_URL", f"redis://someone:hunter2@{away()}/0")
    message = only_a_message(command(*arguments), 5)
    assert "check that it runs and that redis.url is right" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "arguments", [["topics", "show"], ["topics", "create"], ["dead-letters", "list"], ["dead-letters", "replay"]]
)
def test_kafka_is_away(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    for module in ("topics", "history"):
        monkeypatch.setattr(f"scorer.stream.{module}.REQUEST_SECONDS", 0.5)
    (tmp_path / "scorer.toml").write_text(GOOD)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", away())
    ran = command(*arguments)
    assert ran.code == 7
    assert "no broker" in ran.err or "Timed out" in ran.err or "timed out" in ran.err.lower(), ran.err
    assert "Traceback" not in ran.err


def test_a_property_that_the_client_does_not_know(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scorer.toml").write_text(GOOD)
    monkeypatch.setenv("KAFKA_PROPERTIES", '{"ssl.hope": "yes"}')
    for arguments in (["topics", "show"], ["topics", "create"], ["dead-letters", "list"]):
        message = only_a_message(command(*arguments), 2)
        assert "kafka.properties" in message
        assert "ssl.hope" in message


def test_an_error_that_nobody_expects_keeps_its_traceback(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("scorer.cli.settings.describe", broken)
    with pytest.raises(ZeroDivisionError):
        command("settings")


def test_a_file_that_cannot_be_written_is_named(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "coefficients/m/requirements.toml")

    monkeypatch.setattr("scorer.cli.settings.describe", denied)
    assert "coefficients/m/requirements.toml: Permission denied" in only_a_message(command("settings"), 1)


def test_secrets_in_an_error_are_masked(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ScorerError("redis://me:hunter2@host said password=hunter3")

    monkeypatch.setattr("scorer.cli.settings.describe", broken)
    message = only_a_message(command("settings"), 1)
    assert "hunter" not in message


def test_ctrl_c(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("scorer.cli.settings.describe", interrupted)
    ran = command("settings")
    assert ran.code == program.INTERRUPTED
    assert "Traceback" not in ran.err


def test_a_reader_that_has_seen_enough() -> None:
    code = "import sys\nfrom scorer.cli.app import run\nsys.exit(run(['settings', '--json']))"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.close()
    assert child.stderr is not None
    assert child.stderr.read() == ""
    child.stderr.close()
    child.wait(60)
