"""The pinned Java archives: which ones, and what each must hash to.

One line an artefact, sorted: ``group:name:version sha256:HEX SIZE``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError

FILE = Path(__file__).with_name("kafka.lock")

_LINE = re.compile(r"([\w.-]+):([\w.-]+):([\w.-]+) sha256:([0-9a-f]{64}) ([0-9]+)")


@dataclass(frozen=True, order=True)
class Artefact:
    """One jar of a Maven repository. ``size`` is in bytes."""

    group: str
    name: str
    version: str
    sha256: str
    size: int

    @property
    def coordinate(self) -> str:
        """What people call it: ``group:name:version``."""
        return f"{self.group}:{self.name}:{self.version}"

    @property
    def file(self) -> str:
        """Its file name, in a repository and in the cache."""
        return f"{self.name}-{self.version}.jar"

    @property
    def address(self) -> str:
        """Where it lies, relative to a repository's address."""
        return "/".join([*self.group.split("."), self.name, self.version, self.file])


def parse(text: str) -> tuple[Artefact, ...]:
    """Read a lock. A line that is not an artefact, or a file that is named twice, raises ``SandboxError``."""
    artefacts: dict[str, Artefact] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise SandboxError(f"{FILE.name}, line {number}: {line!r} is not 'group:name:version sha256:HEX SIZE'")
        group, name, version, sha256, size = match.groups()
        artefact = Artefact(group, name, version, sha256, int(size))
        if artefact.file in artefacts:
            raise SandboxError(f"{FILE.name}, line {number}: {artefact.file} is there twice")
        artefacts[artefact.file] = artefact
    return tuple(artefacts.values())


def render(artefacts: Iterable[Artefact]) -> str:
    """Write a lock; ``parse`` reads the same artefacts back."""
    return "".join(f"{a.coordinate} sha256:{a.sha256} {a.size}\n" for a in sorted(artefacts))


def pinned() -> tuple[Artefact, ...]:
    """The artefacts that Kafka's class path consists of."""
    return parse(FILE.read_text(encoding="ascii"))
