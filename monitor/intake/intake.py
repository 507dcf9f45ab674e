"""From one read of Kafka to one step of the state: everything that was read, in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitor.intake.audit import Audit
from monitor.intake.counting import counted
from monitor.intake.drift import Drift, by_version
from monitor.intake.events import Events
from monitor.intake.labels import Labels
from monitor.intake.predictions import Predictions
from monitor.intake.texts import INPUT, LONGEST, MOST, REASON, TOPIC, VERSION
from monitor.judge.outputs import Outputs
from monitor.records import Letter, Records
from monitor.rows import AUDIT, DEAD_LETTERS, EVENTS, HOUR, LABELS, PREDICTIONS, RETRY, Bools, Int64s, Rows
from monitor.settings import MonitorSettings
from monitor.stats.trained import KEPT, Trained
from monitor.store.step import Step
from scorer import schema_files
from scorer.batch import Batch
from scorer.quality.lateness import LATENCY_EDGES
from scorer.scoring.models import Active
from scorer.scoring.prediction import PredictionForm
from scorer.wire.decode import Decoder
from scorer.wire.schema import parse

UNKNOWN = "unknown"
"""The reason of a dead letter that bears none."""


@dataclass(frozen=True, slots=True)
class Followed:
    """Whom the pointers name: the champion, whose profile drift is measured against, and the challengers."""

    champion: Active | None = None
    challengers: tuple[Active, ...] = ()


class Intake:
    """Takes in what is read for one model. For one thread."""

    def __init__(
        self, settings: MonitorSettings, outputs: Outputs, decoder: Decoder, lists: Sequence[str] = ()
    ) -> None:
        """``decoder`` reads the events, ``lists`` are the carried fields that name lists. Raises SettingsError where
        the settings do not fit the events."""
        scorer, schemas, segments = settings.scorer, settings.schemas, settings.monitor.segments
        framing = decoder.framing
        written = parse(schema_files.own("prediction"), "prediction.avsc")
        self._predictions = Predictions(
            written, framing, schemas.prediction_id, model=scorer.model, outputs=outputs, segments=segments, lists=lists
        )
        self._labels = Labels(parse(schema_files.own("label"), "label.avsc"), framing, schemas.label_id, outputs)
        self._audit = Audit(parse(schema_files.own("audit"), "audit.avsc"), framing, schemas.audit_id)
        form = PredictionForm(
            scorer.model, written, framing, schemas.prediction_id, scorer.id_field, scorer.time_field,
            tuple(dict.fromkeys([*segments, *lists])),
        )  # fmt: skip
        self._events = Events(decoder, form, self._predictions)
        self._layout = decoder.layout
        self._sources = (settings.topics.events, settings.topics.retry)
        self._followed = Followed()
        self._drift: Drift | None = None

    def follow(self, step: Step, champion: Active | None, challengers: Sequence[Active]) -> None:
        """From here on measure drift against this champion, and score with these challengers; noted with the coming
        tick, so it is called in the step of that tick, before it."""
        if champion is not self._followed.champion:
            profile = None if champion is None else champion.bound.model.manifest.profile
            inputs = () if champion is None else champion.bound.model.inputs
            self._drift = None if profile is None else Drift(inputs, profile, self._layout)
            if champion is not None and profile is not None:
                step.keep(KEPT, Trained.of(champion.version, profile).to_json())  # so that reports know the bins
        self._followed = Followed(champion, tuple(challengers))
        step.follow("" if champion is None else champion.version, [one.version for one in challengers])

    def take(self, step: Step, records: Records) -> None:
        """Feed a step with all of one read. Raises ValueError before the first tick."""
        step.codes(TOPIC, self._sources)  # so that their order is not that of what comes first
        for place, offset in records.lost.items():
            step.lost(*place, offset)
        for place, offset in records.found.items():
            step.assign(*place, offset)
        for topic, batch in records.batches.items():
            if topic in (EVENTS, RETRY):
                self._take_events(step, topic, batch)
            elif topic == PREDICTIONS:
                self._take_predictions(step, batch)
            elif topic == LABELS:
                step.labels(*self._labels.read(batch, records.revisions))
            elif topic == DEAD_LETTERS:
                self._take_letters(step, batch, records.letters)
            elif topic == AUDIT:
                self._take_audit(step, batch)
        for place, offset in records.passed.items():
            step.position(*place, offset)

    def _take_predictions(self, step: Step, batch: Batch) -> None:
        rows, refused = self._predictions.read(batch, step.codes)
        taken = step.predictions(rows, refused)
        late = np.searchsorted(np.array(LATENCY_EDGES), rows["scored"][taken] - rows["time"][taken], side="right")
        step.add(
            "latency", counted({"hour": _hour(rows["time"][taken]), "version": rows["version"][taken], "bin": late})
        )

    def _take_events(self, step: Step, topic: str, batch: Batch) -> None:
        followed = self._followed
        if self._drift is None and not followed.challengers:
            # Nobody asks for them: no more is kept of them than where they end.
            for partition in np.unique(batch.partition).tolist():
                step.position(topic, partition, int(batch.offset[batch.partition == partition].max()) + 1)
            return
        read = self._events.read(batch)
        taken = step.admit(topic, _places(batch, read.time), read.refused)
        rows = np.flatnonzero(taken)
        time = read.time[rows]
        if self._drift is not None and followed.champion is not None:
            inputs = np.array(step.codes(INPUT, self._drift.names), np.int64)
            [version] = step.codes(VERSION, [followed.champion.version])
            step.add("drift", by_version(self._drift.count(read.columns, rows, time), version, inputs))
        for active in followed.challengers:
            said = self._events.challenge(batch, rows, time, active, step.codes, step.clock.time)
            step.shadow(said.rows)
            step.add("failures", said.failures)

    def _take_letters(self, step: Step, batch: Batch, letters: Sequence[Letter]) -> None:
        time = np.array([letter.time for letter in letters], np.int64) * 1000
        taken = step.admit(DEAD_LETTERS, _places(batch, time))
        texts = [
            letter.code if 0 < len(letter.code) <= LONGEST else UNKNOWN
            for letter, ours in zip(letters, taken.tolist(), strict=True)
            if ours
        ]
        names = [UNKNOWN, *sorted(set(texts))]
        codes = np.array(step.codes(REASON, names, MOST[REASON]))
        known = dict(zip(names, np.where(codes < 0, codes[0], codes).tolist(), strict=True))
        reasons = np.array([known[text] for text in texts], np.int64)
        step.add("letters", counted({"hour": _hour(time[taken]), "reason": reasons}))

    def _take_audit(self, step: Step, batch: Batch) -> None:
        found, refused = self._audit.read(batch)
        # A flip does not expire: the latest are kept, however old.
        taken: Bools = step.admit(AUDIT, _places(batch, np.full(len(batch), step.clock.time)), refused)
        step.flipped(self._audit.flips(found, taken))


def _places(batch: Batch, time: Int64s) -> Rows:
    return {"partition": batch.partition, "position": batch.offset, "time": time}


def _hour(time: Int64s) -> Int64s:
    return np.asarray(time // HOUR * HOUR)
