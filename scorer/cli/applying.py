"""Waiting until every running scorer has applied what a pointer says."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from rich.console import Console
from rich.status import Status

from scorer.cli import output
from scorer.cli.session import Session
from scorer.errors import VersionRefused
from scorer.registry import fleet
from scorer.registry.audit import PointerName
from scorer.registry.fleet import Member

POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Applying:
    """How far it has come: ``applied`` and ``waiting`` are names of processes, ``refused`` maps some to reasons."""

    applied: tuple[str, ...]
    waiting: tuple[str, ...]
    refused: dict[str, str]

    @property
    def facts(self) -> dict[str, object]:
        """For JSON."""
        return {
            "instances": {"applied": list(self.applied), "waiting": list(self.waiting), "refused": self.refused},
            "applied": not self.waiting and not self.refused,
        }


def wait(session: Session, pointer: PointerName, text: str | None, digest: str | None, seconds: float) -> Applying:
    """Ask the running processes until all have applied or refused the pointer, at most so long."""
    deadline = time.monotonic() + seconds
    shown = Console(stderr=True).status("") if sys.stderr.isatty() else nullcontext(None)
    with shown as status:
        while True:
            found = _judged(fleet.members(session.redis, session.keys), pointer, text, digest)
            if not found.waiting or time.monotonic() >= deadline:
                return found
            _progress(status, found)
            time.sleep(POLL_SECONDS)


def tell(found: Applying, what: str) -> None:
    """Say how far it has come; ``what`` is what was to be applied."""
    total = len(found.applied) + len(found.waiting) + len(found.refused)
    if not total:
        output.line("no scorer is running now: it counts from the next start")
        return
    good = len(found.applied) == total
    of = f"{len(found.applied)} of {output.count(total, 'running scorer')}"
    output.line(f"{of} {'has' if total == 1 else 'have'} applied {what}", "green" if good else "yellow")
    for name in found.waiting:
        output.line(f"  {name} has not yet; see: scorer status", "yellow")
    for name, reason in found.refused.items():
        output.line(f"  {name} refuses it: {reason}", "red")


def end(found: Applying, what: str) -> None:
    """Raise VersionRefused where a process refuses it: the change is in Redis, but the old version goes on."""
    if found.refused:
        name, reason = next(iter(found.refused.items()))
        raise VersionRefused(
            reason.partition(":")[0],
            f"{output.count(len(found.refused), 'running scorer')} refused {what} and went on as before; "
            f"{name} says: {reason}",
        )


def _judged(found: Sequence[Member], pointer: PointerName, text: str | None, digest: str | None) -> Applying:
    standings = {member.name: member.follows(pointer).standing(text, digest) for member in found}
    return Applying(
        tuple(name for name, standing in standings.items() if standing == "applied"),
        tuple(name for name, standing in standings.items() if standing == "waiting"),
        {
            member.name: member.follows(pointer).reason or "no reason given"
            for member in found
            if standings[member.name] == "refused"
        },
    )


def _progress(status: Status | None, found: Applying) -> None:
    if status is not None:
        total = len(found.applied) + len(found.waiting) + len(found.refused)
        status.update(f"{len(found.applied)} of {total} running scorers have applied it")
