"""docker-compose.yml and the Dockerfile as Docker reads them, as far as they use what Docker can do."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"
IMAGE = "scorer-monitor"

_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+):\?(?P<why>[^}]*)\}|)")


@dataclass(frozen=True)
class Service:
    """One service of docker-compose.yml."""

    name: str
    facts: Mapping[str, Any]

    @property
    def image(self) -> str:
        """What it is made from, with its tag."""
        return str(self.facts["image"])

    @property
    def ours(self) -> bool:
        """Whether it runs this project's image."""
        return self.image.startswith(f"{IMAGE}:")

    @property
    def environment(self) -> dict[str, str]:
        """Its variables. They must be texts, for YAML would make something else of 1 or yes."""
        found = self.facts.get("environment", {})
        assert all(isinstance(value, str) for value in found.values()), f"{self.name}: {found}"
        return dict(found)

    @property
    def command(self) -> list[str]:
        """Entry point and command."""
        return [*self.facts.get("entrypoint", []), *self.facts["command"]]

    @property
    def mounts(self) -> dict[str, str]:
        """The directory or volume that is mounted, by where."""
        parts = [volume.removesuffix(":ro").split(":") for volume in self.facts.get("volumes", [])]
        return {target: source for source, target in parts}


def services(environ: Mapping[str, str]) -> dict[str, Service]:
    """All services with the variables of ``environ`` in their places. ``KeyError`` where one is missing or empty."""
    found = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
    return {name: Service(name, _interpolated(facts, environ)) for name, facts in found.items()}


def _interpolated(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _interpolated(one, environ) for key, one in value.items()}
    if isinstance(value, list):
        return [_interpolated(one, environ) for one in value]
    return _VARIABLE.sub(lambda found: _replaced(found, environ), value) if isinstance(value, str) else value


def _replaced(found: re.Match[str], environ: Mapping[str, str]) -> str:
    name = found["name"]
    if name is None:
        assert found[0] == "$$", f"a $ that is neither $$ nor a variable that must be set: {found.string!r}"
        return "$"
    if not environ.get(name):
        raise KeyError(name, found["why"])
    return environ[name]


def seconds(text: str) -> float:
    """A duration of Compose, in seconds; no more than one unit is used."""
    number, unit = re.fullmatch(r"(\d+)(s|m)", text).groups()  # type: ignore[union-attr]  # else the test fails
    return float(number) * {"s": 1, "m": 60}[unit]


def dockerfile() -> list[tuple[str, list[str]]]:
    """The Dockerfile's instructions and their words."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    return [(instruction, shlex.split(rest)) for instruction, rest in lines]


def image_environment() -> dict[str, str]:
    """What the image itself sets, in its last stage."""
    found: dict[str, str] = {}
    for instruction, words in dockerfile():
        if instruction == "FROM":
            found = {}
        elif instruction == "ENV":
            found |= dict(word.split("=", 1) for word in words)
    return found


def copied() -> list[str]:
    """What the Dockerfile copies from this directory."""
    words = [words for instruction, words in dockerfile() if instruction in {"COPY", "ADD"}]
    return [source for copy in words if not copy[0].startswith("--from") for source in copy[:-1]]


def sent(path: str) -> bool:
    """Whether .dockerignore lets the file or directory through: the last rule that fits decides."""
    decided = True
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        rule = line.removeprefix("!")
        inside = f"/{path}/".find(f"/{rule.removeprefix('**/')}/")
        if rule == "*" or inside == 0 or (inside > 0 and rule.startswith("**/")):
            decided = line.startswith("!")
    return decided
