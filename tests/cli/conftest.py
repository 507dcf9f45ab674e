"""Fixtures for the tests of the command line: a deployment, and the command run on it in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from scorer.cases import form
from scorer.cases.folder import Folder
from scorer.cases.form import Bounds, Case
from scorer.cli.app import run
from scorer.model.inputs import Input
from scorer.registry.files import write_version
from scorer.registry.keys import Keys
from tests.conftest import SharedKafka, SharedRedis
from tests.integration.deployment import Deployment, version
from tests.integration.letters import settled
from tests.settings_file import write_settings


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed with --json."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of a printed table, below its header; cells are apart by two blanks or more."""
        return [[cell for cell in line.split("  ") if cell.strip()] for line in self.out.splitlines()[1:]]


Command = Callable[..., Ran]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs ``scorer`` with these arguments in an empty directory, without a terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCORER_SETTINGS", raising=False)

    def ran(*arguments: str | Path) -> Ran:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return ran


@pytest.fixture
def deploy(kafka: SharedKafka, redis_server: SharedRedis, redis: Redis, tmp_path: Path) -> Callable[..., Deployment]:
    """Makes a deployment whose settings are ``scorer.toml`` in the directory where ``command`` runs."""

    def make(**arguments: Any) -> Deployment:
        made = settled(Deployment(tmp_path, kafka.bootstrap, redis_server.url, **arguments))
        write_settings(made.settings, tmp_path)
        return made

    return make


@pytest.fixture
def deployment(deploy: Callable[..., Deployment]) -> Deployment:
    """A deployment with topics and an empty registry."""
    return deploy()


@pytest.fixture
def keys(deployment: Deployment) -> Keys:
    """The names of its keys."""
    return Keys(deployment.model)


def write_contrived(directory: Path) -> None:
    """One case for any slope of the deployment's model."""
    case = Case("in the middle", "without evidence both classes are alike", (0.0,), Bounds(((0.5, 0.5),)))
    file = Folder(directory).contrived
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(form.write([case], [Input("x", "float64", nullable=True)]))


@pytest.fixture
def make(deployment: Deployment, tmp_path: Path) -> Callable[..., Path]:
    """Writes a version's directory: ``make("v2", slope=2.0)``."""

    def made(name: str, slope: float = 1.0) -> Path:
        directory = tmp_path / "coefficients" / deployment.model / name
        write_version(directory, version(deployment.model, name, slope))
        write_contrived(directory)
        return directory

    return made


@pytest.fixture
def push(make: Callable[..., Path], command: Command) -> Callable[..., str]:
    """Makes and pushes a version; its digest in hexadecimal."""

    def pushed(name: str, slope: float = 1.0) -> str:
        ran = command("models", "push", make(name, slope), "--json")
        assert ran.code == 0, ran
        return str(ran.json["digest"])

    return pushed
