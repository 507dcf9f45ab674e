"""What scores: the champion, and perhaps a trial beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scorer.batch import Int64s
from scorer.model import golden
from scorer.model.model import BoundModel
from scorer.scoring.routing import Share
from scorer.wire.joined import join


class Active:
    """A version in force, bound to the events' columns, with the texts that its predictions bear."""

    def __init__(self, version: str, digest: bytes, bound: BoundModel) -> None:
        self.version = version
        self.digest = digest
        self.bound = bound
        texts = [version.encode(), digest, *(name.encode() for name in bound.model.classes)]
        self._buffer, self._address, self._length = join(texts)

    def check(self) -> None:
        """Raise ``VersionRefused`` unless it still reproduces its golden rows."""
        golden.check(self.bound.model)

    def text(self, place: int | Int64s) -> tuple[Int64s, Int64s]:
        """Address and length of the version (0), the digest (1), or the name of class ``k`` (2 + k)."""
        return np.asarray(self._address[place]), np.asarray(self._length[place])


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A version that scores a share of the events until ``until`` (microseconds since the epoch)."""

    active: Active
    share: Share
    until: int


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """What scores: one champion, perhaps one trial. Replaced whole between two batches."""

    champion: Active
    trial: Trial | None = None

    def all(self) -> tuple[Active, ...]:
        """Every version in force."""
        return (self.champion,) if self.trial is None else (self.champion, self.trial.active)
