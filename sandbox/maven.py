"""Everything that is asked of a Maven repository: which jars Kafka consists of, and one jar.

jgo knows where Maven Central is; a mirror goes into its settings file ([repositories] in ~/.config/jgo.conf).
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.maven import MavenContext
from jgo.util import http

from sandbox.errors import SandboxError, Unavailable
from sandbox.lock import Artefact
from sandbox.progress import say

# The broker with all that it needs at run time, and the binding of its log calls to log4j in the version that it
# brings. The console tools (kafka-tools, as many jars again) are left out: nothing here runs them.
ROOTS = ("org.apache.kafka:kafka_2.13:4.3.1", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4")

_TIMEOUT = 30


def repositories() -> dict[str, str]:
    """The names and addresses of the Maven repositories that jgo uses on this machine."""
    return MavenContext().remote_repos | GlobalSettings.load().repositories


def download(address: str, file: Path) -> Iterator[int]:
    """Write what lies at ``address`` to ``file``, yielding the size of each piece. Any failure is an ``OSError``."""
    with http.get(address, stream=True, timeout=_TIMEOUT) as response, file.open("wb") as stream:
        response.raise_for_status()
        for piece in response.iter_content(1 << 16):
            stream.write(piece)
            yield len(piece)


def resolve() -> list[Artefact]:
    """The jars of ``ROOTS`` and of all that they depend on, hashed. Downloads everything."""
    say("asking the Maven repository what Kafka consists of (about half a minute)")
    with tempfile.TemporaryDirectory(prefix="sandbox-lock-") as scratch:
        context = MavenContext(repo_cache=Path(scratch), remote_repos=repositories(), timeout=_TIMEOUT)
        # "!" keeps a root from choosing versions for the others: log4j's would bring an older kafka-clients.
        roots = [context.create_dependency(f"{root}!") for root in ROOTS]
        try:
            given, needed = context.resolver.resolve(roots)
        except (OSError, RuntimeError) as error:
            raise Unavailable(f"the Maven repository did not answer: {error}") from error
        coordinates = {(d.groupId, d.artifactId, d.version): d for d in [*given, *needed]}
        for dependency in coordinates.values():
            if dependency.classifier or dependency.type != "jar":
                raise SandboxError(f"{dependency} is not a plain jar; sandbox/lock.py must learn about such artefacts")
        return [_pin(*coordinate, Path(scratch)) for coordinate in sorted(coordinates)]


def _pin(group: str, name: str, version: str, scratch: Path) -> Artefact:
    unknown = Artefact(group, name, version, "", 0)
    file = scratch / unknown.file
    problem: OSError | None = None
    for repository in repositories().values():
        try:
            size = sum(download(f"{repository}/{unknown.address}", file))
        except OSError as error:
            problem = error
            continue
        say(f"{unknown.coordinate}, {size / 1e6:.1f} MB")
        with file.open("rb") as stream:
            return Artefact(group, name, version, hashlib.file_digest(stream, "sha256").hexdigest(), size)
    raise Unavailable(f"{unknown.coordinate} could not be downloaded: {problem}")
