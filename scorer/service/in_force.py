"""The models in force: the registry's pointers turned into what scores, and into audit records."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import asdict

import fastavro

from scorer import schema_files
from scorer.errors import StreamBroken
from scorer.model.version import VersionBytes
from scorer.registry import client
from scorer.registry.admission import admit
from scorer.registry.current import Current
from scorer.registry.events import PointerEvent
from scorer.registry.following import Follower
from scorer.registry.instances import Json
from scorer.registry.keys import Keys
from scorer.registry.lastgood import LastGood
from scorer.registry.signatures import Trust
from scorer.registry.trial import Trial as TrialPointer
from scorer.registry.watcher import Heartbeat, Watcher
from scorer.scoring.models import Active, Models, Trial
from scorer.scoring.routing import Share
from scorer.settings import Settings
from scorer.wire.decode import Decoder


class InForce:
    """Follows the pointers of one model for one worker. ``models`` and ``audit`` are for the loop, between batches.

    ``report`` is what the worker says of itself in its instance key; ``note`` hears what becomes of each pointer.
    """

    def __init__(
        self,
        settings: Settings,
        instance: str,
        decoder: Decoder,
        report: Callable[[], Mapping[str, Json]],
        note: Callable[[PointerEvent], None],
    ) -> None:
        self._model, self._instance, self._decoder, self._note = settings.scorer.model, instance, decoder, note
        self._trust = Trust.of(settings.scorer)
        self._header = schema_files.framing(settings.schemas).header(settings.schemas.audit_id)
        self._schema = fastavro.parse_schema(schema_files.own("audit"))
        redis = settings.redis
        follower = Follower(
            client.connect_by(redis),
            Keys(self._model, redis.prefix),
            self._prepare,
            check=Active.check,
            allow=lambda trial: _share(trial).check(decoder.layout),
            state=LastGood(settings.scorer.state_directory, self._model),
        )
        heartbeat = Heartbeat(instance, report)
        self.watcher = Watcher(follower, poll_seconds=redis.poll_seconds, heartbeat=heartbeat)
        self._seen: Current[Active] | None = None
        self._models: Models | None = None

    def __enter__(self) -> InForce:
        self.watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watcher.stop()

    @property
    def ready(self) -> bool:
        """Whether there has ever been a champion that can score."""
        self._raise_failure()
        return self.watcher.current.champion is not None

    def models(self) -> Models:
        """What to score the next batch with; the same object until a pointer is applied."""
        self._raise_failure()
        current = self.watcher.current
        if self._models is None or current is not self._seen:
            self._seen, self._models = current, _models(current)
        return self._models

    def audit(self) -> list[bytes]:
        """What was applied or refused since this was last asked, as audit records."""
        events = self.watcher.events.take()
        for event in events:
            self._note(event)
        return [self._record(event) for event in events]

    def _prepare(self, stored: VersionBytes, model: str, version: str) -> Active:
        """Runs in the watcher's thread: everything that takes time is done before the loop sees the version."""
        admitted = admit(stored, self._trust, model=model, version=version)
        return Active(version, admitted.digest, admitted.bind(self._decoder.layout))

    def _record(self, event: PointerEvent) -> bytes:
        fields = asdict(event) | {"model": self._model, "instance": self._instance}
        fields |= {"at": round(event.at * 1e6), "seen": round(event.seen * 1e6)}
        out = io.BytesIO(self._header)
        out.seek(0, io.SEEK_END)
        fastavro.schemaless_writer(out, self._schema, fields, strict=True)
        return out.getvalue()

    def _raise_failure(self) -> None:
        if self.watcher.failure is not None:
            raise StreamBroken(f"the registry is no longer followed: {self.watcher.failure}") from self.watcher.failure


def _models(current: Current[Active]) -> Models:
    if current.champion is None:  # the loop starts when there is one, and it is never taken away
        raise StreamBroken("there is no champion any more")
    on = current.trial
    if on is None:
        return Models(current.champion.made)
    return Models(current.champion.made, Trial(on.ready.made, _share(on.trial), round(on.trial.until * 1e6)))


def _share(trial: TrialPointer) -> Share:
    return Share(trial.id, trial.percent, trial.by, trial.field, trial.values)
