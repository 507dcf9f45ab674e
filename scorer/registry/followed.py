"""What a process knows about one pointer: what it says, who said so, and what came of it.

::

    absent ──SET──▶ wanted ──ready──▶ applied
                      │  ▲               │
                  refused │──retry──┐    └─until passed─▶ over   (trials)
                      ▼   └─────────┘
                   refused

A new value, or a command that sets the same value again, leads back to ``wanted`` from everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from scorer.errors import SettingsError
from scorer.model.version import VersionBytes
from scorer.registry import trial as trials
from scorer.registry.audit import Entry
from scorer.registry.events import Outcome, PointerEvent
from scorer.registry.pointers import Refused
from scorer.registry.stock import Ready
from scorer.registry.trial import Trial

T = TypeVar("T")

State = Literal["absent", "wanted", "applied", "refused", "over"]

_LONGEST = 200
_LONGEST_TRIAL = 65_536


@dataclass(frozen=True, slots=True)
class Candidate(Generic[T]):
    """A version made ready for a pointer, with its bytes where they still have to be saved to disk."""

    ready: Ready[T]
    content: VersionBytes | None


@dataclass(slots=True)
class Followed(Generic[T]):
    """One pointer, as one thread follows it. ``seen`` in seconds since the epoch; ``retry_at`` by a steady clock."""

    name: Literal["champion", "trial"]
    value: str | Trial | Refused | None = None
    text: str | None = None
    command: Entry | None = None
    seen: float = 0.0
    state: State = "absent"
    reason: str | None = None
    digest: bytes | None = None
    candidate: Candidate[T] | None = None
    refusals: int = 0
    retry_at: float = 0.0

    @property
    def version(self) -> str | None:
        """The version that the pointer names; ``None`` where it names none."""
        if isinstance(self.value, Trial):
            return self.value.version
        return self.value if isinstance(self.value, str) else None

    def note(
        self, value: str | Trial | Refused | None, text: str | None, commands: Sequence[Entry], now: float
    ) -> list[PointerEvent]:
        """Take in what was read, and the commands on this pointer since. Returns events for what was overtaken."""
        command = commands[-1] if commands and commands[-1].new == text else None
        overtaken = [self._overtaken(entry, now) for entry in commands if entry is not command]
        if text == self.text and command is None:
            return overtaken
        if self.state == "wanted" and text != self.text:
            overtaken.insert(0, self.event("superseded", at=now, previous=None))
        self.value, self.text, self.command, self.seen = value, text, command, now
        self.state = "absent" if value is None else "wanted"
        self.reason, self.digest, self.candidate, self.refusals, self.retry_at = None, None, None, 0, 0.0
        return overtaken

    def due(self, now: float) -> bool:
        """Whether something should be done about the pointer at ``now``, by the steady clock."""
        return self.state == "wanted" or (self.state == "refused" and self.version is not None and now >= self.retry_at)

    def event(self, event: Outcome, *, at: float, previous: str | None, reason: str | None = None) -> PointerEvent:
        """An event about the pointer as it stands, with the command that set it."""
        command = self.command
        return PointerEvent(
            at=at,
            event=event,
            pointer=self.name,
            version=self.version or (self.text[:_LONGEST] if self.text is not None else None),
            digest=self.digest,
            previous=previous,
            seen=self.seen,
            reason=reason,
            command=command.id if command else None,
            actor=command.actor if command else None,
            actor_reason=command.reason if command else None,
            trial=self.text[:_LONGEST_TRIAL] if self.name == "trial" and self.text is not None else None,
        )

    def _overtaken(self, entry: Entry, now: float) -> PointerEvent:
        return PointerEvent(
            at=now,
            event="superseded",
            pointer=self.name,
            version=_version_in(entry.new) if self.name == "trial" else entry.new,
            digest=None,
            previous=None,
            seen=now,
            command=entry.id,
            actor=entry.actor,
            actor_reason=entry.reason,
            trial=entry.new if self.name == "trial" else None,
        )


def _version_in(text: str | None) -> str | None:
    try:
        return None if text is None else trials.parse(text).version
    except SettingsError:
        return None
