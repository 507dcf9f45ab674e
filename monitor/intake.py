"""From what was read to what is summed."""

from __future__ import annotations

import logging

from monitor.complaints import Complaints
from monitor.joining import Joining
from monitor.monthly import Monthly
from monitor.places import Places
from monitor.records import Labels, Predictions
from monitor.settings import MonitorSettings
from monitor.shadow.challenger import Challenger
from monitor.shadow.scoring import ShadowScoring
from monitor.stream import Records
from scorer import schema_files
from scorer.batch import Batch
from scorer.wire.decode import Decoder
from scorer.wire.framing import Framing
from scorer.wire.schema import parse

LOGGER = logging.getLogger(__name__)

NO_TIME = -(2**63)
"""Before any label."""


class Intake:
    """Joins what is read. ``time`` is the time of the latest label, in microseconds since the epoch."""

    def __init__(self, settings: MonitorSettings, places: Places, decoder: Decoder) -> None:
        monitor, schemas = settings.monitor, settings.schemas
        framing = schema_files.framing(schemas)
        label = parse(schema_files.own("label"), "label.avsc")
        label_id = 0 if framing is Framing.BARE else schemas.label_id
        self.monthly = Monthly(monitor.close_after_days)
        self.time = NO_TIME
        self._places = places
        self._shadow = ShadowScoring(decoder)
        self._labels = Labels(Decoder({label_id: label}, framing))
        self._predictions = Predictions(schema_files.own("prediction"), framing, schemas.prediction_id, places)
        self._joining = Joining(self.monthly.fold, pending=monitor.pending_events, remembered=monitor.remembered_events)
        self._complaints = Complaints()

    def take(self, records: Records, challenger: Challenger) -> None:
        """Join what was read, and score the events among it with the challenger in force."""
        if records.events is not None:
            self._score(records.events, challenger)
        if records.predictions is not None:
            predictions = self._predictions.read(records.predictions)
            self._joining.add_predictions(predictions.rows)
            self._complaints.bad("predictions", predictions.bad)
        if records.labels is not None:
            labels = self._labels.read(records.labels)
            self._joining.add_labels(labels.rows)
            self._complaints.bad("labels", labels.bad)
            self.time = max([self.time, *(label.time for _, label in labels.rows)])
        self._complain()

    def summarise(self) -> None:
        """Say at the end what was left out, and what still waits."""
        facts = {**self._complaints.counts, "duplicates": self._joining.counts.duplicates}
        LOGGER.info(
            "%d event ids wait for a label or a prediction; %s",
            self._joining.pending,
            ", ".join(f"{name}: {count}" for name, count in facts.items()),
        )

    def _score(self, events: Batch, challenger: Challenger) -> None:
        active, places = challenger.active, self._places.of_all(events).tolist()
        said = [None] * len(places) if active is None else self._shadow.score(events, active)
        self._joining.add_scores(zip(places, said, strict=True))

    def _complain(self) -> None:
        counts = self._joining.counts
        for kind, count in (
            ("predictions dropped", counts.predictions_dropped),
            ("labels dropped", counts.labels_dropped),
        ):
            if count > self._complaints.counts[kind]:
                self._complaints.grown(kind, count, "they waited too long; raise monitor.pending_events to wait longer")
