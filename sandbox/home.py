"""Where a service keeps its files: a directory that vanishes with it, or one that outlives it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from pathlib import Path

from sandbox.errors import InUse, SandboxError


class Home:
    """A directory for one service. ``data=None`` makes a temporary one, which ``close`` removes.

    A directory that is kept belongs to one sandbox at a time; a second one gets ``InUse``. The lock (``hold``) also
    goes to the service's keeper, so that it lasts until the service itself has ended.
    """

    def __init__(self, data: Path | None, name: str) -> None:
        self.temporary = data is None
        self.hold: tuple[int, ...] = ()
        if data is None:
            self.path = Path(tempfile.mkdtemp(prefix=f"sandbox-{name}-"))
            return
        self.path = data.absolute()
        self.path.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise InUse(f"{self.path} belongs to a sandbox that still runs; stop that one or choose another") from error
        self.hold = (lock,)

    @property
    def removed_with_parent(self) -> Path | None:
        """What a keeper removes after the parent's death."""
        return self.path if self.temporary else None

    def recall(self) -> dict[str, object]:
        """What ``remember`` stored in this directory, by this or an earlier sandbox; empty if nothing."""
        file = self.path / "sandbox.json"
        if not file.exists():
            return {}
        try:
            facts = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:  # written half, when the machine went off
            facts = None
        if not isinstance(facts, dict):
            raise SandboxError(f"{file} is damaged; remove {self.path} to start anew")
        return facts

    def remember(self, facts: dict[str, object]) -> None:
        """Store what the next sandbox in this directory needs to know."""
        (self.path / "sandbox.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")

    def close(self) -> None:
        """Give the directory up, and remove it if it is temporary. The service has ended before. Once is enough."""
        for lock in self.hold:
            os.close(lock)
        self.hold = ()
        if self.temporary and self.path.exists():
            shutil.rmtree(self.path)
