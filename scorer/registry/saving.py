"""What is applied now, written to disk for the next start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from scorer.model.version import VersionBytes
from scorer.registry.current import Current
from scorer.registry.lastgood import Applied, LastGood, Saved
from scorer.registry.stock import Ready

T = TypeVar("T")

_AGAIN_SECONDS = 30.0


class Saving(Generic[T]):
    """Saves champion and trial in ``state``; ``None`` saves nothing. ``monotonic`` is a steady clock in seconds.

    ``done`` says whether what is applied now is on disk, ``problem`` what is in the way, if anything.
    """

    def __init__(self, state: LastGood | None, monotonic: Callable[[], float]) -> None:
        self.done = True
        self.problem: str | None = None
        self._state, self._monotonic = state, monotonic
        self._contents: dict[bytes, VersionBytes] = {}
        self._again_at = 0.0

    def holds(self, version: str, digest: bytes) -> bool:
        """Whether the version can be saved without its bytes."""
        return self._state is None or self._state.has(version, digest)

    def keep(self, digest: bytes, content: VersionBytes | None) -> None:
        """Hold the bytes of a version until they are saved; ``None`` where they are on disk."""
        if content is not None and self._state is not None:
            self._contents[digest] = content

    def changed(self) -> None:
        """Something else is applied than what was saved."""
        self.done, self._again_at = False, 0.0

    def found(self) -> None:
        """What is applied was read from disk."""
        self.done, self.problem = True, None

    def save(self, current: Current[T]) -> None:
        """Write what is applied, unless it is there. A full disk is a ``problem``, and tried again later."""
        champion, on = current.champion, current.trial
        running: list[Ready[T]] = [one for one in (champion, None if on is None else on.ready) if one is not None]
        self._contents = {one.digest: self._contents[one.digest] for one in running if one.digest in self._contents}
        if self.done or self._state is None or champion is None or self._monotonic() < self._again_at:
            return
        try:
            for one in running:
                if one.digest in self._contents:
                    self._state.keep(one.version, self._contents[one.digest])
            trial = None if on is None else Saved(on.ready.version, on.ready.digest, on.trial.to_json())
            self._state.point(Applied(Saved(champion.version, champion.digest), trial))
            self.found()
            self._contents.clear()
        except OSError as error:
            self.problem = f"cannot be saved: {error}; a start without Redis would find an older one, or none"
            self._again_at = self._monotonic() + _AGAIN_SECONDS
