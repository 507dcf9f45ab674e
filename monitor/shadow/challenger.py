"""The challenger in force: what the pointer in Redis says, made ready to score."""

from __future__ import annotations

import logging

from monitor.settings import MonitorSettings
from scorer.batch import Layout
from scorer.errors import RegistryUnavailable, VersionRefused
from scorer.model.outputs import PROBABILITY
from scorer.model.version import VersionBytes
from scorer.registry import client, pointers, versions
from scorer.registry.admission import admit
from scorer.registry.keys import Keys
from scorer.registry.pointers import Refused
from scorer.registry.signatures import Trust
from scorer.registry.stock import Stock
from scorer.scoring.models import Active

LOGGER = logging.getLogger(__name__)

RETRY_SECONDS = 5.0


class Challenger:
    """Follows the pointer ``challenger`` of one model; where it names several versions, the first one.

    ``active`` is ``None`` while there is none, or where it was refused; ``known`` once Redis has answered. Redis is
    asked in the course of ``follow``: where it is slow, the monitor is.
    """

    def __init__(self, settings: MonitorSettings, layout: Layout) -> None:
        redis = settings.redis
        self.active: Active | None = None
        self.known = False
        self._layout = layout
        self._trust = Trust.of(settings.scorer)
        self._poll_seconds = redis.poll_seconds
        self._keys = Keys(settings.scorer.model, redis.prefix)
        self._client = client.connect_by(redis)
        self._stock = Stock(self._keys.model, self._prepare, Active.check)
        self._followed: str | None = None  # what the pointer said when it was last acted upon
        self._refusal: str | None = None
        self._unreachable = False
        self._look_at = self._retry_at = 0.0

    def follow(self, now: float) -> None:
        """Look at the pointer, where it is time; ``now`` in seconds by a steady clock."""
        if now < self._look_at:
            return
        self._look_at = now + self._poll_seconds
        try:
            self._follow(now)
        except RegistryUnavailable as error:
            self._look_at = now + RETRY_SECONDS
            if not self._unreachable:
                LOGGER.warning("the challenger stays %s: %s", self.active.version if self.active else "unknown", error)
            self._unreachable = True
        else:
            self.known, self._unreachable = True, False

    def close(self) -> None:
        """Leave Redis."""
        self._client.close()

    def _follow(self, now: float) -> None:
        found = pointers.read(self._client, self._keys)
        text = found.texts["challenger"]
        retry = self._refusal is not None and now >= self._retry_at
        if self.known and text == self._followed and not retry:
            return
        wanted = found.challengers
        try:
            if isinstance(wanted, Refused):
                code, _, why = wanted.reason.partition(": ")
                raise VersionRefused(code, why)  # noqa: TRY301  # reported like a version that is refused
            self.active = self._ready(wanted[0]) if wanted else None
        except VersionRefused as error:
            self._refuse(f"{error.reason}: {error}", text, now)
        else:
            self._refusal = None
            if text != self._followed or retry:
                LOGGER.info(
                    "challenger: %s%s",
                    wanted[0] if wanted else "none",
                    "" if len(wanted) < 2 else f"; not scored: {', '.join(wanted[1:])}, because only the first one is",
                )
        self._followed = text

    def _ready(self, version: str) -> Active:
        if self.active is not None and self.active.version == version:
            return self.active
        return self._stock.make(version, versions.fetch(self._client, self._keys, version)).made

    def _refuse(self, reason: str, text: str | None, now: float) -> None:
        """No score is better than one of another version than the pointer names."""
        if reason != self._refusal or text != self._followed:
            LOGGER.error("challenger %s is refused, so nothing is scored in the shadow: %s", text, reason)
        self.active, self._refusal, self._retry_at = None, reason, now + RETRY_SECONDS

    def _prepare(self, stored: VersionBytes, model: str, version: str) -> Active:
        admitted = admit(stored, self._trust, model=model, version=version)
        if admitted.kind != "binary":
            raise VersionRefused("kind", f"version {version} is a {admitted.kind}, but only two classes can be judged")
        if admitted.scale != PROBABILITY:
            raise VersionRefused("kind", f"version {version} gives margins, but only probabilities can be judged")
        return Active(version, admitted.digest, admitted.bind(self._layout))
